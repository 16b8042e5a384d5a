#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
#
# clang-tidy with .clang-tidy, two files at a time. What was clean is remembered by the digest of the
# preprocessed file and of everything that decides the answer, so that a second run looks at changed
# files only. Usage: tests/lint/tidy.sh [FILE...]
set -eu
cd "$(dirname "$0")/../.."
. tests/lint/flags.sh

cache=${LINT_CACHE:-build/lint-cache}/tidy

# look_at FILE: flags are lists of words.
# shellcheck disable=SC2046,SC2086
look_at() {
	hint='-include tests/lint/tidy.h'
	case $1 in
	# The models see nothing of lib/, and the file that defines the functions cannot have them wrapped.
	tests/models/* | lib/base/err.c) hint= ;;
	esac
	set -- "$1" $LINT_STD $hint $(include_flags "$1") -I.
	key=$({
		cat .clang-tidy tests/.clang-tidy tests/lint/tidy.sh
		printf '%s\n' "$TIDY_VERSION"
		# With comments: one of them may silence a line.
		clang -E -C "$@" 2>&1 || true
	} | sha256sum | cut -d ' ' -f 1)
	[ ! -e "$cache/$key" ] || return 0
	path=$1
	shift
	notes=$cache/$(printf '%s' "$path" | tr / -).txt
	if clang-tidy --quiet "$path" -- "$@" >"$notes" 2>&1; then
		rm -f "$notes"
		: >"$cache/$key"
	else
		grep ' error: ' "$notes" || cat "$notes"
		echo "$path: how it comes to that is in $notes"
		return 1
	fi
}

mkdir -p "$cache"
: "${TIDY_VERSION:=$(clang-tidy --version)}"
export TIDY_VERSION
if [ $# -gt 0 ]; then
	rc=0
	for path in "$@"; do
		look_at "$path" || rc=1
	done
	exit $rc
fi
find "$cache" -type f -mtime +30 -delete
tests/lint/files.sh '*.c' | xargs -r -n 6 -P "$(nproc)" tests/lint/tidy.sh
