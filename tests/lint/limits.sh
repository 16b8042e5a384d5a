#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
#
# A file over 500 lines or a function over 70 is two things in one.
set -eu
# shellcheck disable=SC2046
set -- $(tests/lint/files.sh '*.c' '*.h')
[ $# -gt 0 ] || exit 0
awk '
	FNR == 1 { start = 0 }
	FNR == 501 { printf "%s: more than 500 lines\n", FILENAME; bad = 1 }
	/^[{]/ { start = FNR }
	/^[}]/ {
		if (start && FNR - start - 1 > 70) {
			printf "%s:%d: function of %d lines, at most 70\n", FILENAME, start, FNR - start - 1
			bad = 1
		}
		start = 0
	}
	END { exit bad }' "$@"
