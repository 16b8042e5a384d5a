#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
#
# Every C file through clang with the project's warnings; gcc already had its say in the build.
set -eu
. tests/lint/flags.sh

rc=0
for path in $(tests/lint/files.sh '*.c'); do
	syntax_only clang "$path" "$path" || rc=1
done
exit $rc
