# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""Keys, certificates and images for every combination."""

import random
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests/tools"))

import swu_build  # noqa: E402
from swu_build import KIB, MIB, tool  # noqa: E402

GIB = 1 << 30
SIGNER = '{ certificate = "%s.pem"; key = "%s.key"; }'
# signature -> (settings of `signing`, what the device trusts, --method of verify)
SIGNING = {
    "CMS": (f"signers: ( {SIGNER % (('keys/cms',) * 2)} );", "keys/ca.pem", "cms"),
    "CMS, two signers": (f"signers: ( {SIGNER % (('keys/cms',) * 2)}, "
                         f"{SIGNER % (('second/cms',) * 2)} );", "both.pem", "cms"),
    "CMS, intermediate": (f"signers: ( {SIGNER % (('chain-signer',) * 2)} ); "
                          'chain = "chain-middle.pem";', "chain-root.pem", "cms"),
    "RSA PKCS#1": ('method = "rsa"; signers: ( { key = "keys/rsa.key"; } );', "keys/rsa.pub", "rsa"),
    "RSA-PSS": ('method = "rsa-pss"; signers: ( { key = "keys/rsa.key"; } );', "keys/rsa.pub",
                "rsa-pss"),
}
# Debian's swupdate is the one that does not look for certificates in the package.
ON_DEBIAN = {"CMS, intermediate": "chain-both.pem"}
EXTENSIONS = """[root]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
subjectKeyIdentifier = hash
[middle]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign
[signer]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = emailProtection
[req]
distinguished_name = name
prompt = no
[name]
CN = swupdate-jetson test
"""


class Stock(swu_build.Stock):
    def __init__(self, folder):
        super().__init__(folder)
        tool(TOP / "keys/make-dev-keys.sh", folder / "second")
        (folder / "both.pem").write_bytes((folder / "keys/ca.pem").read_bytes() +
                                          (folder / "second/ca.pem").read_bytes())
        (folder / "chain.cnf").write_text(EXTENSIONS)
        self._issue("root", "")
        self._issue("middle", "root")
        self._issue("signer", "middle")
        (folder / "chain-both.pem").write_bytes((folder / "chain-root.pem").read_bytes() +
                                                (folder / "chain-middle.pem").read_bytes())

    def _issue(self, name, issuer):
        """A certificate of a chain of three; the signer's comes from the one in the middle."""
        path, config = self.folder / f"chain-{name}", self.folder / "chain.cnf"
        tool("openssl", "req", "-new", "-config", config, "-subj", f"/CN=combinations {name}", "-newkey",
             "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{path}.key", "-out",
             f"{path}.csr")
        by = self.folder / f"chain-{issuer}"
        how = ["-CA", f"{by}.pem", "-CAkey", f"{by}.key"] if issuer else ["-signkey", f"{path}.key"]
        tool("openssl", "x509", "-req", "-days", "365", "-in", f"{path}.csr", *how, "-set_serial",
             str(random.getrandbits(60)), "-extfile", config, "-extensions", name, "-out",
             f"{path}.pem")
        Path(f"{path}.key").chmod(0o600)

    def make_large(self):
        """More than one part: noise at the start, on both sides of the border, at the end; else zero."""
        path = self.folder / "large.ext4"
        noise = random.Random("large")
        with open(path, "wb") as file:
            file.truncate(GIB + 3 * MIB)
            for at, size in ((0, 300 * KIB), (GIB - 5000, 70 * KIB), (GIB + 3 * MIB - 999, 999)):
                file.seek(at)
                file.write(noise.randbytes(size))
        return path
