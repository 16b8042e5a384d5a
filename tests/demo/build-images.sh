#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
#
# Usage: build-images.sh OUT VERSION...
# Builds into OUT/VERSION/ what a release of the demo consists of, from Debian's arm64 packages:
# boot.img (a real kernel), bootloader.img (a real U-Boot), rootfs.ext4 and rootfs.ext4.zst. Each
# release has another set of kernel modules, so their images differ throughout. Needs no root; the
# same packages give the same root filesystem, byte for byte.
set -eu
umask 022

top=$(cd "$(dirname "$0")/../.." && pwd)
# mke2fs and debugfs are outside of an ordinary user's PATH.
PATH=$PATH:/usr/sbin:/sbin
rootfs_bytes=$((64 * 1024 * 1024))
# Time and identifiers are fixed: they would be the only difference between two builds.
epoch=1767225600
uuid=6a6f7461-0000-4000-8000-000000000001

[ $# -ge 2 ] || {
	echo "usage: build-images.sh OUT VERSION..." >&2
	exit 2
}
out=$1
shift
mkdir -p "$out"
out=$(cd "$out" && pwd)

# The names of the folders are part of what deps/arm64.sh prints, one line per package.
declare -A package
while read -r folder name version; do
	case $name in
	linux-image-*) key=kernel ;;
	*) key=$name ;;
	esac
	package[$key]=$folder
	printf '  %-36s %s\n' "$name" "$version"
done < <("$top/deps/arm64.sh" 'linux-image-6.1.*-cloud-arm64' base-files libc6 busybox-static \
	u-boot-qemu)
for key in kernel base-files libc6 busybox-static u-boot-qemu; do
	[ -d "${package[$key]-}" ] || {
		echo "build-images.sh: deps/arm64.sh did not give the package '$key'" >&2
		exit 1
	}
done

# Modules grow from release to release.
module_folders() {
	case $1 in
	1.*) echo "fs" ;;
	2.*) echo "fs net" ;;
	*) echo "fs net crypto" ;;
	esac
}

# What a health check asks about. Release 3 has a model that is too large for the board; the start
# script is that of the image, and the demo runs it after each boot of that slot.
add_product() {
	local version=$1 tree=$2 state
	mkdir -p "$tree/opt/product"
	case $version in
	3.*) state="failed: the model needs 7 GiB of GPU memory" ;;
	*) state="ready: the model is loaded" ;;
	esac
	cat >"$tree/opt/product/start" <<-END
		#!/bin/sh
		mkdir -p "\$ROOT/run/product"
		echo "$state" >"\$ROOT/run/product/state"
	END
	chmod 0755 "$tree/opt/product/start"
	install -m 0644 "$top/tests/demo/health.conf" "$tree/etc/swupdate-jetson/health.conf"
}

make_tree() {
	local version=$1 tree=$2 modules folder
	mkdir -p "$tree"
	for key in base-files libc6 busybox-static; do
		cp -a "${package[$key]}/." "$tree/"
	done
	modules=$(cd "${package[kernel]}" && echo lib/modules/*)
	for folder in $(module_folders "$version"); do
		mkdir -p "$tree/$modules/kernel"
		cp -a "${package[kernel]}/$modules/kernel/$folder" "$tree/$modules/kernel/"
	done
	rm -f "$tree/etc/os-release"
	cat >"$tree/etc/os-release" <<-END
		NAME="swupdate-jetson demo"
		ID=jetson-demo
		VERSION_ID=$version
		PRETTY_NAME="swupdate-jetson demo $version"
	END
	for folder in init sh mount; do
		ln -sf busybox "$tree/bin/$folder"
	done
	# Folders that the packages leave to their maintainer scripts.
	mkdir -p "$tree/data" "$tree/mnt" "$tree/etc/swupdate-jetson"
	printf 'layout = "mission";\n' >"$tree/etc/swupdate-jetson.conf"
	printf 'jetson-demo 1.0\n' >"$tree/etc/hwrevision"
	ln -sf ../bin/busybox "$tree/sbin/init"
	add_product "$version" "$tree"
	# The kernel's package leaves this to its maintainer script. The symbols' warnings are about
	# modules that are left out here.
	depmod -b "$tree" "${modules##*/}" 2>/dev/null
}

# An ordinary user's files would belong to that user in the image, with the times of their unpacking.
own_by_root() {
	local tree=$1 image=$2
	(cd "$tree" && find . -mindepth 1 -printf '%P\n') | while read -r path; do
		printf 'sif "/%s" uid 0\nsif "/%s" gid 0\n' "$path" "$path"
		for field in atime ctime crtime mtime; do
			printf 'sif "/%s" %s @%d\n' "$path" "$field" "$epoch"
		done
	done >"$image.owners"
	debugfs -w -f "$image.owners" "$image" >"$image.log" 2>&1
	# debugfs tells of a failed line by text only; the echo of the commands begins with its prompt.
	if grep -v -e '^debugfs: ' -e '^debugfs [0-9]' "$image.log"; then
		echo "build-images.sh: debugfs could not set the owners in '$image'" >&2
		exit 1
	fi
	rm -f "$image.owners" "$image.log"
}

make_rootfs() {
	local tree=$1 image=$2
	rm -f "$image"
	truncate -s "$rootfs_bytes" "$image"
	E2FSPROGS_FAKE_TIME=$epoch mke2fs -q -t ext4 -d "$tree" -U "$uuid" -L APP \
		-E "root_owner=0:0,hash_seed=$uuid,lazy_itable_init=0,lazy_journal_init=0" "$image"
	E2FSPROGS_FAKE_TIME=$epoch own_by_root "$tree" "$image"
	e2fsck -fn "$image" >"$image.log" 2>&1 || {
		cat "$image.log" >&2
		exit 1
	}
	rm -f "$image.log"
	zstd -q -f -T0 -3 "$image" -o "$image.zst"
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# A U-Boot unpacks the kernel; uncompressed it would be three times as large.
gzip -n -6 -c "${package[kernel]}"/boot/vmlinuz-* >"$work/kernel.gz"

for version in "$@"; do
	mkdir -p "$out/$version"
	make_tree "$version" "$work/tree-$version"
	make_rootfs "$work/tree-$version" "$out/$version/rootfs.ext4"
	# No root= on the command line: the boot script adds the one that belongs to the slot.
	mkbootimg --header_version 0 --kernel "$work/kernel.gz" --pagesize 2048 --base 0x80000000 \
		--board "demo-$version" --os_version "$version.0" --cmdline "quiet" \
		-o "$out/$version/boot.img"
	# The release's word at the end tells two copies of the same program apart.
	cat "${package[u-boot-qemu]}/usr/lib/u-boot/qemu_arm64/u-boot.bin" >"$out/$version/bootloader.img"
	printf 'release %s\0' "$version" >>"$out/$version/bootloader.img"
	rm -rf "$work/tree-$version"
done
