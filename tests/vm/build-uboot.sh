#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
#
# Builds the virtual machine's boot stages into build/vm/uboot/: first.bin, the fixed first stage, and
# second-RELEASE.itb, what is in A_bootloader and B_bootloader; environment is the environment that is
# stored on the card. U-Boot is the one of Debian's source; script and configuration are those of
# boot/uboot/. Nothing is done when nothing changed.
set -euo pipefail
umask 022

top=$(cd "$(dirname "$0")/../.." && pwd)
here=$top/tests/vm
build=${JOTA_BUILD:-$top/build}
out=$build/vm/uboot
source=$build/host/u-boot-2023.01
releases=(1.0 2.0)
# make's variables of the caller are not meant for U-Boot's Makefile.
unset MAKEFLAGS MFLAGS MAKELEVEL CFLAGS CPPFLAGS LDFLAGS V BUILD CC AR
export CROSS_COMPILE=aarch64-linux-gnu- ARCH=arm

die() {
	echo "build-uboot.sh: $*" >&2
	exit 1
}

# The environment is loaded before U-Boot looks for PCI devices, and the card is one. U-Boot has code
# for looking earlier, but no option for it.
umake() {
	KCPPFLAGS=-DCONFIG_SYS_EARLY_PCI_INIT SOURCE_DATE_EPOCH=1767225600 \
		make -C "$source" O="$out/obj" -j"$(nproc)" "$@" >>"$out/log" 2>&1 ||
		die "the build failed, see ${out#"$top"/}/log: $(grep -m 1 -i error "$out/log" || true)"
}

# The board's layout lines, as README.md tells a board to change them.
board_environment() {
	sed 's/^jota_args=.*/jota_args=console=ttyAMA0 panic=2/' "$top/boot/uboot/jetson-ab.env"
}

# configure FRAGMENT RELEASE: every line of the fragments must be in the result.
configure() {
	local merged=$out/obj/merged.config refused
	cat "$source/configs/qemu_arm64_defconfig" "$top/boot/uboot/redundant-boot.cfg" \
		"$here/uboot.config" "$1" >"$merged.all"
	printf 'CONFIG_LOCALVERSION="-jetson-ab-%s"\n' "$2" >>"$merged.all"
	# The last word on an option holds.
	awk '{ name = "" }
		/^CONFIG_/ { name = substr($0, 1, index($0, "=") - 1) }
		/^# CONFIG_.* is not set$/ { name = $2 }
		name != "" { line[name] = $0 }
		END { for (name in line) print line[name] }' "$merged.all" | sort >"$merged"
	umake KCONFIG_ALLCONFIG="$merged" alldefconfig
	# What is ours to ask for; an option of something that is off does not exist.
	refused=$(cat "$top/boot/uboot/redundant-boot.cfg" "$here/uboot.config" "$1" |
		sed -n 's/^\(CONFIG_[A-Z0-9_]*=\).*/\1/p' | grep -F -f - "$merged" |
		grep -vxFf "$out/obj/.config" || true)
	! grep -q '^# CONFIG_BOOTCOUNT_LIMIT ' "$merged" ||
		refused=$(grep -v '^CONFIG_BOOTCOUNT_' <<<"$refused" || true)
	[ -z "$refused" ] || die "U-Boot does not take as it stands: $refused"
}

# A kernel as U-Boot sees it: loaded, verified, moved and started with caches off.
image_description() {
	cat <<-END
		/dts-v1/;
		/ {
			description = "swupdate-jetson bootloader, release $1";
			#address-cells = <1>;
			images {
				uboot {
					description = "U-Boot, release $1";
					data = /incbin/("$2");
					type = "kernel"; os = "linux"; arch = "arm64"; compression = "none";
					load = <0x50000000>; entry = <0x50000000>;
					hash-1 { algo = "sha256"; };
				};
			};
			configurations { default = "conf"; conf { kernel = "uboot"; }; };
		};
	END
}

# pack RELEASE PROGRAM IMAGE
pack() {
	image_description "$1" "$2" >"$out/obj/second.its"
	SOURCE_DATE_EPOCH=1767225600 mkimage -f "$out/obj/second.its" "$3" >>"$out/log" 2>&1 ||
		die "mkimage failed, see ${out#"$top"/}/log"
}

build_second() {
	local release
	for release in "${releases[@]}"; do
		configure "$here/uboot-second.config" "$release"
		umake u-boot-nodtb.bin
		pack "$release" "$out/obj/u-boot-nodtb.bin" "$out/second-$release.itb"
	done
	# A bootloader that is whole and does nothing: one instruction, a branch to itself.
	printf '\000\000\000\024' >"$out/obj/hang.bin"
	pack hang "$out/obj/hang.bin" "$out/second-hang.itb"
}

# The first stage's device tree is the machine's own, with the boot command in it.
build_first() {
	configure "$here/uboot-first.config" first
	umake u-boot-nodtb.bin
	"$here/machine.sh" -machine "dumpdtb=$out/obj/first.dtb" >>"$out/log" 2>&1 ||
		die "QEMU gave no device tree, see ${out#"$top"/}/log"
	fdtput -p -t s "$out/obj/first.dtb" /config bootcmd \
		"$("$top/boot/uboot/join-env.sh" --command "$top/boot/uboot/first-stage.cmd")"
	cat "$out/obj/u-boot-nodtb.bin" "$out/obj/first.dtb" >"$out/first.bin"
}

mkdir -p "$out"
# Machines that run hold it together.
exec 9>"$build/vm/.lock"
flock 9
key=$(cat "$0" "$here"/uboot*.config "$here/machine.sh" "$top"/boot/uboot/* "$source.stamp" \
	<(aarch64-linux-gnu-gcc --version) <(qemu-system-aarch64 --version) | sha256sum)
[ "$(cat "$out/key" 2>/dev/null)" != "$key" ] || exit 0
rm -rf "$out/key" "$out/obj" "$out/log"
mkdir -p "$out/obj"
board_environment >"$out/jetson-ab.env"
fingerprint=$("$top/boot/uboot/join-env.sh" --fingerprint "$out/jetson-ab.env")
sed -i "s/^jota_env=.*/jota_env=$fingerprint/" "$out/jetson-ab.env"
"$top/boot/uboot/join-env.sh" --check "$out/jetson-ab.env"
"$top/boot/uboot/join-env.sh" "$out/jetson-ab.env" >"$out/environment"
# Where U-Boot's build looks for it.
cp "$out/jetson-ab.env" "$source/board/emulation/qemu-arm/jetson-ab.env"
build_second
build_first
rm -rf "$out/obj"
printf '%s\n' "$key" >"$out/key"
echo "build-uboot.sh: $(cd "$out" && wc -c first.bin second-*.itb | tr '\n' ';')"
