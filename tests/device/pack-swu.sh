#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
#
# Packs and signs an update package for the tests and the demo. It is no tool for releases: it knows
# one certificate, no passphrase, no encryption, and checks of a package only what its own work needs.
set -eu
umask 022

usage() {
	cat <<'END'
usage: pack-swu.sh [-v VERSION] TEMPLATE DIR KEY CERT OUT

Fills TEMPLATE (a sw-description with @VERSION@, @SHA256:FILE@ and @SIZE:FILE@ in it) from the files
in DIR, signs it with KEY and CERT and packs OUT: sw-description, sw-description.sig, then the images
in the order in which the template names them. CERT - signs with plain RSA instead of CMS.

  -v VERSION   what @VERSION@ becomes

For the tests and the demo only. Exit codes: 0 packed, 1 not packed, 2 wrong usage.
END
}

die() {
	echo "pack-swu.sh: $*" >&2
	exit 1
}

version=
while getopts hv: option; do
	case $option in
	h) usage; exit 0 ;;
	v) version=$OPTARG ;;
	*) usage >&2; exit 2 ;;
	esac
done
shift $((OPTIND - 1))
if [ $# -ne 5 ]; then
	usage >&2
	exit 2
fi
template=$1 dir=$2 key=$3 cert=$4 out=$5
[ -r "$template" ] || die "cannot read the template '$template'"
[ -d "$dir" ] || die "'$dir' is not a folder"
case $version in
*[!0-9A-Za-z.+_-]*) die "version '$version': only letters, digits and . + _ - are allowed" ;;
esac

work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
trap 'exit 1' HUP INT TERM
description=$work/sw-description

# Comments explain the template to its reader; a device has no use for them.
sed -e '/^[[:space:]]*#/d' "$template" >"$description"

# A file's name ends up in a sed command and in the archive: plain names only.
plain_name() {
	case $1 in
	'' | .* | -* | *[!0-9A-Za-z._+-]*) die "'$1' is not a plain file name" ;;
	esac
	[ -f "$dir/$1" ] || die "'$dir' has no file '$1', which the template names"
}

grep -o '@[A-Z0-9]*:[^@]*@\|@[A-Z]*@' "$description" | sort -u >"$work/.words" || true
while read -r word; do
	name=${word#@*:}
	name=${name%@}
	case $word in
	@VERSION@)
		[ -n "$version" ] || die "the template has @VERSION@: give -v"
		value=$version
		;;
	@SHA256:*)
		plain_name "$name"
		value=$(sha256sum "$dir/$name" | cut -d' ' -f1)
		;;
	@SIZE:*)
		plain_name "$name"
		value=$(stat -L -c %s "$dir/$name")
		;;
	*) die "the template has the unknown word '$word'" ;;
	esac
	sed -i "s|$word|$value|g" "$description"
done <"$work/.words"

images=$(sed -n 's/^.*filename[[:space:]]*=[[:space:]]*"\([^"]*\)".*$/\1/p' "$description" |
	awk '!seen[$0]++')
for name in $images; do
	plain_name "$name"
	# The archive format has eight hexadecimal digits for a size.
	[ "$(stat -L -c %s "$dir/$name")" -lt 4294967296 ] || die "'$name' is 4 GiB or larger"
	ln -s -- "$(realpath -- "$dir/$name")" "$work/$name"
done

if [ "$cert" = - ]; then
	openssl dgst -sha256 -sign "$key" -out "$description.sig" "$description" ||
		die "openssl cannot sign with '$key'"
else
	openssl cms -sign -in "$description" -out "$description.sig" -outform DER -nosmimecap \
		-binary -md sha256 -signer "$cert" -inkey "$key" ||
		die "openssl cannot sign with '$key' and '$cert'"
fi

# Written beside its place and renamed: a package that exists is whole.
for name in sw-description sw-description.sig $images; do
	printf '%s\n' "$name"
done >"$work/.list"
(cd "$work" && cpio -o -L -H crc -R 0:0 --reproducible --quiet <.list) >"$out.part" || {
	rm -f -- "$out.part"
	die "cpio cannot pack '$out'"
}
mv -- "$out.part" "$out"
