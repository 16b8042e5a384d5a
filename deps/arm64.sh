#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
#
# Usage: deps/arm64.sh PACKAGE...
# Unpacks Debian's arm64 packages into build/arm64/PACKAGE/, without telling the machine's own dpkg
# about another architecture. PACKAGE may be a pattern such as 'linux-image-6.1.*-cloud-arm64', whose
# star stands for digits, dots and dashes: the newest match is taken and unpacked into the folder
# named by the word 'linux-image-cloud-arm64'.
# Prints one line per package: folder, package, version.
set -eu
. "$(dirname "$0")/common.sh"

arm64_dir=$build_dir/arm64
deb_root=$cache_dir/arm64
index_ready=no

need_index() {
	[ "$index_ready" = no ] || return 0
	private_index arm64 arm64 deb
	index_ready=yes
}

# resolve PATTERN: the newest real package whose whole name matches; debug twins never match.
resolve() {
	regex=$(printf '%s\n' "$1" | sed 's/[.+]/[&]/g; s/[*]/[0-9.-]*/g')
	apt-cache -c "$apt_conf" pkgnames | grep -x -e "$regex" | sort -V | tail -n 1
}

# folder_of PACKAGE: a pattern's version part is dropped, so the folder's name survives upgrades.
folder_of() {
	case $1 in
	*'*'*) printf '%s\n' "$1" | sed 's/[0-9.]*[.][*]-//' ;;
	*) printf '%s\n' "$1" ;;
	esac
}

download_deb() {
	need_index
	name=$(resolve "$1")
	[ -n "$name" ] || die "Debian 12 has no arm64 package '$1'"
	rm -rf "$2.new"
	mkdir -p "$2.new"
	(cd "$2.new" && apt-get -q -c "$apt_conf" download "$name") >&2 ||
		die "cannot download Debian's arm64 package '$name'"
	(cd "$2.new" && sha256sum ./*.deb >SHA256)
	rm -rf "$2"
	mv "$2.new" "$2"
}

unpack_package() {
	folder=$(folder_of "$1")
	deb_dir=$deb_root/$folder
	[ -e "$deb_dir/SHA256" ] || download_deb "$1" "$deb_dir"
	if [ ! -e "$arm64_dir/$folder.stamp" ]; then
		(cd "$deb_dir" && sha256sum --check --quiet SHA256) || die \
			"'$deb_dir' was changed since it was downloaded; remove that folder and run this again"
		rm -rf "${arm64_dir:?}/$folder" "$arm64_dir/$folder.new"
		mkdir -p "$arm64_dir/$folder.new"
		for deb in "$deb_dir"/*.deb; do
			dpkg-deb -x "$deb" "$arm64_dir/$folder.new"
			printf '%s %s\n' "$(dpkg-deb -f "$deb" Package)" "$(dpkg-deb -f "$deb" Version)" \
				>"$arm64_dir/$folder.new.stamp"
		done
		mv "$arm64_dir/$folder.new" "$arm64_dir/$folder"
		mv "$arm64_dir/$folder.new.stamp" "$arm64_dir/$folder.stamp"
	fi
	printf '%s %s\n' "$arm64_dir/$folder" "$(cat "$arm64_dir/$folder.stamp")"
}

[ $# -gt 0 ] || die "usage: deps/arm64.sh PACKAGE..."
lock_once arm64
mkdir -p "$deb_root" "$arm64_dir"
for package in "$@"; do
	unpack_package "$package"
done
