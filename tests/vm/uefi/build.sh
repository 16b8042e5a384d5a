#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
#
# Builds the UEFI machine into build/vm/uefi/: standin.efi, boot.img, rootfs-RELEASE.ext4, the signed packages, disk.img (the disk as it leaves
# the factory, release 1.0 in slot A) and media.img. Needs no root. Nothing is done when nothing changed.
set -euo pipefail
umask 022
# shellcheck source=tests/vm/guest.sh
. "$(dirname "$0")/../guest.sh"

uefi=$here/uefi
out=$build/vm/uefi
roots=("$sysroot")
rootfs_mib=32
kernel_mib=48
efi=$build/arm64/gnu-efi/usr/lib
releases=(1.0:good 2.0:good 3.0:crash)
modules="virtio_pci virtio_blk ext4 i6300esb efivarfs"

# An EFI application: position independent, relocated by gnu-efi's start-up code, no C library.
make_standin() {
	local source object objects=()
	for source in "$uefi"/*.c "$top/tests/models/l4t_logic.c"; do
		object=$work/$(basename "$source" .c).o
		aarch64-linux-gnu-gcc -std=gnu17 -O2 -Wall -Wextra -Werror -ffreestanding -fno-builtin -fpic \
			-fno-stack-protector -mgeneral-regs-only -I"$top/tests" -c -o "$object" "$source"
		objects+=("$object")
	done
	aarch64-linux-gnu-ld -nostdlib -znocombreloc -shared -Bsymbolic --no-warn-rwx-segments \
		-T "$efi/elf_aarch64_efi.lds" --defsym=EFI_SUBSYSTEM=0xa -o "$work/standin.so" \
		"$efi/crt0-efi-aarch64.o" "${objects[@]}" "$efi/libgnuefi.a"
	aarch64-linux-gnu-objcopy -j .text -j .sdata -j .data -j .dynamic -j .dynsym -j '.rel*' \
		-j .reloc -O binary "$work/standin.so" "$out/standin.efi"
}

make_initramfs() {
	local tree=$work/initramfs module path
	mkdir -p "$tree/bin" "$tree/modules"
	cp "$sysroot/bin/busybox" "$tree/bin/busybox"
	install -m 0755 "$here/guest/initramfs-init" "$tree/init"
	depmod -b "$kernel" "$version"
	for module in $modules; do
		modprobe -d "$kernel" -S "$version" --show-depends "$module"
	done | sed -n 's/^insmod \([^ ]*\).*/\1/p' | awk '!seen[$0]++' >"$work/modules"
	while read -r path; do
		cp "$path" "$tree/modules/"
		basename "$path" .ko
	done <"$work/modules" >"$tree/modules/order"
	[ -s "$tree/modules/order" ] || die "the kernel's modules were not found"
	(cd "$tree" && find . | sort | cpio -o -H newc -R 0:0 --quiet) | gzip -n -9 >"$work/initramfs.gz"
}

# The firmware starts the kernel as a program of its own: it is not compressed.
make_boot_image() {
	mkbootimg --header_version 0 --kernel "$kernel"/boot/vmlinuz-* --ramdisk "$work/initramfs.gz" \
		--pagesize 4096 --board "virtual-jetson" --cmdline "quiet" -o "$out/boot.img"
}

make_uefi_tree() {
	local tree=$work/tree
	make_tree "$tree"
	ln -s /run/tmp "$tree/tmp"
	install -m 0755 "$uefi/guest/init" "$tree/usr/sbin/init"
	"$arm64/bin/aarch64-linux-gnu-cc" -std=gnu17 -O2 -Wall -Wextra -Werror -o "$tree/usr/sbin/nvbootctrl" \
		"$uefi/guest/nvbootctrl.c"
	printf 'layout = "t234";\n' >"$tree/etc/swupdate-jetson.conf"
	rm -f "$tree/etc/fw_env.config"
	printf 'root::0:0:root:/root:/bin/sh\n' >"$tree/etc/passwd"
}

# make_package NAME RELEASE
make_package() {
	cat >"$work/package.conf" <<-END
		version = "$2";
		hardware: { board = "virtual-jetson"; revisions = [ "1.0" ]; };
		layout = "t234";
		signing: { signers: ( { certificate = "$keys/good/cms.pem"; key = "$keys/good/cms.key"; } ); };
		components: (
		  { role = "kernel"; file = "$out/boot.img"; compress = "zstd"; },
		  { role = "rootfs"; file = "$out/rootfs-$2.ext4"; compress = "zstd"; }
		);
	END
	mkdir -p "$out/packages"
	"$build/bin/jetson-swu" build -c "$work/package.conf" -o "$out/packages/$1.swu" >"$work/package.log" 2>&1 || {
		cat "$work/package.log" >&2
		die "cannot pack $1.swu"
	}
}

make_esp() {
	truncate -s $((16 * mib)) "$work/esp"
	mformat -i "$work/esp" -T 32768 -h 16 -s 32 ::
	mmd -i "$work/esp" ::/EFI ::/EFI/BOOT
	mcopy -i "$work/esp" "$out/standin.efi" ::/EFI/BOOT/BOOTAA64.EFI
}

# The names and the order of a stock Orin; APP is number 1.
make_uefi_disk() {
	rm -f "$out/disk.img" "$out/disk.img.new"
	truncate -s 256M "$out/disk.img.new"
	sgdisk -a 2048 -n 2:1M:+${kernel_mib}M -c 2:A_kernel -n 3:0:+${kernel_mib}M -c 3:B_kernel \
		-n 4:0:+16M -c 4:esp -t 4:EF00 -n 1:0:+${rootfs_mib}M -c 1:APP -n 5:0:+${rootfs_mib}M -c 5:APP_b \
		-n 6:0:+16M -c 6:data "$out/disk.img.new" >"$work/sgdisk.log"
	make_esp
	truncate -s $((16 * mib)) "$work/data"
	mke2fs -q -t ext4 -E root_owner=0:0 "$work/data"
	put "$out/boot.img" "$mib"
	put "$work/esp" $(((1 + 2 * kernel_mib) * mib))
	put "$out/rootfs-1.0.ext4" $(((17 + 2 * kernel_mib) * mib))
	put "$work/data" $(((17 + 2 * kernel_mib + 2 * rootfs_mib) * mib))
	mv "$out/disk.img.new" "$out/disk.img"
}

make_uefi_media() {
	mkdir -p "$work/media"
	cp "$out"/packages/*.swu "$work/media/"
	rm -f "$out/media.img"
	truncate -s 192M "$out/media.img"
	mke2fs -q -t ext4 -O ^has_journal -E root_owner=0:0 -d "$work/media" "$out/media.img"
}

mkdir -p "$out"
exec 9>"$build/vm/.lock-uefi"
flock 9
[ -e "$keys/good/cms.pem" ] || "$top/keys/make-dev-keys.sh" "$keys/good" >/dev/null
# shellcheck disable=SC2046
key=$(cat "$0" "$here/guest.sh" "$sysroot.stamp" "$kernel.stamp" "${efi%/usr/lib}.stamp" "${programs[@]}" \
	"$keys"/good/*.pem "$build/bin/jetson-swu" "$top"/tests/models/l4t_logic.[ch] \
	$(find "$here/guest" "$uefi" -type f | sort) | sha256sum)
[ "$(cat "$out/key" 2>/dev/null)" != "$key" ] || exit 0
rm -rf "$out/key" "$out/packages"
work=$(mktemp -d "$out/work.XXXXXX")
trap 'rm -rf "$work"' EXIT
version=$(basename "$kernel"/lib/modules/*)
make_standin
make_initramfs
make_boot_image
make_uefi_tree
for release in "${releases[@]}"; do
	make_rootfs "${release%:*}" "${release#*:}"
done
make_package good-2.0 2.0
make_package back-1.0 1.0
make_package crash-3.0 3.0
make_uefi_disk
make_uefi_media
finish
