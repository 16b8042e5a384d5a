#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
#
# Cross-builds for arm64 into build/vm/arm64/: the suite (library, jetson-slot, jetson-health) and a SWUpdate without
# Lua with the handlers compiled in (hosts/builtin-2022.12/swupdate). Compiler and root of the target
# come from Debian. Called by make, which is in $MAKE.
set -eu

top=$(cd "$(dirname "$0")/../.." && pwd)
build=${JOTA_BUILD:-$top/build}
sysroot=$build/arm64/vm-sysroot
out=$build/vm/arm64
lib=$sysroot/usr/lib/aarch64-linux-gnu

# write_tool NAME COMMAND: a compiler for this target, under a name that make and SWUpdate look for.
# The headers of the target's C library are those of its root, not those that came with the compiler.
write_compiler() {
	mkdir -p "$out/bin"
	cat >"$out/bin/new" <<-END
		#!/bin/sh
		exec aarch64-linux-gnu-gcc --sysroot='$sysroot' -isystem '$sysroot/usr/include/aarch64-linux-gnu' \\
			-isystem '$sysroot/usr/include' -B'$lib' -L'$lib' -L'$sysroot/lib/aarch64-linux-gnu' \\
			-Wl,-rpath-link,'$lib:$sysroot/lib/aarch64-linux-gnu' "\$@"
	END
	chmod +x "$out/bin/new"
	# Its time would make everything be compiled again.
	cmp -s "$out/bin/new" "$out/bin/aarch64-linux-gnu-cc" || mv "$out/bin/new" "$out/bin/aarch64-linux-gnu-cc"
	rm -f "$out/bin/new"
}

write_compiler
PATH=$out/bin:$PATH
PKG_CONFIG_LIBDIR=$lib/pkgconfig:$sysroot/usr/share/pkgconfig
PKG_CONFIG_SYSROOT_DIR=$sysroot
CROSS_COMPILE=aarch64-linux-gnu-
JOTA_CACHE=${JOTA_CACHE:-$build/cache}
export PATH PKG_CONFIG_LIBDIR PKG_CONFIG_SYSROOT_DIR CROSS_COMPILE JOTA_CACHE

# One target per argument, in the build folder of this architecture.
cross_make() {
	env -u MAKEFLAGS -u MFLAGS "${MAKE:-make}" -j"$(nproc)" --no-print-directory -C "$top" DEPS=no BUILD="$out" CC=aarch64-linux-gnu-cc \
		AR=aarch64-linux-gnu-gcc-ar "$@"
}

if [ $# -gt 0 ]; then
	cross_make "$@"
	exit 0
fi
JOTA_BUILD=$out "$top/deps/debian-source.sh" swupdate-2022.12
cross_make PREFIX= DESTDIR="$out/dev" install-dev "$out/bin/jetson-slot" "$out/bin/jetson-health"
JOTA_BUILD=$out CC=aarch64-linux-gnu-cc "$top/deps/swupdate-hosts.sh" builtin-2022.12 "$out/dev"
