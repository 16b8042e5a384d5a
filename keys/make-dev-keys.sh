#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
#
# Makes a complete set of development keys for signing update packages.
set -eu
umask 077

ca_days=1825
signer_days=365

usage() {
	cat <<'END'
usage: make-dev-keys.sh DIR

Makes development keys for signing update packages in the new folder DIR (mode 0700):

  ca.key      private  certificate authority; only needed to issue the next cms.pem
  ca.pem      public   goes on the device: swupdate -k ca.pem (builds that verify CMS)
  cms.key     private  signs update packages
  cms.pem     public   certificate of cms.key, issued by the authority; goes into each signature
  rsa.key     private  signs update packages for builds that verify plain RSA
  rsa.pub     public   goes on the device: swupdate -k rsa.pub (builds that verify plain RSA)

The authority is valid for 5 years, the signing certificate for 1 year. Private files have mode
0600. Nothing is ever overwritten: DIR must not exist, or be empty. The keys carry no passphrase
and say 'not for production' in their names; README.md beside this script tells what production
needs instead.

Needs openssl 3. Exit codes: 0 made, 1 not made, 2 wrong usage.
END
}

die() {
	echo "make-dev-keys.sh: $*" >&2
	exit 1
}

case ${1-} in
-h | --help) usage; exit 0 ;;
-*) usage >&2; exit 2 ;;
esac
if [ $# -ne 1 ] || [ -z "$1" ]; then
	usage >&2
	exit 2
fi
dir=$1

case $(openssl version 2>/dev/null || true) in
"OpenSSL 3."*) ;;
"") die "openssl is missing: install Debian's package 'openssl'" ;;
*) die "openssl 3 is needed, found: $(openssl version)" ;;
esac
if [ -e "$dir" ] || [ -L "$dir" ]; then
	if [ ! -d "$dir" ] || [ -n "$(ls -A -- "$dir")" ]; then
		die "'$dir' exists already and keys are never overwritten; name another folder"
	fi
fi

# Made beside the place where it belongs and renamed at the end: whoever finds DIR finds all of it.
parent=$(dirname -- "$dir")
mkdir -p -- "$parent"
work=$(mktemp -d -- "$parent/.keys.XXXXXX")
trap 'rm -rf -- "$work"' EXIT
trap 'exit 1' HUP INT TERM

# Two authorities with one name confuse whoever looks for the issuer of a certificate.
word=$(openssl rand -hex 4)

# The machine's own openssl.cnf may add extensions or name other defaults.
export OPENSSL_CONF="$work/openssl.cnf"
cat >"$OPENSSL_CONF" <<END
[req]
prompt = no
string_mask = utf8only
distinguished_name = ca_name
[ca_name]
O = swupdate-jetson
OU = development, not for production
CN = development CA $word, not for production
[signer_name]
O = swupdate-jetson
OU = development, not for production
CN = development signer $word, not for production
[ca_ext]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid:always
# swupdate asks for the purpose emailProtection by default, and for codeSigning when it is started
# with --cert-purpose codeSigning: the certificate serves both.
[signer_ext]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = emailProtection, codeSigning
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid:always
END

make_ec_key() {
	openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1" ||
		die "openssl cannot make a key"
}

# Random, positive and unique without a file that counts.
serial() {
	printf '0x4%s\n' "$(openssl rand -hex 15)"
}

make_ec_key "$work/ca.key"
openssl req -new -x509 -sha256 -key "$work/ca.key" -days "$ca_days" -extensions ca_ext \
	-set_serial "$(serial)" -out "$work/ca.pem" || die "openssl cannot make the authority"

make_ec_key "$work/cms.key"
sed 's/^distinguished_name = ca_name/distinguished_name = signer_name/' "$OPENSSL_CONF" \
	>"$work/signer.cnf"
openssl req -new -sha256 -config "$work/signer.cnf" -key "$work/cms.key" -out "$work/cms.csr" ||
	die "openssl cannot make the signing request"
openssl x509 -req -sha256 -in "$work/cms.csr" -CA "$work/ca.pem" -CAkey "$work/ca.key" \
	-set_serial "$(serial)" -days "$signer_days" -extfile "$OPENSSL_CONF" \
	-extensions signer_ext -out "$work/cms.pem" 2>"$work/log" ||
	die "openssl cannot issue the signing certificate: $(cat "$work/log")"

openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072 -out "$work/rsa.key" \
	2>"$work/log" || die "openssl cannot make a key: $(cat "$work/log")"
openssl pkey -in "$work/rsa.key" -pubout -out "$work/rsa.pub" ||
	die "openssl cannot write the public key"

openssl verify -purpose smimesign -CAfile "$work/ca.pem" "$work/cms.pem" >"$work/log" 2>&1 ||
	die "the new certificate does not verify: $(cat "$work/log")"

rm -f -- "$work/cms.csr" "$work/signer.cnf" "$work/openssl.cnf" "$work/log"
chmod 0600 "$work/ca.key" "$work/cms.key" "$work/rsa.key"
chmod 0644 "$work/ca.pem" "$work/cms.pem" "$work/rsa.pub"
# An empty folder that is already there is replaced; one that got content meanwhile stops this.
mv -T -- "$work" "$dir" || die "cannot put the keys into '$dir'"
trap - EXIT

until=$(openssl x509 -in "$dir/cms.pem" -noout -enddate | cut -d= -f2)
cat <<END
Development keys, not for production, in $dir:
  on the device   ca.pem   (rsa.pub instead for a swupdate that verifies plain RSA)
  where you sign  cms.key, cms.pem   (rsa.key for plain RSA); cms.pem is valid until $until
  put away        ca.key   (only issues the next cms.pem)
END
