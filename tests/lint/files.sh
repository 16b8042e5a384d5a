#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
#
# Usage: tests/lint/files.sh [PATTERN...]
# Lists the project's own files, tracked or new but not ignored; outside a git checkout, all but
# build/. A PATTERN such as '*.c' is matched against the whole path.
set -eu
top=$(cd "$(dirname "$0")/../.." && pwd)
cd "$top"

list_all() {
	if [ "$(git rev-parse --show-toplevel 2>/dev/null)" = "$top" ]; then
		git ls-files --cached --others --exclude-standard
	else
		find . -path ./build -prune -o -path ./.git -prune -o \
			-name __pycache__ -prune -o -type f -print | sed 's,^[.]/,,'
	fi
}

wanted() {
	[ $# -gt 0 ] || return 0
	for pattern in "$@"; do
		# A pattern is meant to be one here.
		# shellcheck disable=SC2254
		case $path in $pattern) return 0 ;; esac
	done
	return 1
}

list_all | LC_ALL=C sort -u | while IFS= read -r path; do
	# A file removed from the work tree is still listed until that is committed.
	if [ -f "$path" ] && wanted "$@"; then
		printf '%s\n' "$path"
	fi
done
