#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
#
# The table in docs/dependencies.md says exactly what deps/packages.txt says. With --print it writes
# the table as it should be.
set -eu
cd "$(dirname "$0")/../.."

wanted_table() {
	echo '| package | used for | licence | why |'
	echo '|---|---|---|---|'
	awk -F'|' '
		/^#/ || NF < 4 { next }
		{
			for (i = 1; i <= 4; i++)
				gsub(/^[ \t]+|[ \t]+$/, "", $i)
			printf "| %s | %s | %s | %s |\n", $2, $1, $3, $4
		}' deps/packages.txt
}

case ${1-} in
--print)
	wanted_table
	exit 0
	;;
esac
wanted=$(wanted_table)
found=$(awk '/^[|] package [|]/ { inside = 1 } /^$/ { inside = 0 } inside' docs/dependencies.md)
[ "$wanted" = "$found" ] || {
	echo "docs/dependencies.md and deps/packages.txt differ; 'tests/lint/dependencies.sh --print' shows the table"
	exit 1
}
