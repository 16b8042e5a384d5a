#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
#
# Puts hawkBit's update server, as its project publishes it on Maven Central, into build/hawkbit/.
# HAWKBIT_JAR=FILE is taken instead, nothing is downloaded then. Maven keeps what it downloads in
# build/cache/maven. The file kept for offline runs is checked against the digest that deps/pins.txt
# has, or else against that noted when it was downloaded; HAWKBIT_SHA256 demands one.
# Exit codes: 0 it is there, 77 it cannot be had here, 1 everything else.
set -eu
. "$(dirname "$0")/common.sh"

version=${HAWKBIT_VERSION:-0.9.0}
plugin=org.apache.maven.plugins:maven-dependency-plugin:3.6.1
name=hawkbit-update-server-$version.jar
jar_dir=$cache_dir/hawkbit
out_dir=$build_dir/hawkbit

# The digest that the file must have, or nothing.
wanted_sha256() {
	if [ -n "${HAWKBIT_SHA256-}" ]; then
		printf '%s\n' "$HAWKBIT_SHA256"
	elif grep -q "^[0-9a-f]*  $name\$" "$top/deps/pins.txt"; then
		pinned_sha256 "$name"
	elif [ -e "$jar_dir/$name.sha256" ]; then
		cut -d' ' -f1 "$jar_dir/$name.sha256"
	fi
}

# -C: a file that arrives damaged is an error, not a warning.
download_jar() {
	command -v mvn >/dev/null || die "maven is missing: run deps/install.sh hawkbit"
	rm -rf "$jar_dir.new"
	mkdir -p "$jar_dir.new"
	say "downloading hawkBit $version (kept in ${jar_dir#"$top"/})"
	mvn -q -B -ntp -C -U "-Dmaven.repo.local=$cache_dir/maven" "$plugin:copy" \
		"-Dartifact=org.eclipse.hawkbit:hawkbit-update-server:$version" \
		"-DoutputDirectory=$jar_dir.new" >"$jar_dir.log" 2>&1 || {
		# What is not on Central will not be there a minute later; all else may pass.
		if grep -q 'Could not find artifact' "$jar_dir.log"; then
			say "Maven Central, as this machine reaches it, has no hawkBit $version" \
				"(org.eclipse.hawkbit:hawkbit-update-server); set HAWKBIT_JAR to a jar of your own"
			exit 77
		fi
		tail -n 5 "$jar_dir.log" >&2
		die "cannot download hawkBit $version; is this machine online?"
	}
	mkdir -p "$jar_dir"
	mv "$jar_dir.new/$name" "$jar_dir/$name"
	rm -rf "$jar_dir.new"
}

lock_once hawkbit
mkdir -p "$out_dir" "$cache_dir"
if [ -n "${HAWKBIT_JAR-}" ]; then
	[ -f "$HAWKBIT_JAR" ] || die "HAWKBIT_JAR names '$HAWKBIT_JAR', which is no file"
	say "hawkBit is '$HAWKBIT_JAR', sha256 $(sha256_of "$HAWKBIT_JAR")"
	exit 0
fi
[ -e "$jar_dir/$name" ] || download_jar
want=$(wanted_sha256)
got=$(sha256_of "$jar_dir/$name")
if [ -z "$want" ]; then
	printf '%s  %s\n' "$got" "$name" >"$jar_dir/$name.sha256"
	say "no digest of $name was known; from now on it must be $got"
elif [ "$got" != "$want" ]; then
	die "'$jar_dir/$name' has sha256 $got, expected $want; remove it and run this again"
fi
ln -sf "$jar_dir/$name" "$out_dir/$name.new"
mv -T "$out_dir/$name.new" "$out_dir/$name"
say "hawkBit $version, sha256 $got"
