#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
#
# Usage: issue-cert.sh KEYS START END OUT.pem
# Issues a certificate for cms.key with dates of choice (YYYYMMDDhhmmssZ), from the authority in KEYS (a
# folder made by keys/make-dev-keys.sh). Only the dates differ from a good one. For the tests.
set -eu
umask 022

[ $# -eq 4 ] || {
	echo "usage: issue-cert.sh KEYS START END OUT.pem" >&2
	exit 2
}
keys=$1 start=$2 end=$3 out=$4
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT

: >"$work/index"
echo 01 >"$work/serial"
# openssl 3.0 sets both dates of a certificate only through its small authority.
cat >"$work/ca.cnf" <<END
[req]
prompt = no
distinguished_name = name
[name]
CN = development signer of $start, not for production
[ca]
default_ca = authority
[authority]
database = $work/index
serial = $work/serial
new_certs_dir = $work
default_md = sha256
policy = policy
unique_subject = no
[policy]
commonName = supplied
[signer_ext]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = emailProtection, codeSigning
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid:always
END
export OPENSSL_CONF="$work/ca.cnf"
openssl req -new -key "$keys/cms.key" -out "$work/csr"
openssl ca -batch -notext -extensions signer_ext -cert "$keys/ca.pem" -keyfile "$keys/ca.key" \
	-startdate "$start" -enddate "$end" -in "$work/csr" -out "$work/out" \
	2>"$work/log" || {
	cat "$work/log" >&2
	exit 1
}
mv -- "$work/out" "$out"
