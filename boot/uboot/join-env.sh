#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
#
# Turns U-Boot's text environment into one "name=value" line per variable.
set -eu

usage() {
	cat <<'END'
usage: join-env.sh [--check | --fingerprint] [FILE.env]
       join-env.sh --command FILE.cmd

Prints FILE.env (default: jetson-ab.env beside this script) as one name=value line per
variable, the form that mkenvimage, fw_setenv -s and the U-Boot model read.

  --check        print nothing; fail unless jota_env equals the fingerprint of the text
  --fingerprint  print the value that jota_env must have
  --command      print a boot command, a script with comment lines, as one line
  --help         print this text

Exit codes: 0 done, 1 the file is wrong, 2 wrong usage.
END
}

mode="join"
case "${1-}" in
--check) mode=check; shift ;;
--fingerprint) mode=fingerprint; shift ;;
--command) mode='command'; shift ;;
--help) usage; exit 0 ;;
-*) usage >&2; exit 2 ;;
esac
if [ $# -gt 1 ]; then
	usage >&2
	exit 2
fi
file=${1-$(dirname "$0")/jetson-ab.env}
if [ ! -r "$file" ]; then
	echo "join-env.sh: cannot read '$file'" >&2
	exit 1
fi

if [ "$mode" = command ]; then
	sed -e '/^[[:space:]]*#/d' -e 's/^[[:space:]]*//' -e '/^$/d' "$file" | tr '\n' ' ' |
		sed 's/ $//'
	exit 0
fi

# What is refused here is what the C preprocessor in U-Boot's build would change behind our back.
join() {
	LC_ALL=C awk -v file="$file" '
	function die(why) {
		printf "join-env.sh: %s:%d: %s\n", file, NR, why > "/dev/stderr"
		failed = 1
		exit 1
	}
	function strip_comments(s,    out, at) {
		out = ""
		while (1) {
			if (in_comment) {
				at = index(s, "*/")
				if (!at) return out
				s = substr(s, at + 2)
				in_comment = 0
				out = out " "
			}
			at = index(s, "/*")
			if (!at) return out s
			out = out substr(s, 1, at - 1)
			s = substr(s, at + 2)
			in_comment = 1
		}
	}
	function finish_variable() {
		if (name == "") return
		if (value == "") die("variable " name " has no value")
		print name "=" value
	}
	/\047/ { die("an apostrophe would confuse the C preprocessor; write it without one") }
	/[^\t -~]/ { die("only printable ASCII, blanks and tabs are allowed") }
	{
		$0 = strip_comments($0)
		sub(/[ \t]+$/, "")
		if ($0 == "") next
		if ($0 ~ /^[ \t]*#/) die("a line that starts with a hash is a preprocessor directive")
		if ($0 ~ /\/\//) die("a double slash starts a comment for the C preprocessor")
		if ($0 ~ /\\/) die("a backslash is read differently by the tools; write it without one")
		if (gsub(/"/, "\"") % 2) die("unbalanced double quotes in one line")
		continued = ($0 ~ /^[ \t]/)
		sub(/^[ \t]+/, "")
		if ($0 ~ /[ \t][ \t]|\t/) die("a run of blanks inside a line would be joined to one blank")
		if (continued) {
			if (name == "") die("a continuation line without a variable above")
			value = value (value == "" ? "" : " ") $0
			next
		}
		if ($0 !~ /^[A-Za-z_][A-Za-z0-9_]*=/) die("expected name=value or a continuation line")
		finish_variable()
		name = substr($0, 1, index($0, "=") - 1)
		value = substr($0, index($0, "=") + 1)
		if (name in seen) die("variable " name " is already set in line " seen[name])
		seen[name] = NR
	}
	END {
		if (failed) exit 1
		if (in_comment) die("the last comment is not closed")
		finish_variable()
	}' "$file"
}

joined=$(join)
# The version in front of the dash is the schema, the digits are the text.
sum=$(printf '%s\n' "$joined" | grep -v '^jota_env=' | sha256sum)
want="1-$(printf '%.12s' "$sum")"
have=$(printf '%s\n' "$joined" | sed -n 's/^jota_env=//p')

case $mode in
join)
	printf '%s\n' "$joined"
	;;
fingerprint)
	echo "$want"
	;;
check)
	if [ "$have" != "$want" ]; then
		echo "join-env.sh: $file: jota_env is '$have', the text needs '$want';" \
			"put that in (it tells devices which script they run)" >&2
		exit 1
	fi
	;;
esac
