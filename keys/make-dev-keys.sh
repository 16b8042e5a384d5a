#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
#
# Makes a complete set of development keys for signing update packages.
set -eu

usage() {
	cat <<'TEXT'
usage: make-dev-keys.sh DIR

Makes development keys for signing update packages in the new folder DIR (mode 0700); short for
'jetson-keys dev DIR':

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

Needs bash and openssl 3. Exit codes: 0 made, 1 not made, 2 wrong usage.
TEXT
}

case ${1-} in
-h | --help) usage; exit 0 ;;
-*) usage >&2; exit 2 ;;
esac
if [ $# -ne 1 ] || [ -z "$1" ]; then
	usage >&2
	exit 2
fi
exec "$(dirname -- "$(readlink -f -- "$0")")/jetson-keys" dev -- "$1"
