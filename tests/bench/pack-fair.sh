#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
#
# What an experienced person writes instead of jetson-swu, for the bench: every core compresses, what
# can be piped is piped, nothing is read again that need not be. One root filesystem, one kernel, CMS.
set -eu

if [ $# -ne 7 ]; then
	echo "usage: pack-fair.sh none|zstd|zstd+aes ROOTFS BOOT KEY CERT AES OUT" >&2
	exit 2
fi
mode=$1 rootfs=$2 boot=$3 key=$4 cert=$5 aes=$6 out=$7
work=$(mktemp -d "$out.XXXXXX")
trap 'rm -rf -- "$work"' EXIT
size=$(stat -L -c %s "$rootfs")
digest() {
	openssl dgst -sha256 -r "$@" | cut -d' ' -f1
}

# A link costs nothing; what is made new is digested while it is written.
case $mode in
none)
	name=rootfs.ext4 more=
	ln -s "$rootfs" "$work/$name"
	sha=$(digest "$rootfs")
	;;
zstd)
	name=rootfs.ext4.zst more="compressed = \"zstd\"; properties: { decompressed-size = \"$size\"; };"
	sha=$(zstd -q -T0 -3 -c "$rootfs" | tee "$work/$name" | digest)
	;;
zstd+aes)
	iv=$(openssl rand -hex 16)
	name=rootfs.ext4.zst.enc
	more="compressed = \"zstd\"; encrypted = true; ivt = \"$iv\";
		properties: { decompressed-size = \"$size\"; };"
	sha=$(zstd -q -T0 -3 -c "$rootfs" | openssl enc -aes-256-cbc -K "$(cut -d' ' -f1 "$aes")" \
		-iv "$iv" | tee "$work/$name" | digest)
	;;
*) exit 2 ;;
esac
ln -s "$boot" "$work/boot.img"

cat >"$work/sw-description" <<END
software =
{
	version = "2.0.0";
	jetson-demo =
	{
		hardware-compatibility: [ "1.0" ];
		images: (
			{ filename = "boot.img"; type = "jetson-bootimg"; installed-directly = true;
				sha256 = "$(digest "$boot")"; },
			{ filename = "$name"; type = "jetson-rootfs"; installed-directly = true; $more
				sha256 = "$sha"; }
		);
		scripts: ( { type = "jetson-postinstall"; properties: { images = "boot.img $name"; }; } );
	};
}
END
openssl cms -sign -in "$work/sw-description" -out "$work/sw-description.sig" -outform DER \
	-nosmimecap -binary -md sha256 -signer "$cert" -inkey "$key"
(cd "$work" && printf '%s\n' sw-description sw-description.sig boot.img "$name" |
	cpio -o -L -H crc -R 0:0 --quiet) >"$out"
