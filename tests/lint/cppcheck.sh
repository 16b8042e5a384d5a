#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
#
# Static analysis. The two macros of the unit test framework are spelt out, for they open and close
# a function in a way that a parser without the framework's headers cannot see.
# Leaks are left to the sanitizers and valgrind: cppcheck does not know the cleanup attribute.
# readdir() is safe on a stream of its own; the replacement cppcheck names is deprecated.
set -eu
tests/lint/files.sh '*.c' | xargs -r cppcheck --quiet --error-exitcode=1 --std=c11 -j2 \
	--enable=warning,performance,portability --inline-suppr --library=posix,gnu \
	--suppress=missingIncludeSystem --suppress=unmatchedSuppression --suppress=memleak \
	--suppress=resourceLeak --suppress=readdirCalled \
	'-DSTART_TEST(name)=static void name(int _i)' -DEND_TEST= -Ilib -Itests
