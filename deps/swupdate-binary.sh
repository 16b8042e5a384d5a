#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
#
# Unpacks Debian's unmodified swupdate into build/host/debian/. The package is never installed: its
# scripts start a root daemon and a watcher that reboots the machine after an update. The download is
# verified by apt; the file kept for offline runs is checked against the digest noted at that time.
set -eu
. "$(dirname "$0")/common.sh"

host_dir=$build_dir/host/debian
stamp=$build_dir/host/debian.stamp
deb_dir=$cache_dir/swupdate-binary

# Works with the machine's own package lists where there are some, else with a private index.
download_deb() {
	rm -rf "$deb_dir.new"
	mkdir -p "$deb_dir.new"
	(cd "$deb_dir.new" && apt-get -q -o APT::Sandbox::User= download swupdate) \
		>"$deb_dir.new/log" 2>&1 || {
		private_index binary "$(dpkg --print-architecture)" deb
		(cd "$deb_dir.new" && apt-get -q -c "$apt_conf" download swupdate) >&2 ||
			die "cannot download Debian's package 'swupdate'"
	}
	rm -f "$deb_dir.new/log"
	(cd "$deb_dir.new" && sha256sum ./*.deb >SHA256)
	rm -rf "$deb_dir"
	mv "$deb_dir.new" "$deb_dir"
}

report() {
	printf 'swupdate %s, sha256 %s\n' "$(cat "$stamp")" "$(sha256_of "$host_dir/usr/bin/swupdate")"
}

lock_once swupdate-binary
if [ -e "$stamp" ] && [ -x "$host_dir/usr/bin/swupdate" ]; then
	report
	exit 0
fi
mkdir -p "$cache_dir"
[ -e "$deb_dir/SHA256" ] || download_deb
(cd "$deb_dir" && sha256sum --check --quiet SHA256) ||
	die "'$deb_dir' was changed since it was downloaded; remove that folder and run this again"
set -- "$deb_dir"/*.deb
rm -rf "$host_dir.new" "$host_dir" "$stamp"
mkdir -p "$host_dir.new"
dpkg-deb -x "$1" "$host_dir.new"
mv "$host_dir.new" "$host_dir"
dpkg-deb -f "$1" Version >"$stamp"
report
