#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
#
# Builds the system with systemd into build/vm/systemd/: as build-guest.sh, whose boot.img it shares, with
# Debian's systemd, udev, D-Bus and e2fsck, and with the product's units as services/install.sh brings them.
# No package is installed and none of its scripts is run: the files that a device needs are taken out of
# them. Nothing is done when nothing changed.
set -euo pipefail
umask 022
# shellcheck source=tests/vm/guest.sh
. "$(dirname "$0")/guest.sh"

out=$build/vm/systemd
debian=$build/arm64/vm-systemd
roots=("$sysroot" "$debian")
rootfs_mib=64
releases=(1.0:good 2.0:good 3.0:sick)
binaries="bin/systemctl bin/journalctl bin/systemd-tmpfiles bin/udevadm bin/mount bin/umount
	lib/systemd/systemd lib/systemd/systemd-journald lib/systemd/systemd-shutdown
	lib/systemd/system-generators/systemd-fstab-generator usr/bin/dbus-daemon sbin/e2fsck"
rules="50-udev-default 60-block 60-persistent-storage 99-systemd"
# What a machine with a read-only root, without users and without network has no use for.
masked="systemd-hwdb-update.service systemd-journal-catalog-update.service systemd-update-utmp.service
	systemd-update-utmp-runlevel.service systemd-update-done.service systemd-random-seed.service
	systemd-sysusers.service systemd-firstboot.service systemd-machine-id-commit.service
	systemd-binfmt.service proc-sys-fs-binfmt_misc.automount sys-kernel-debug.mount
	sys-kernel-tracing.mount sys-kernel-config.mount sys-fs-fuse-connections.mount
	dev-hugepages.mount dev-mqueue.mount systemd-journal-flush.service systemd-sysctl.service
	systemd-modules-load.service kmod-static-nodes.service modprobe@.service systemd-remount-fs.service
	systemd-logind.service systemd-user-sessions.service getty.target systemd-pstore.service
	systemd-tmpfiles-clean.timer systemd-ask-password-console.path systemd-ask-password-wall.path
	systemd-pcrphase.service systemd-pcrphase-sysinit.service systemd-boot-system-token.service
	systemd-initctl.socket systemd-rfkill.socket dpkg-db-backup.timer e2scrub_all.timer
	e2scrub_reap.service cryptsetup.target integritysetup.target veritysetup.target
	systemd-repart.service systemd-network-generator.service systemd-networkd.socket"

# enable UNIT FOLDER: as 'systemctl enable' does.
enable() {
	mkdir -p "$work/tree/etc/systemd/system/$2"
	ln -s "/usr/lib/systemd/system/$1" "$work/tree/etc/systemd/system/$2/$1"
}

put_systemd() {
	local tree=$1 name path
	mkdir -p "$tree"/usr/lib/systemd/system-generators "$tree/usr/lib/udev/rules.d" "$tree/tmp" \
		"$tree/usr/share" "$tree/mnt"
	for path in $binaries; do
		name=${path##*/}
		case $path in
		lib/systemd/*) install -m 0755 "$debian/$path" "$tree/usr/$path" ;;
		*bin/*) rm -f "$tree/usr/bin/$name" && install -m 0755 "$debian/$path" "$tree/usr/bin/$name" ;;
		esac
	done
	mv "$tree/usr/bin/e2fsck" "$tree/usr/sbin/e2fsck"
	ln -s ../../bin/udevadm "$tree/usr/lib/systemd/systemd-udevd"
	ln -s ../lib/systemd/systemd "$tree/usr/sbin/init"
	rm -f "$tree"/usr/bin/{init,reboot,poweroff,halt}
	for name in reboot poweroff halt; do
		ln -s ../bin/systemctl "$tree/usr/sbin/$name"
	done
	cp -R "$debian/lib/systemd/system" "$tree/usr/lib/systemd/"
	for name in $rules; do
		cp "$debian/lib/udev/rules.d/$name.rules" "$tree/usr/lib/udev/rules.d/"
	done
	cp -R "$debian/usr/share/dbus-1" "$tree/usr/share/"
}

# Those that Debian's rules and configurations name, and an identity that is the same each time.
put_users() {
	local name id=100
	printf '%s\n' 'root::0:0:root:/root:/bin/sh' 'messagebus:x:100:100::/:/bin/false' \
		'nobody:x:65534:65534:nobody:/:/bin/false' >"$1/etc/passwd"
	printf '%s\n' 'root:x:0:' 'tty:x:5:' 'nogroup:x:65534:' >"$1/etc/group"
	for name in messagebus disk lp dialout cdrom tape audio video input sgx kvm render kmem \
		systemd-journal; do
		printf '%s:x:%d:\n' "$name" "$id" >>"$1/etc/group"
		id=$((id + 1))
	done
	printf '6a6f746100004000800000000000abcd\n' >"$1/etc/machine-id"
}

put_units() {
	local tree=$1 name
	"$top/services/install.sh" "$tree" /usr
	cp -R "$here/systemd/etc/." "$tree/etc/"
	install -m 0755 "$here"/systemd/sbin/* "$tree/usr/sbin/"
	rm "$tree/usr/sbin/services"
	for name in $masked; do
		ln -s /dev/null "$tree/etc/systemd/system/$name"
	done
	ln -s /usr/lib/systemd/system/multi-user.target "$tree/etc/systemd/system/default.target"
	enable jetson-health.service boot-complete.target.requires
	enable jetson-health-confirm.service multi-user.target.wants
	for name in app swupdate vm-console; do
		mkdir -p "$tree/etc/systemd/system/multi-user.target.wants"
		ln -s "../$name.service" "$tree/etc/systemd/system/multi-user.target.wants/$name.service"
	done
}

make_systemd_tree() {
	local paths=()
	for path in $binaries; do
		paths+=("$debian/$path")
	done
	make_tree "$1" "${paths[@]}"
	put_systemd "$1"
	put_users "$1"
	put_units "$1"
}

# An image that could never confirm itself.
make_masked() {
	ln -s /dev/null "$work/tree/etc/systemd/system/jetson-health.service"
	make_rootfs 4.0 good
	rm "$work/tree/etc/systemd/system/jetson-health.service"
}

# shellcheck disable=SC2046
start "$debian.stamp" "$build/vm/guest/key" \
	$(find "$here/systemd" "$here/guest" "$top/services" -type f | sort)
make_systemd_tree "$work/tree"
for release in "${releases[@]}"; do
	make_rootfs "${release%:*}" "${release#*:}"
done
make_masked
write_package good-2.0 2.0 "file = \"$uboot/second-2.0.itb\";" good
write_package sick-3.0 3.0 'keep = true;' good
write_package masked-4.0 4.0 'keep = true;' good
make_disk
make_media
finish
