#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
#
# Called by `make demo`, which has built everything; JOTA_BUILD names the build folder (build/).
# Whole updates through Debian's unmodified swupdate, on plain files that stand for the partitions of
# a device, as an ordinary user. Real: the swupdate program, the handlers, the packages and their
# signatures, kernel, bootloader and root filesystem images, the U-Boot environment. Acted: the
# reboots, by a model of U-Boot that interprets the boot script in the device's own environment.
# DEMO_VERBOSE=1 shows all that swupdate and the model print.
set -euo pipefail
umask 022

top=$(cd "$(dirname "$0")/../.." && pwd)
build=$(realpath -m "${JOTA_BUILD:-$top/build}")
export JOTA_BUILD=$build
work=$build/demo
device=$work/device
# debugfs is outside of an ordinary user's PATH.
PATH=$PATH:/usr/sbin:/sbin
. "$(dirname "$0")/screen.sh"
. "$(dirname "$0")/parts.sh"

prepare() {
	local program
	for program in bin/swupdate-jetson bin/jetson-slot bin/jetson-swu bin/jetson-health bin/uboot-model plugin/jetson-handlers.so; do
		[ -r "$build/$program" ] || die "'$build/$program' is missing: run 'make demo'"
	done
	[ -x "${SWUPDATE:-$build/host/debian/usr/bin/swupdate}" ] ||
		die "Debian's swupdate is missing: run deps/swupdate-binary.sh"
	rm -rf "$work"
	mkdir -p "$work/logs"

	heading "Three releases of a device's software, from Debian's arm64 packages"
	"$top/tests/demo/build-images.sh" "$work/releases" 1.0 2.0 3.0
	say "release 2.0, bytes in each file:"
	(cd "$work/releases/2.0" && stat -c '%9s %n' ./*) | indent

	heading "Development keys"
	"$top/keys/make-dev-keys.sh" "$work/keys" | sed "s|$top/||" | indent

	heading "A device with release 1.0 in slot A, as it leaves the factory"
	UBOOT_MODEL=$build/bin/uboot-model device create --env-init
	device write A_bootloader "$work/releases/1.0/bootloader.img"
	device write A_kernel "$work/releases/1.0/boot.img"
	device write A_APP "$work/releases/1.0/rootfs.ext4"
	power_on
	show_slots
}

# 1: a good update from A to B, a trial boot, a confirmation.
good_update() {
	heading "1  Update to release 2.0: bootloader, kernel and root filesystem"
	pack update-2.0 2.0 'file = "releases/2.0/bootloader.img";'
	install_package update-2.0
	show_slots
	row 1 "swupdate ends with" 0 "$code"
	row 1 "slot B holds, byte for byte" "release 2.0" "$(slot_holds B 2.0)"
	row 1 "changed on the whole device" "B_APP B_bootloader B_kernel environment" "$(changes)"
	row 1 "environment stored" "2 times" "$stores times"
	row 1 "boot choice: slot, on trial, A still good" "B 1 1" \
		"$(env_words boot_slot upgrade_available slotA_ok)"
	say "reboot:"
	power_on
	row 1 "after the reboot runs (model)" "B release 2.0" \
		"$booted_slot $(release_in "$booted_root")"
	say "\$ jetson-slot mark-success"
	slot_tool mark-success 2>&1 | indent
	show_slots
	row 1 "confirmed: on trial, B good, ustate" "0 1 2" \
		"$(env_words upgrade_available slotB_ok ustate)"
}

# 2: nobody confirms, the device falls back by itself.
unconfirmed_update() {
	local boots=''
	heading "2  Update to release 3.0, which never confirms itself; the bootloader is kept"
	pack update-3.0 3.0 'keep = true;'
	install_package update-3.0
	row 2 "swupdate ends with" 0 "$code"
	row 2 "changed on the whole device" "A_APP A_bootloader A_kernel environment" "$(changes)"
	row 2 "bootloader of slot A, copied from B" equal \
		"$(same A_bootloader "$work/releases/2.0/bootloader.img")"
	say "four power-ons, and nobody confirms:"
	for _ in 1 2 3 4; do
		power_on
		boots="$boots$booted_slot"
	done
	show_slots
	row 2 "four power-ons boot (model)" AAAB "$boots"
	row 2 "what runs in the end (model)" "release 2.0" "$(release_in "$booted_root")"
	row 2 "boot choice: slot, on trial, A good" "B 0 0" \
		"$(env_words boot_slot upgrade_available slotA_ok)"
}

# 3: the signature covers each byte of sw-description.
forged_description() {
	heading "3  The same package with one bit of sw-description inverted"
	flip update-3.0 forged-description sw-description 'version = '
	install_package forged-description
	row 3 "swupdate ends with" 1 "$code"
	row 3 "its reason" "Signature verification failed" \
		"$(reason forged-description 'Signature verification failed')"
	row 3 "changed on the whole device" nothing "$(changes)"
}

# 4: the digest in the signed description covers each byte of the payload.
forged_payload() {
	heading "4  The same package with one bit in the middle of the kernel inverted"
	flip update-3.0 forged-payload boot.img 4000000
	install_package forged-payload
	show_slots
	row 4 "swupdate ends with" 1 "$code"
	row 4 "its reason" "HASH mismatch" "$(reason forged-payload 'HASH mismatch')"
	row 4 "changed on the whole device" "A_kernel environment" "$(changes)"
	row 4 "boot choice: slot, on trial, B good" "B 0 1" \
		"$(env_words boot_slot upgrade_available slotB_ok)"
	row 4 "target slot A: first block, slotA_ok" "zero 0" \
		"$(device erased A_kernel && printf zero || printf data) $(env_words slotA_ok)"
	power_on
	row 4 "after a reboot runs (model)" "B release 2.0" "$booted_slot $(release_in "$booted_root")"
}

# 5: a slot is complete or it is not booted.
half_a_slot() {
	local packed
	heading "5  A correctly signed package without a root filesystem"
	write_conf half-a-slot 3.0 <<-END
		  { role = "bootloader"; keep = true; },
		  { role = "kernel"; file = "releases/3.0/boot.img"; }
	END
	say "\$ jetson-swu build -c half-a-slot.conf -o half-a-slot.swu"
	packed=0
	(cd "$work" && "$build/bin/jetson-swu" build -c half-a-slot.conf -o half-a-slot.swu) \
		>"$work/logs/pack-half-a-slot" 2>&1 || packed=$?
	indent <"$work/logs/pack-half-a-slot"
	row 5 "jetson-swu packs it" "no (exit code 1)" \
		"$([ -e "$work/half-a-slot.swu" ] && printf yes || printf no) (exit code $packed)"
	say "so a script packs and signs it all the same:"
	pack_unchecked half-a-slot 3.0 "$top/tests/demo/half-slot.sw-description"
	install_package half-a-slot
	show_slots
	row 5 "swupdate ends with" 1 "$code"
	row 5 "its reason names the role" rootfs "$(reason half-a-slot rootfs)"
	row 5 "running slot B changed by it" nothing \
		"$(changed_among B_bootloader B_kernel B_APP userdata)"
	power_on
	row 5 "after a reboot runs (model)" "B release 2.0" "$booted_slot $(release_in "$booted_root")"
}

# 6: the new slot boots, but its checks say no; why is told afterwards.
failing_health() {
	heading "6  Update to release 3.0 on a device with health checks; its model does not load"
	mkdir -p "$device/usr/sbin"
	ln -s "$build/bin/jetson-health" "$device/usr/sbin/jetson-health"
	start_product
	grep '^	{ name' "$device/etc/swupdate-jetson/health.conf" | indent
	install_package update-3.0
	sed -n 's/^\[WARN \] : SWUPDATE running : *\[[a-z_]*\] : //p' "$work/logs/swupdate-update-3.0" |
		grep check | indent
	row 6 "swupdate ends with" 0 "$code"
	power_on
	start_product
	row 6 "after the reboot runs, on trial (model)" "A release 3.0" \
		"$booted_slot $(release_in "$booted_root")"
	check_health
	row 6 "jetson-health (4: rolled back) ends with" 4 "$code"
	row 6 "check 'camera', unplugged all the time" skipped "$(status_of camera)"
	row 6 "boot: slot, on trial, A good, ustate" "B 0 0 3" \
		"$(env_words boot_slot upgrade_available slotA_ok ustate)"
	say "reboot:"
	power_on
	start_product
	row 6 "after the next reboot runs (model)" "B release 2.0" \
		"$booted_slot $(release_in "$booted_root")"
	check_health
	row 6 "jetson-health ends with" 0 "$code"
	tell_why
}

# The old slot knows what became of the new one.
tell_why() {
	local why=health:detector:content-differs
	say "\$ jetson-slot history"
	slot_tool history >"$work/logs/history"
	indent <"$work/logs/history"
	say "\$ jetson-health status"
	health_tool status >"$work/logs/status"
	head -n 3 "$work/logs/status" | indent
	say "\$ jetson-health explain"
	health_tool explain >"$work/logs/explain"
	head -n 7 "$work/logs/explain" | indent
	row 6 "why, says jetson-slot history" "$why" "$(reason_in history)"
	row 6 "why, says jetson-health status" "$why" "$(reason_in status)"
	row 6 "why, says jetson-health explain" "$why" "$(reason_in explain)"
}

SECONDS=0
prepare
good_update
unconfirmed_update
forged_description
forged_payload
half_a_slot
failing_health

heading "What was shown, in $SECONDS s"
show_table
if [ "$failed_rows" -ne 0 ]; then
	die "$failed_rows of ${#rows[@]} rows are not as expected; logs are in ${work#"$top"/}/logs"
fi
say "all ${#rows[@]} rows as expected; packages, keys and logs stay in ${work#"$top"/}"
