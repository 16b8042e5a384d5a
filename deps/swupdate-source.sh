#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
#
# Unpacks SWUpdate's source, as Debian ships it, into build/host/swupdate-2022.12/ for its headers.
# The original tarball is pinned by its SHA-256 in deps/pins.txt; a file that differs is refused.
set -eu
. "$(dirname "$0")/common.sh"

tarball=swupdate_2022.12+dfsg.orig.tar.xz
source_dir=$build_dir/host/swupdate-2022.12
stamp=$build_dir/host/swupdate-2022.12.stamp
want=$(pinned_sha256 "$tarball")

# All revisions share one tarball, and not each listed revision is on every mirror: newest first.
download_tarball() {
	private_index source "$(dpkg --print-architecture)" deb-src
	versions=$(apt-cache -c "$apt_conf" showsrc swupdate |
		awk '$1 == "Version:" && $2 ~ /^2022[.]12[+]dfsg-/ { print $2 }' | sort -Vru)
	[ -n "$versions" ] || die "Debian's source lists hold no swupdate 2022.12+dfsg"
	rm -rf "$cache_dir/source.new"
	mkdir -p "$cache_dir/source.new"
	for version in $versions; do
		(cd "$cache_dir/source.new" && apt-get -q -c "$apt_conf" source --download-only \
			--tar-only "swupdate=$version") >"$index_dir/log/source-$version" 2>&1 || true
		[ ! -e "$cache_dir/source.new/$tarball" ] || break
	done
	[ -e "$cache_dir/source.new/$tarball" ] || {
		cat "$index_dir"/log/source-* >&2
		die "cannot download '$tarball'"
	}
	mv "$cache_dir/source.new/$tarball" "$cache_dir/$tarball"
	rm -rf "$cache_dir/source.new"
}

lock_once swupdate-source
[ ! -e "$stamp" ] || [ "$(cat "$stamp")" != "$want" ] || exit 0
mkdir -p "$cache_dir" "$build_dir/host"
[ -e "$cache_dir/$tarball" ] || download_tarball
got=$(sha256_of "$cache_dir/$tarball")
[ "$got" = "$want" ] ||
	die "'$cache_dir/$tarball' has sha256 $got, expected $want; remove it and run this again"
rm -rf "$source_dir" "$source_dir.new" "$stamp"
mkdir -p "$source_dir.new"
tar -xJf "$cache_dir/$tarball" -C "$source_dir.new" --strip-components=1
mv "$source_dir.new" "$source_dir"
printf '%s\n' "$want" >"$stamp"
say "SWUpdate 2022.12 source is in ${source_dir#"$top"/}"
