#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
#
# clang-format decides the layout; `make format` applies it.
set -eu
tests/lint/files.sh '*.c' '*.h' | xargs -r clang-format --dry-run -Werror --style=file
