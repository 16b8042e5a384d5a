#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
#
# Builds the virtual machine's software into build/vm/guest/: boot.img (Debian's arm64 kernel and a small
# initramfs), rootfs-RELEASE.ext4, the signed packages *.swu, and disk.img, the card as it leaves the
# factory, with release 1.0 in slot A. Needs no root. Nothing is done when nothing changed.
set -euo pipefail
umask 022
# shellcheck source=tests/vm/guest.sh
. "$(dirname "$0")/guest.sh"

out=$build/vm/guest
roots=("$sysroot")
rootfs_mib=32
# Name and kind of each release.
releases=(1.0:good 2.0:good 3.0:crash 4.0:hang 5.0:good)
modules="sdhci-pci ext4 virtio_pci virtio_blk virtio_net i6300esb"

make_initramfs() {
	local tree=$work/initramfs module path
	mkdir -p "$tree/bin" "$tree/modules"
	cp "$sysroot/bin/busybox" "$tree/bin/busybox"
	install -m 0755 "$here/guest/initramfs-init" "$tree/init"
	for module in $modules; do
		modprobe -d "$kernel" -S "$version" --show-depends "$module"
	done | sed -n 's/^insmod \([^ ]*\).*/\1/p' | awk '!seen[$0]++' >"$work/modules"
	while read -r path; do
		cp "$path" "$tree/modules/"
		basename "$path" .ko
	done <"$work/modules" >"$tree/modules/order"
	[ -s "$tree/modules/order" ] || die "the kernel's modules were not found"
	find "$tree" -exec touch -h -d @1767225600 {} +
	(cd "$tree" && find . | sort | cpio -o -H newc -R 0:0 --reproducible --quiet) |
		gzip -n -9 >"$work/initramfs.gz"
}

make_boot_image() {
	gzip -n -6 -c "$kernel"/boot/vmlinuz-* >"$work/kernel.gz"
	mkbootimg --header_version 0 --kernel "$work/kernel.gz" --ramdisk "$work/initramfs.gz" \
		--pagesize 2048 --base 0x40000000 --kernel_offset 0x400000 --ramdisk_offset 0x4000000 \
		--board "virtual-jetson" --cmdline "quiet" -o "$out/boot.img"
}

# Its first process is a script, and there is nothing else.
make_busybox_tree() {
	local tree=$1
	make_tree "$tree"
	ln -s /run/tmp "$tree/tmp"
	install -m 0755 "$here/guest/init" "$tree/usr/sbin/init"
	ln -s /data/dropbear "$tree/etc/dropbear"
	printf 'root::0:0:root:/root:/bin/sh\n' >"$tree/etc/passwd"
}

make_packages() {
	write_package back-1.0 1.0 "file = \"$uboot/second-1.0.itb\";" good
	write_package good-2.0 2.0 "file = \"$uboot/second-2.0.itb\";" good
	write_package crash-3.0 3.0 'keep = true;' good
	write_package hang-4.0 4.0 'keep = true;' good
	write_package bootloader-hang-5.0 5.0 "file = \"$uboot/second-hang.itb\";" good
	write_package wrong-key-2.0 2.0 'keep = true;' other
}

# shellcheck disable=SC2046
start $(find "$here/guest" -type f | sort)
depmod -b "$kernel" "$version"
make_initramfs
make_boot_image
make_busybox_tree "$work/tree"
for release in "${releases[@]}"; do
	make_rootfs "${release%:*}" "${release#*:}"
done
make_packages
make_disk
make_media
finish
