#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
#
# The virtual Jetson on this terminal. Its card, VM_CARD (build/vm/card.img), outlives it; VM_FRESH=1 takes a new
# one. Ports on the loopback interface: VM_WEB_PORT (8080) swupdate's web page, VM_SSH_PORT (2222) SSH.
set -eu
top=$(cd "$(dirname "$0")/../.." && pwd)
build=${JOTA_BUILD:-$top/build}
card=${VM_CARD:-$build/vm/card.img}
web=${VM_WEB_PORT:-8080}
ssh=${VM_SSH_PORT:-2222}
if [ -n "${VM_FRESH-}" ] || [ ! -e "$card" ]; then
	cp --sparse=always "$build/vm/guest/disk.img" "$card"
fi
cat <<END
A virtual Jetson starts. Real: U-Boot, kernel, swupdate, our handlers. Not a Jetson: QEMU's generic machine.
  leave it           Ctrl-A X
  web page           http://127.0.0.1:$web/     upload build/vm/guest/packages/good-2.0.swu
  SSH                ssh -p $ssh -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null root@127.0.0.1
  in the machine     update good-2.0; jetson-slot info; reboot -f; jetson-slot mark-success
  start from new     make vm VM_FRESH=1
END
exec "$top/tests/vm/machine.sh" -bios "$build/vm/uboot/first.bin" -serial mon:stdio \
	-drive "if=none,id=card,file=$card,format=raw" -device sdhci-pci -device sd-card,drive=card \
	-drive "if=none,id=media,file=$build/vm/guest/media.img,format=raw,readonly=on" \
	-device virtio-blk-pci,drive=media,romfile= -device i6300esb \
	-netdev "user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:$web-:8080,hostfwd=tcp:127.0.0.1:$ssh-:22" \
	-device virtio-net-pci,netdev=net,romfile=
