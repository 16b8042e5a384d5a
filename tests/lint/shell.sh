#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
#
# Every shell script, found by its name or its first line, is clean for shellcheck and stops at the
# first failing command.
set -eu

rc=0
for path in $(tests/lint/files.sh); do
	first=
	IFS= read -r first <"$path" 2>/dev/null || true
	case $path:$first in
	*:'#!'*/sh | *:'#!'*/bash | *:'#!'*'env bash' | *:'#!'*'env sh')
		grep -qE '^set -(eu|euo pipefail)( |$)' "$path" || {
			printf "%s: no 'set -eu'\n" "$path"
			rc=1
		}
		;;
	*.sh:* | tools/completion/*) ;;
	*) continue ;;
	esac
	shellcheck -x -P SCRIPTDIR "$path" || rc=1
done
exit $rc
