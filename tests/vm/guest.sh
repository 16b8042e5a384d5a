# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
# shellcheck shell=bash
#
# Sourced by build-guest.sh and build-systemd.sh: the parts of a guest. They set $out (where the guest is
# built), $work (a scratch folder), $rootfs_mib and $roots (unpacked Debian packages, where programs and
# libraries are looked for).

out='' roots=() rootfs_mib=0
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
here=$top/tests/vm
build=${JOTA_BUILD:-$top/build}
uboot=$build/vm/uboot
arm64=$build/vm/arm64
sysroot=$build/arm64/vm-sysroot
kernel=$build/arm64/linux-image-arm64
www=$build/arm64/vm-www/usr/share/swupdate/www
keys=$build/vm/keys
programs=("$arm64/hosts/builtin-2022.12/swupdate" "$arm64/bin/jetson-slot" "$arm64/bin/jetson-health"
	"$sysroot/usr/bin/fw_printenv" "$sysroot/usr/sbin/dropbear")
# sgdisk, mke2fs and depmod are outside of an ordinary user's PATH.
PATH=$PATH:/usr/sbin:/sbin
mib=$((1024 * 1024))
uuid=6a6f7461-0000-4000-8000-000000000002

die() {
	echo "${0##*/}: $*" >&2
	exit 1
}

# find_library NAME: its file in the first of the roots that has it.
find_library() {
	local root
	for root in "${roots[@]}"; do
		find "$root"/lib/aarch64-linux-gnu "$root"/usr/lib/aarch64-linux-gnu "$root"/lib/systemd \
			-name "$1" -print -quit 2>/dev/null
	done | sed q
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
			path=$(find_library "$name")
			[ -n "$path" ] || die "'$file' needs '$name', which is in no package"
			seen[$name]=$path
			queue+=("$path")
		done
	done
	printf '%s\n' "${seen[@]}" | sort
}

# make_tree FOLDER PROGRAM...: what both kinds of guest have; the programs come on top of the usual ones.
make_tree() {
	local tree=$1 name qemu_user
	shift
	qemu_user=$(command -v qemu-aarch64-static || true)
	[ -n "$qemu_user" ] || die "qemu-aarch64-static is missing: install Debian's package 'qemu-user-static'"
	mkdir -p "$tree"/{usr/bin,usr/sbin,usr/lib,etc/swupdate,etc/swupdate-jetson,proc,sys,dev,run,root,var,data}
	for name in bin sbin lib; do
		ln -s "usr/$name" "$tree/$name"
	done
	install -m 0755 "$sysroot/bin/busybox" "$tree/usr/bin/busybox"
	for name in $("$qemu_user" "$sysroot/bin/busybox" --list); do
		[ -e "$tree/usr/bin/$name" ] || ln -s busybox "$tree/usr/bin/$name"
	done
	for name in "${programs[@]}"; do
		install -m 0755 "$name" "$tree/usr/sbin/"
	done
	aarch64-linux-gnu-strip "$tree"/usr/sbin/{swupdate,jetson-slot,jetson-health}
	ln -s fw_printenv "$tree/usr/sbin/fw_setenv"
	for name in $(needed_libraries "${programs[@]}" "$@"); do
		cp -L "$name" "$tree/usr/lib/"
	done
	# The C library loads it by name when a thread of swupdate ends.
	cp -L "$sysroot/lib/aarch64-linux-gnu/libgcc_s.so.1" "$sysroot/lib/ld-linux-aarch64.so.1" "$tree/usr/lib/"
	install -D -m 0644 "$kernel/lib/modules/$version/modules.dep" "$tree/usr/lib/modules/$version/modules.dep"
	cp -R "$here/guest/etc/." "$tree/etc/"
	install -m 0755 "$here"/guest/sbin/* "$tree/usr/sbin/"
	printf 'virtual-jetson 1.0\n' >"$tree/etc/hwrevision"
	cp "$keys/good/ca.pem" "$tree/etc/swupdate/ca.pem"
	ln -s /run "$tree/var/run"
	ln -s /run/lock "$tree/var/lock"
}

# make_rootfs RELEASE MODE: $work/tree as $out/rootfs-RELEASE.ext4. mke2fs takes over who owns the files
# here; in the image all belongs to root.
make_rootfs() {
	local release=$1 mode=$2 image=$out/rootfs-$1.ext4
	printf '%s\n' "$release" >"$work/tree/etc/vm-release"
	printf '%s\n' "$mode" >"$work/tree/etc/vm-mode"
	printf 'ID=virtual-jetson\nVERSION_ID=%s\n' "$release" >"$work/tree/etc/os-release"
	find "$work/tree" -exec touch -h -d @1767225600 {} +
	rm -f "$image"
	truncate -s $((rootfs_mib * mib)) "$image"
	E2FSPROGS_FAKE_TIME=1767225600 fakeroot mke2fs -q -t ext4 -d "$work/tree" -U "$uuid" \
		-E "root_owner=0:0,hash_seed=$uuid,lazy_itable_init=0,lazy_journal_init=0" \
		-m 0 -J size=1 "$image"
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
		  { role = "kernel"; file = "$build/vm/guest/boot.img"; },
		  { role = "rootfs"; file = "$out/rootfs-$2.ext4"; compress = "zstd"; }
		);
	END
	mkdir -p "$out/packages"
	"$build/bin/jetson-swu" build -c "$work/package.conf" -o "$out/packages/$1.swu" \
		>"$work/package.log" 2>&1 || {
		cat "$work/package.log" >&2
		die "cannot pack $1.swu"
	}
}

# put FILE OFFSET
put() {
	dd if="$1" of="$out/disk.img.new" bs=64K seek=$(($2 / 65536)) conv=notrunc,sparse status=none
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
		-n 5:0:+"${rootfs_mib}M" -c 5:A_APP -n 6:0:+"${rootfs_mib}M" -c 6:B_APP \
		-n 7:0:+16M -c 7:data -n 8:0:+1M -c 8:record "$disk.new" >"$work/sgdisk.log"
	mkenvimage -r -s 0x20000 -o "$work/env" "$uboot/environment"
	put "$work/env" 0x700000
	put "$work/env" 0x720000
	put "$uboot/second-1.0.itb" $((8 * mib))
	put "$build/vm/guest/boot.img" $((10 * mib))
	put "$out/rootfs-1.0.ext4" $((42 * mib))
	truncate -s $((16 * mib)) "$work/data"
	mke2fs -q -t ext4 -E root_owner=0:0 "$work/data"
	put "$work/data" $(((42 + 2 * rootfs_mib) * mib))
	mv "$disk.new" "$disk"
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

# start KEY-FILE...: ends the script when what the guest is made of did not change. Machines that run hold
# the image together.
start() {
	mkdir -p "$out"
	exec 9>"$build/vm/.lock"
	flock 9
	[ -e "$keys/good/cms.pem" ] || "$top/keys/make-dev-keys.sh" "$keys/good" >/dev/null
	[ -e "$keys/other/cms.pem" ] || "$top/keys/make-dev-keys.sh" "$keys/other" >/dev/null
	key=$(cat "$0" "$here/guest.sh" "$sysroot.stamp" "$kernel.stamp" "$build/arm64/vm-www.stamp" \
		"$uboot/key" "${programs[@]}" "$keys"/*/*.pem "$build/bin/jetson-swu" "$@" | sha256sum)
	[ "$(cat "$out/key" 2>/dev/null)" != "$key" ] || exit 0
	rm -rf "$out/key" "$out/packages"
	work=$(mktemp -d "$out/work.XXXXXX")
	trap 'rm -rf "$work"' EXIT
	version=$(basename "$kernel"/lib/modules/*)
}

finish() {
	printf '%s\n' "$key" >"$out/key"
	echo "${0##*/}: $(cd "$out" && du -sh disk.img packages | tr '\n\t' '; ')"
}
