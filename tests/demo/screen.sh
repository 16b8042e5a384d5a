# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
# shellcheck shell=bash
#
# Sourced by run.sh: what the screen shows, and the table at the end. Every row is computed from a
# measurement; a row that does not hold fails the demo.

bold='' red='' green='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR-}" ]; then
	bold=$'\e[1m' red=$'\e[31m' green=$'\e[32m' plain=$'\e[0m'
fi
rows=()
failed_rows=0

heading() {
	printf '\n%s== %s%s\n' "$bold" "$*" "$plain"
}

say() {
	printf '%s\n' "$*"
}

# Output of a program, set apart from our own words.
indent() {
	sed 's/^/    /'
}

die() {
	printf 'demo: %s\n' "$*" >&2
	exit 1
}

# row STEP WHAT EXPECTED SEEN: holds when both words are equal.
row() {
	local mark=ok
	if [ "$3" != "$4" ]; then
		mark=FAILED
		failed_rows=$((failed_rows + 1))
		printf '    %snot as expected: %s: expected %s, seen %s%s\n' "$red" "$2" "$3" "$4" "$plain"
	fi
	rows+=("$1|$2|$3|$4|$mark")
}

show_table() {
	local step what expected seen mark colour
	printf '%-2s %-41s %-40s %-40s\n' '' what expected seen
	for line in "${rows[@]}"; do
		IFS='|' read -r step what expected seen mark <<<"$line"
		colour=$green
		[ "$mark" = ok ] || colour=$red
		printf '%-2s %-41s %-40s %-40s %s%s%s\n' "$step" "$what" "$expected" "$seen" \
			"$colour" "$mark" "$plain"
	done
}
