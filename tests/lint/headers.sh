#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
#
# Every header compiles alone, whatever was included before it, with both compilers, and twice in
# one file.
set -eu
. tests/lint/flags.sh

rc=0
for path in $(tests/lint/files.sh '*.h'); do
	for compiler in "$CC" clang; do
		printf '#include "%s"\n#include "%s"\n' "$path" "$path" |
			syntax_only "$compiler" "$path" -I. -x c - || {
			printf "%s does not compile alone with %s\n" "$path" "$compiler"
			rc=1
		}
	done
done
exit $rc
