#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
#
# Usage: tests/vm/machine.sh QEMU-ARGUMENT...
# The processor, memory and bus of the virtual Jetson, the same for everybody. No board is emulated:
# this is QEMU's generic arm64 machine. The memory reaches up to where the boot script puts images.
set -eu
exec qemu-system-aarch64 -machine virt -cpu cortex-a57 -smp 1 -m 2048 -nodefaults -display none \
	-nic none "$@"
