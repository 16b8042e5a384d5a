#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
#
# Usage: deps/debian-source.sh FOLDER
# Unpacks the source of one program, as Debian ships it, into build/host/FOLDER/. The original tarball
# is pinned by its SHA-256 in deps/pins.txt; a file that differs is refused. A second run does nothing,
# and needs no network as long as the tarball is in the cache.
set -eu
. "$(dirname "$0")/common.sh"

usage="usage: deps/debian-source.sh swupdate-2022.12 | swupdate-2024.12.1 | libubootenv-0.3.5 | u-boot-2023.01"
folder=${1-}
case $folder in
swupdate-2022.12) suite=bookworm package=swupdate tarball=swupdate_2022.12+dfsg.orig.tar.xz ;;
swupdate-2024.12.1) suite=trixie package=swupdate tarball=swupdate_2024.12.1+dfsg.orig.tar.xz ;;
libubootenv-0.3.5) suite=trixie package=libubootenv tarball=libubootenv_0.3.5.orig.tar.xz ;;
u-boot-2023.01) suite=bookworm package=u-boot tarball=u-boot_2023.01+dfsg.orig.tar.xz ;;
*) die "$usage" ;;
esac
source_dir=$build_dir/host/$folder
stamp=$source_dir.stamp
want=$(pinned_sha256 "$tarball")

# Revisions of one upstream version share its tarball, and not each listed one is on every mirror:
# newest first.
download_tarball() {
	private_index "source-$suite" "$(dpkg --print-architecture)" deb-src "$suite"
	upstream=${tarball#"$package"_}
	upstream=${upstream%.orig.tar.*}
	versions=$(apt-cache -c "$apt_conf" showsrc "$package" |
		awk -v start="$upstream-" '$1 == "Version:" && index($2, start) == 1 { print $2 }' |
		sort -Vru)
	[ -n "$versions" ] || die "Debian's source lists ($suite) hold no $package $upstream"
	new=$cache_dir/source-$folder.new
	rm -rf "$new"
	mkdir -p "$new"
	for version in $versions; do
		(cd "$new" && apt-get -q -c "$apt_conf" source --download-only --tar-only \
			"$package=$version") >"$index_dir/log/source-$version" 2>&1 || true
		[ ! -e "$new/$tarball" ] || break
	done
	[ -e "$new/$tarball" ] || {
		cat "$index_dir"/log/source-* >&2
		die "cannot download '$tarball'"
	}
	mv "$new/$tarball" "$cache_dir/$tarball"
	rm -rf "$new"
}

lock_once "source-$folder"
[ ! -e "$stamp" ] || [ "$(cat "$stamp")" != "$want" ] || exit 0
mkdir -p "$cache_dir" "$build_dir/host"
[ -e "$cache_dir/$tarball" ] || download_tarball
got=$(sha256_of "$cache_dir/$tarball")
[ "$got" = "$want" ] ||
	die "'$cache_dir/$tarball' has sha256 $got, expected $want; remove it and run this again"
rm -rf "$source_dir" "$source_dir.new" "$stamp"
mkdir -p "$source_dir.new"
tar -xf "$cache_dir/$tarball" -C "$source_dir.new" --strip-components=1
mv "$source_dir.new" "$source_dir"
printf '%s\n' "$want" >"$stamp"
say "$package is in ${source_dir#"$top"/}"
