#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
#
# Usage: deps/arm64-root.sh FOLDER PACKAGE...
# Unpacks Debian's arm64 packages with everything that they depend on into build/arm64/FOLDER/, as one
# tree: what a cross compiler takes for its target's root, and what programs for it load. The machine's
# own dpkg is not told about another architecture, and no script of a package runs. FOLDER.stamp lists
# packages and versions. A second run does nothing and needs no network.
set -eu
. "$(dirname "$0")/common.sh"

[ $# -ge 2 ] || die "usage: deps/arm64-root.sh FOLDER PACKAGE..."
root=$build_dir/arm64/$1
name=$1
shift
deb_dir=$cache_dir/arm64/$name
want=$(printf '%s\n' "$@" | sha256sum | cut -d' ' -f1)

# apt believes in an empty machine, so "install" means all dependencies.
download_debs() {
	private_index "arm64-$name" arm64 deb
	rm -rf "$deb_dir.new"
	mkdir -p "$deb_dir.new/partial"
	apt-get -q -y -c "$apt_conf" -o "Dir::Cache::archives=$deb_dir.new" --no-install-recommends \
		--download-only install "$@" >"$index_dir/log/download" 2>&1 || {
		cat "$index_dir/log/download" >&2
		die "cannot download Debian's arm64 packages: $*"
	}
	rm -rf "$deb_dir.new/partial" "$deb_dir.new/lock"
	(cd "$deb_dir.new" && sha256sum ./*.deb >SHA256 && printf '%s\n' "$want" >WANT)
	rm -rf "$deb_dir"
	mv "$deb_dir.new" "$deb_dir"
}

# Debian's libraries name each other by absolute links, which would lead out of the tree.
relative_links() {
	find "$root.new" -type l -lname '/*' -printf '%p %l\n' | while read -r link target; do
		ln -sfnr "$root.new$target" "$link"
	done
}

lock_once "arm64-$name"
mkdir -p "$build_dir/arm64" "$cache_dir/arm64"
[ "$(cat "$deb_dir/WANT" 2>/dev/null)" = "$want" ] || download_debs "$@"
have=$(sha256_of "$deb_dir/SHA256")
[ "$(head -n 1 "$root.stamp" 2>/dev/null)" != "$have" ] || exit 0
(cd "$deb_dir" && sha256sum --check --quiet SHA256) ||
	die "'$deb_dir' was changed since it was downloaded; remove that folder and run this again"
rm -rf "$root" "$root.new" "$root.stamp"
mkdir -p "$root.new"
printf '%s\n' "$have" >"$root.new.stamp"
for deb in "$deb_dir"/*.deb; do
	dpkg-deb -x "$deb" "$root.new"
	# dpkg-deb fills these fields in, not the shell.
	# shellcheck disable=SC2016
	dpkg-deb -W --showformat='${Package} ${Version}\n' "$deb" >>"$root.new.stamp"
done
relative_links
mv "$root.new" "$root"
mv "$root.new.stamp" "$root.stamp"
say "$(($(wc -l <"$root.stamp") - 1)) arm64 packages are in ${root#"$top"/}"
