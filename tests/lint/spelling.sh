#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
#
# Misspelt words. Add a word that is right after all to tests/lint/words.txt, in small letters.
set -eu
tests/lint/files.sh | grep -v -e '^LICENSES/' -e '/corpus/' -e '/fixtures/' |
	xargs -r codespell --ignore-words=tests/lint/words.txt
