#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
#
# Compiles the unit suites for arm64 and runs each with qemu-user against the arm64 libraries. The last
# line is 'N passed, N failed, N skipped'. Programs that a suite starts are those of the building machine.
set -eu
top=$(cd "$(dirname "$0")/../.." && pwd)
build=${JOTA_BUILD:-$top/build}
out=$build/vm/arm64
root=$build/arm64/vm-sysroot
suites=$(cd "$top" && printf '%s\n' tests/*/test_*.c | sed 's/[.]c$//')
targets=$(printf '%s\n' "$suites" | sed "s|^|$out/|")
# Plain words: splitting them is what is wanted.
# shellcheck disable=SC2086
"$top/tests/vm/build-suite.sh" -s -j2 $targets

# The root's C library looks users up in files only; not every machine has them there.
printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n' >"$root/etc/passwd"
printf 'root:x:0:\nnogroup:x:65534:\n' >"$root/etc/group"

# why_not SUITE: what qemu-user 7.2 cannot do for it; nothing for a suite that runs.
why_not() {
	case $1 in
	tests/health/test_command) echo "in /proc it would find the emulator" ;;
	tests/health/test_cells | tests/health/test_extlinux | tests/health/test_newroot | \
		tests/health/test_new_slot | tests/health/test_new_units) echo "no openat2 in qemu-user" ;;
	tests/base/test_spawn) echo "qemu-user reports no failing exec to posix_spawn" ;;
	esac
}

passed=0 failed=0 skipped=0
for suite in $suites; do
	why=$(why_not "$suite")
	if [ -n "$why" ]; then
		echo "NOT RUN: $suite: $why"
		skipped=$((skipped + 1))
		continue
	fi
	log=$out/$suite.log
	# Slow as it is, no test hangs.
	if (cd "$top" && CK_TIMEOUT_MULTIPLIER=20 qemu-aarch64-static -L "$root" "$out/$suite") >"$log" 2>&1; then
		checks=$(sed -n 's/^[0-9]*%: Checks: \([0-9]*\), .*/\1/p' "$log" | awk '{ n += $1 } END { print n + 0 }')
		passed=$((passed + checks))
	else
		failed=$((failed + 1))
		printf 'FAILED: %s\n' "$suite"
		tail -n 8 "$log"
	fi
done
printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
