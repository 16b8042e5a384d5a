# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""What is combined: signature, host, compression, encryption, split, layout; and what cannot be."""

import dataclasses
import itertools

PLUGIN = "debian-plugin"
CMS_HOSTS = (PLUGIN, "builtin-2022.12", "builtin-2024.12.1")
# A SWUpdate verifies one kind of signature; which one was decided when it was built.
SIGNATURES = {"CMS": CMS_HOSTS, "CMS, two signers": CMS_HOSTS, "CMS, intermediate": CMS_HOSTS,
              "RSA PKCS#1": ("rsa-2022.12",), "RSA-PSS": ("rsa-pss-2022.12",),
              "none": (PLUGIN, "rsa-2022.12")}
HOSTS = tuple(dict.fromkeys(host for hosts in SIGNATURES.values() for host in hosts))
COMPRESSIONS = ("none", "zlib", "zstd", "xz")
SPLITS = ("whole", "parts")
LAYOUTS = ("mission", "t186", "t194")
# By UEFI variables (a fake of efivarfs): what is in a package is all the same to them.
OTHER_LAYOUTS = ("t234", "t264")


@dataclasses.dataclass(frozen=True)
class Case:
    """One .swu on one host; `reason` is the letter of why it is refused, "" when it is installed."""

    signature: str
    host: str
    compress: str
    encrypt: bool
    split: str
    layout: str

    @property
    def reason(self):
        if self.compress == "xz":
            return "b"
        if self.signature == "none":
            return "a"
        return ""

    def __str__(self):
        secret = "AES" if self.encrypt else "plain"
        return (f"{self.signature} on {self.host}, {self.compress}, {secret}, {self.split}, "
                f"{self.layout}")


# What `check` in run.py makes sure of, in words.
REASONS = {
    "a": "`jetson-swu build` refuses to leave a package unsigned (\"a device takes signed updates "
         "only\"), and one whose signature was taken out is refused by the host before the first byte.",
    "b": "SWUpdate unpacks xz from 2025.12 on and the newest host here is 2024.12.1: `jetson-swu "
         "build` refuses (\"SWUpdate before 2025.12 cannot unpack xz\").",
}
INTERMEDIATE = (
    "CMS, intermediate: the package carries the certificate in the middle (`chain` in update.conf), the "
    "device trusts the root. Debian's swupdate does not look for certificates in the package: its `-k` "
    "file must hold root and intermediate, and with the root alone it refuses (tried in each run).")


def whole_cases():
    """Everything that is not split, on every host and layout that can have it."""
    for signature, hosts in SIGNATURES.items():
        for values in itertools.product(hosts, COMPRESSIONS, (False, True)):
            # What is refused is refused for every layout alike.
            alike = signature == "none" or values[1] == "xz"
            for layout in LAYOUTS[:1] if alike else LAYOUTS:
                yield Case(signature, *values, "whole", layout)
    for layout in OTHER_LAYOUTS:
        yield Case("CMS", PLUGIN, "none", False, "whole", layout)


def parts_cases():
    """A split image has more than 1 GiB: each signature, compression and encryption, hosts and layouts
    in turns."""
    for signature, hosts in SIGNATURES.items():
        turns = zip(itertools.product(COMPRESSIONS, (False, True)), itertools.cycle(LAYOUTS),
                    itertools.cycle(hosts))
        for (compress, encrypt), layout, host in turns:
            yield Case(signature, host, compress, encrypt, "parts", layout)


def pairs(case):
    values = dataclasses.astuple(case)
    return {(i, a, j, b) for (i, a), (j, b) in itertools.combinations(enumerate(values), 2)}


def pairwise():
    """The fewest cases, greedily, in which every two values that can meet do meet; and one of each
    that is refused."""
    installed = [case for case in whole_cases() if not case.reason]
    wanted = set().union(*map(pairs, installed))
    while wanted:
        best = max(installed, key=lambda case: len(pairs(case) & wanted))
        wanted -= pairs(best)
        yield best
    refused = {}
    for case in whole_cases():
        if case.reason:
            refused.setdefault((case.reason, case.signature, case.host, case.layout), case)
    one = {}
    for (reason, *_), case in refused.items():
        one.setdefault((reason, case.layout), case)
    yield from one.values()
