#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
#
# Puts a hawkBit server into build/hawkbit/: the libraries that tests/hawkbit/server/pom.xml names, as
# their projects publish them on Maven Central, and tests/hawkbit/server/Start.java, which starts them.
# What was downloaded is kept in build/cache, so that a second run needs no network; every library is
# checked against deps/hawkbit.sha256, each time. HAWKBIT_JAR=FILE: an update server's jar of your own
# instead, nothing is downloaded then. --note-digests: write deps/hawkbit.sha256 anew.
# Exit codes: 0 it is there, 77 it cannot be had here, 1 everything else.
set -eu
. "$(dirname "$0")/common.sh"

plugin=org.apache.maven.plugins:maven-dependency-plugin:3.6.1
server=$top/tests/hawkbit/server
digests=$top/deps/hawkbit.sha256
# Another list of libraries is another folder: none is left over from before.
lib_dir=$cache_dir/hawkbit/$(sha256_of "$server/pom.xml" | cut -c 1-16)
out_dir=$build_dir/hawkbit

cannot() {
	say "$*"
	exit 77
}

# -C: a file that arrives damaged is an error, not a warning. Maven keeps no more than its own plugins
# and the descriptions of what it fetched. -U: asks again for what was not there the last time.
fetch_libraries() {
	mvn -q -B -U -ntp -C -f "$server/pom.xml" "-Dmaven.repo.local=$cache_dir/maven" \
		"$plugin:copy-dependencies" -DincludeScope=runtime \
		"-DoutputDirectory=$lib_dir.new" >"$lib_dir.log" 2>&1
}

download_libraries() {
	command -v mvn >/dev/null || cannot "maven is missing: run deps/install.sh hawkbit"
	rm -rf "$lib_dir.new"
	mkdir -p "$lib_dir.new"
	say "downloading hawkBit from Maven Central (kept in ${lib_dir#"$top"/})"
	# What an attempt fetched is kept, so the next one goes on from there.
	fetch_libraries || { sleep 5 && fetch_libraries; } || { sleep 20 && fetch_libraries; } || {
		tail -n 5 "$lib_dir.log" >&2
		cannot "cannot download hawkBit's libraries; is Maven Central within reach?" \
			"(${lib_dir#"$top"/}.log)"
	}
	rm -rf "$lib_dir"
	mv -T "$lib_dir.new" "$lib_dir"
}

list_digests() {
	(cd "$lib_dir" && sha256sum -- *.jar)
}

# Exactly what the list has: nothing else is in the class path, and nothing is missing.
check_libraries() {
	list_digests >"$lib_dir.found"
	grep -v '^#' "$digests" | diff - "$lib_dir.found" >"$lib_dir.diff" || {
		head -n 5 "$lib_dir.diff" >&2
		die "the libraries in ${lib_dir#"$top"/} are not those of deps/hawkbit.sha256;" \
			"remove the folder and run this again"
	}
}

lock_once hawkbit
mkdir -p "$out_dir" "$cache_dir/hawkbit"
if [ -n "${HAWKBIT_JAR-}" ]; then
	[ -f "$HAWKBIT_JAR" ] || die "HAWKBIT_JAR names '$HAWKBIT_JAR', which is no file"
	say "hawkBit is '$HAWKBIT_JAR', sha256 $(sha256_of "$HAWKBIT_JAR")"
	exit 0
fi
command -v javac >/dev/null || cannot "javac is missing: run deps/install.sh hawkbit"
[ -d "$lib_dir" ] || download_libraries
if [ "${1-}" = --note-digests ]; then
	{
		sed -n '/^#/p' "$digests"
		list_digests
	} >"$digests.new"
	mv "$digests.new" "$digests"
fi
check_libraries
# A server may be running from what is there: only something new is compiled.
classes=classes-$(sha256_of "$server/Start.java" | cut -c 1-16)
if [ ! -d "$out_dir/$classes" ]; then
	rm -rf "$out_dir/$classes.new"
	javac -cp "$lib_dir/*" -d "$out_dir/$classes.new" "$server/Start.java"
	mv -T "$out_dir/$classes.new" "$out_dir/$classes"
fi
ln -sfn "$classes" "$out_dir/classes"
ln -sfn "$lib_dir" "$out_dir/lib"
say "hawkBit $(sed -n 's,.*<version>\([0-9][0-9A-Z.]*\)</version>.*,\1,p' "$server/pom.xml" |
	head -n 1), $(grep -vc '^#' "$digests") libraries as noted in deps/hawkbit.sha256"
