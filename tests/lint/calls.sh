#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
#
# Calls that the style guide rules out. Comments are taken away first: they may name what they warn of.
set -eu

everywhere='system|popen|strcpy|stpcpy|strcat|sprintf|vsprintf|atoi|atol|atoll|strtok|gets|alloca'
in_library='printf|vprintf|puts|putchar|perror|exit|_exit|_Exit|abort'
to_terminal='fprintf *[(] *std(out|err)|fputs *[(].*std(out|err)'

# find_calls PATH REGEX: prints file, line and text; the line numbers survive the preprocessor here
# because only comments are replaced.
find_calls() {
	gcc -fpreprocessed -dD -E -w -x c "$1" 2>/dev/null | awk -v path="$1" -v regex="$2" '
		/^# [0-9]+ "/ { line = $2 - 1; next }
		{ line++ }
		$0 ~ regex { printf "%s:%d: %s\n", path, line, $0; found = 1 }
		END { exit found }'
}

rc=0
for path in $(tests/lint/files.sh '*.c' '*.h'); do
	find_calls "$path" "(^|[^A-Za-z0-9_])($everywhere) *[(]" || rc=1
	case $path in
	# What is forked without exec must not come back into the caller's code.
	lib/health/probe.c | lib/health/child_start.c)
		find_calls "$path" "(^|[^A-Za-z0-9_])((${in_library%%|_exit|*}|abort) *[(]|$to_terminal)" || rc=1 ;;
	lib/*) find_calls "$path" "(^|[^A-Za-z0-9_])(($in_library) *[(]|$to_terminal)" || rc=1 ;;
	esac
done
exit $rc
