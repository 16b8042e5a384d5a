#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
#
# Usage: tests/hosts/reproducible.sh COMPILER...
# Builds library, plugin and tools twice per compiler: in folders of different names, one after the
# other, with another time zone, language, umask and number of jobs. Every file must be the same, byte
# by byte. The last line is 'N passed, N failed', one for each file.
set -eu
top=$(cd "$(dirname "$0")/../.." && pwd)
build_dir=${JOTA_BUILD:-$top/build}
work=$build_dir/reproducible
passed=0 failed=0

# The parts of the tree that a build reads; a copy, since the folder's name must differ.
copy_tree() {
	mkdir -p "$1"
	(cd "$top" && tar -cf - Makefile boot deps docs handlers lib mk tools tests/models tests/support) |
		tar -xf - -C "$1"
}

# build FOLDER COMPILER JOBS: variables of the make above are not meant for this one.
build() (
	unset MAKEFLAGS MFLAGS MAKELEVEL BUILD JOTA_BUILD
	JOTA_CACHE=${JOTA_CACHE:-$build_dir/cache} make -C "$1" -j"$3" DEPS=no CC="$2" all \
		>"$1.log" 2>&1 || {
		tail -n 20 "$1.log" >&2
		exit 1
	}
)

list_products() (
	cd "$1/build"
	find bin lib plugin -type f | sort
)

compare() {
	list_products "$1" >"$work/list"
	list_products "$2" | cmp -s - "$work/list" || {
		echo "FAILED: $3: the two builds made different files"
		failed=$((failed + 1))
	}
	[ -s "$work/list" ] || {
		echo "FAILED: $3: nothing was built"
		failed=$((failed + 1))
	}
	while read -r file; do
		if cmp "$1/build/$file" "$2/build/$file"; then
			passed=$((passed + 1))
			printf '%s  %s (%s)\n' "$(sha256sum <"$1/build/$file" | cut -d' ' -f1)" "$file" "$3"
		else
			failed=$((failed + 1))
		fi
	done <"$work/list"
}

[ $# -gt 0 ] || {
	echo "usage: tests/hosts/reproducible.sh COMPILER..." >&2
	exit 2
}
for compiler in "$@"; do
	first=$work/$compiler second=$work/$compiler-in-a-folder-with-another-name
	rm -rf "$work"
	copy_tree "$first"
	copy_tree "$second"
	(umask 022 && TZ=UTC LC_ALL=C build "$first" "$compiler" 1)
	sleep 1
	(umask 077 && TZ=Asia/Tokyo LC_ALL=C.UTF-8 build "$second" "$compiler" 2)
	compare "$first" "$second" "$compiler"
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
