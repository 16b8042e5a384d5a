#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
#
# Builds the virtual machine's software into build/vm/guest/: boot.img (Debian's arm64 kernel and a small
# initramfs), rootfs-RELEASE.ext4, the signed packages *.swu, and disk.img, the card as it leaves the
# factory, with release 1.0 in slot A. Needs no root. Nothing is done when nothing changed.
set -euo pipefail
umask 022

top=$(cd "$(dirname "$0")/../.." && pwd)
here=$top/tests/vm
build=${JOTA_BUILD:-$top/build}
out=$build/vm/guest
uboot=$build/vm/uboot
arm64=$build/vm/arm64
sysroot=$build/arm64/vm-sysroot
kernel=$build/arm64/linux-image-arm64
www=$build/arm64/vm-www/usr/share/swupdate/www
keys=$build/vm/keys
# sgdisk, mke2fs and depmod are outside of an ordinary user's PATH.
PATH=$PATH:/usr/sbin:/sbin
mib=$((1024 * 1024))
rootfs_mib=32
uuid=6a6f7461-0000-4000-8000-000000000002
# Name and kind of each release.
releases=(1.0:good 2.0:good 3.0:crash 4.0:hang 5.0:good)
modules="sdhci-pci ext4 virtio_pci virtio_blk virtio_net i6300esb"

die() {
	echo "build-guest.sh: $*" >&2
	exit 1
}

make_initramfs() {
	local tree=$work/initramfs version module path
	version=$(basename "$kernel"/lib/modules/*)
	depmod -b "$kernel" "$version"
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

# needed_libraries PROGRAM...: the libraries that they load, and those that these load.
needed_libraries() {
	local queue=("$@") file name path
	declare -A seen=()
	while [ ${#queue[@]} -gt 0 ]; do
		file=${queue[0]}
		queue=("${queue[@]:1}")
		for name in $(aarch64-linux-gnu-readelf -d "$file" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'); do
			[ -z "${seen[$name]-}" ] || continue
			path=$(find "$sysroot/lib/aarch64-linux-gnu" "$sysroot/usr/lib/aarch64-linux-gnu" \
				-name "$name" -print -quit)
			[ -n "$path" ] || die "'$file' needs '$name', which is in no package"
			seen[$name]=$path
			queue+=("$path")
		done
	done
	printf '%s\n' "${seen[@]}" | sort
}

make_tree() {
	local tree=$1 program name
	mkdir -p "$tree"/{bin,sbin,lib,usr/bin,usr/sbin,usr/lib,etc/swupdate,proc,sys,dev,run,root,var}
	install -m 0755 "$sysroot/bin/busybox" "$tree/bin/busybox"
	for name in $("$qemu_user" "$sysroot/bin/busybox" --list); do
		[ -e "$tree/bin/$name" ] || ln -s busybox "$tree/bin/$name"
	done
	for program in "${programs[@]}"; do
		install -m 0755 "$program" "$tree/usr/sbin/"
	done
	ln -s fw_printenv "$tree/usr/sbin/fw_setenv"
	for program in $(needed_libraries "${programs[@]}"); do
		cp -L "$program" "$tree/usr/lib/"
	done
	# The C library loads it by name when a thread of swupdate ends.
	cp -L "$sysroot/lib/aarch64-linux-gnu/libgcc_s.so.1" "$tree/usr/lib/"
	cp -L "$sysroot/lib/ld-linux-aarch64.so.1" "$tree/lib/"
	aarch64-linux-gnu-strip "$tree"/usr/sbin/{swupdate,jetson-slot}
	ln -s /run/tmp "$tree/tmp"
	ln -s /run "$tree/var/run"
	ln -s /run/lock "$tree/var/lock"
	install -m 0755 "$here/guest/init" "$tree/sbin/init"
	cp -R "$here/guest/etc/." "$tree/etc/"
	ln -s /run/data/dropbear "$tree/etc/dropbear"
	install -m 0755 "$here"/guest/sbin/* "$tree/usr/sbin/"
	printf 'virtual-jetson 1.0\n' >"$tree/etc/hwrevision"
	printf 'root::0:0:root:/root:/bin/sh\n' >"$tree/etc/passwd"
	cp "$keys/good/ca.pem" "$tree/etc/swupdate/ca.pem"
	printf '/usr/lib\n' >"$tree/etc/ld.so.conf"
}

# mke2fs takes over who owns the files here; in the image all belongs to root.
make_rootfs() {
	local release=$1 mode=$2 image=$out/rootfs-$1.ext4
	printf '%s\n' "$release" >"$work/tree/etc/vm-release"
	printf '%s\n' "$mode" >"$work/tree/etc/vm-mode"
	find "$work/tree" -exec touch -h -d @1767225600 {} +
	rm -f "$image"
	truncate -s $((rootfs_mib * mib)) "$image"
	E2FSPROGS_FAKE_TIME=1767225600 fakeroot mke2fs -q -t ext4 -d "$work/tree" -U "$uuid" \
		-E "root_owner=0:0,hash_seed=$uuid,lazy_itable_init=0,lazy_journal_init=0" \
		-m 0 -J size=4 "$image"
}

# write_package NAME RELEASE BOOTLOADER SIGNER: BOOTLOADER is what the configuration says about it.
write_package() {
	cat >"$work/package.conf" <<-END
		version = "$2";
		hardware: { board = "virtual-jetson"; revisions = [ "1.0" ]; };
		layout = "mission";
		signing: { signers: ( { certificate = "$keys/$4/cms.pem"; key = "$keys/$4/cms.key"; } ); };
		components: (
		  { role = "bootloader"; $3 },
		  { role = "kernel"; file = "$out/boot.img"; },
		  { role = "rootfs"; file = "$out/rootfs-$2.ext4"; compress = "zstd"; }
		);
	END
	"$build/bin/jetson-swu" build -c "$work/package.conf" -o "$out/packages/$1.swu" \
		>"$work/package.log" 2>&1 || {
		cat "$work/package.log" >&2
		die "cannot pack $1.swu"
	}
}

make_packages() {
	rm -rf "$out/packages"
	mkdir -p "$out/packages"
	write_package back-1.0 1.0 "file = \"$uboot/second-1.0.itb\";" good
	write_package good-2.0 2.0 "file = \"$uboot/second-2.0.itb\";" good
	write_package crash-3.0 3.0 'keep = true;' good
	write_package hang-4.0 4.0 'keep = true;' good
	write_package bootloader-hang-5.0 5.0 "file = \"$uboot/second-hang.itb\";" good
	write_package wrong-key-2.0 2.0 'keep = true;' other
}

# The card: the mission's partitions, data and record behind them. The two copies of the environment
# lie in the gap before the first one.
make_disk() {
	local disk=$out/disk.img
	rm -f "$disk" "$disk.new"
	truncate -s $((256 * mib)) "$disk.new"
	sgdisk -a 2048 \
		-n 1:8M:+1M -c 1:A_bootloader -n 2:0:+1M -c 2:B_bootloader \
		-n 3:0:+16M -c 3:A_kernel -n 4:0:+16M -c 4:B_kernel \
		-n 5:0:+${rootfs_mib}M -c 5:A_APP -n 6:0:+${rootfs_mib}M -c 6:B_APP \
		-n 7:0:+16M -c 7:data -n 8:0:+1M -c 8:record "$disk.new" >"$work/sgdisk.log"
	mkenvimage -r -s 0x20000 -o "$work/env" "$uboot/environment"
	put "$work/env" 0x700000
	put "$work/env" 0x720000
	put "$uboot/second-1.0.itb" $((8 * mib))
	put "$out/boot.img" $((10 * mib))
	put "$out/rootfs-1.0.ext4" $((42 * mib))
	truncate -s $((16 * mib)) "$work/data"
	mke2fs -q -t ext4 -E root_owner=0:0 "$work/data"
	put "$work/data" $(((42 + 2 * rootfs_mib) * mib))
	mv "$disk.new" "$disk"
}

# put FILE OFFSET
put() {
	dd if="$1" of="$out/disk.img.new" bs=64K seek=$(($2 / 65536)) conv=notrunc,sparse status=none
}

# What the guest finds on its second disk: the packages, and the web page that Debian ships with swupdate.
make_media() {
	mkdir -p "$work/media/www"
	cp "$out"/packages/*.swu "$work/media/"
	cp -RL "$www"/. "$work/media/www/"
	rm -f "$out/media.img"
	truncate -s 192M "$out/media.img"
	mke2fs -q -t ext4 -O ^has_journal -E root_owner=0:0 -d "$work/media" "$out/media.img"
}

make_keys() {
	[ -e "$keys/good/cms.pem" ] || "$top/keys/make-dev-keys.sh" "$keys/good" >/dev/null
	[ -e "$keys/other/cms.pem" ] || "$top/keys/make-dev-keys.sh" "$keys/other" >/dev/null
}

programs=("$arm64/hosts/builtin-2022.12/swupdate" "$arm64/bin/jetson-slot" "$sysroot/usr/bin/fw_printenv"
	"$sysroot/usr/sbin/dropbear")
qemu_user=$(command -v qemu-aarch64-static || true)
[ -n "$qemu_user" ] || die "qemu-aarch64-static is missing: install Debian's package 'qemu-user-static'"
mkdir -p "$out"
# Machines that run hold it together.
exec 9>"$build/vm/.lock"
flock 9
make_keys
key=$(cat "$0" "$sysroot.stamp" "$kernel.stamp" "$build/arm64/vm-www.stamp" "$uboot/key" "${programs[@]}" "$keys"/*/*.pem \
	"$build/bin/jetson-swu" <(find "$here/guest" -type f | sort | xargs cat) | sha256sum)
[ "$(cat "$out/key" 2>/dev/null)" != "$key" ] || exit 0
rm -f "$out/key"
work=$(mktemp -d "$out/work.XXXXXX")
trap 'rm -rf "$work"' EXIT
make_initramfs
make_boot_image
make_tree "$work/tree"
for release in "${releases[@]}"; do
	make_rootfs "${release%:*}" "${release#*:}"
done
make_packages
make_disk
make_media
printf '%s\n' "$key" >"$out/key"
echo "build-guest.sh: $(cd "$out" && du -sh disk.img packages | tr '\n\t' '; ')"
