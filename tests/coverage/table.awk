#!/usr/bin/awk -f
# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
#
# gcovr's CSV as a table: lines and branches reached per file, and in total.

function percent(part, whole) { return whole > 0 ? sprintf("%5.1f", 100 * part / whole) : "    -" }
function row(name, l, lines, b, branches) {
	printf "%-34s %11s %s %11s %s\n", name, l "/" lines, percent(l, lines), b "/" branches, \
		percent(b, branches)
}
BEGIN { FS = ","; printf "%-34s %11s %5s %11s %5s\n", "file", "lines", "%", "branches", "%" }
FNR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
{
	row($1, $at["line_covered"], $at["line_total"], $at["branch_covered"], $at["branch_total"])
	l += $at["line_covered"]
	lines += $at["line_total"]
	b += $at["branch_covered"]
	branches += $at["branch_total"]
}
END {
	row("total", l, lines, b, branches)
	exit lines == 0
}
