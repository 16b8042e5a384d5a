#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
#
# Usage: deps/install.sh [--list] GROUP...
# Installs the Debian packages of the named groups of deps/packages.txt that are missing, by name and
# through apt. Does nothing, and needs no network, when none is missing. --list only prints the names.
set -eu
. "$(dirname "$0")/common.sh"

list_packages() {
	for group in "$@"; do
		awk -F'|' -v group="$group" '
			/^#/ || NF < 4 { next }
			{ gsub(/[ \t]/, "", $1); gsub(/[ \t]/, "", $2) }
			("," $1 ",") ~ ("," group ",") { print $2; found = 1 }
			END { exit !found }' "$top/deps/packages.txt" ||
			die "no group '$group' in deps/packages.txt (build host demo test lint)"
	done | sort -u
}

list_missing() {
	for package in "$@"; do
		[ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] ||
			printf '%s\n' "$package"
	done
}

# Package names are plain words: splitting them is what is wanted below.
# shellcheck disable=SC2086
install_packages() {
	say "installing: $*"
	# The lists may be locked by another apt for a moment; apt itself waits only for dpkg's lock.
	tries_left=5
	until $as_root apt-get -q update; do
		tries_left=$((tries_left - 1))
		[ "$tries_left" -gt 0 ] || die "'apt-get update' fails; is this machine online?"
		sleep 3
	done
	$as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=120 \
		install --no-install-recommends "$@" ||
		die "'apt-get install $*' fails (these are package names of Debian 12); see apt's message above"
}

command -v dpkg-query >/dev/null ||
	die "dpkg is missing: this project builds on Debian 12; see docs/dependencies.md for the list"
only_list=no
if [ "${1-}" = --list ]; then
	only_list=yes
	shift
fi
[ $# -gt 0 ] || die "usage: deps/install.sh [--list] GROUP... (build host demo test lint)"

# Two steps, because an exit inside a pipe or a word would pass unseen.
wanted=$(list_packages "$@")
[ -n "$wanted" ] || exit 1
if [ "$only_list" = yes ]; then
	printf '%s\n' "$wanted"
	exit 0
fi
# shellcheck disable=SC2086
missing=$(list_missing $wanted | tr '\n' ' ')
missing=${missing% }
[ -n "$missing" ] || exit 0

as_root=
if [ "$(id -u)" -ne 0 ]; then
	if command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
		as_root='sudo -n'
	elif command -v sudo >/dev/null && [ -t 0 ]; then
		as_root=sudo
	else
		die "missing Debian packages: $missing; as root run: apt-get update && apt-get install --no-install-recommends $missing"
	fi
fi
lock_once packages
# shellcheck disable=SC2086
missing=$(list_missing $wanted | tr '\n' ' ')
# shellcheck disable=SC2086
[ -z "$missing" ] || install_packages $missing
# shellcheck disable=SC2086
missing=$(list_missing $wanted | tr '\n' ' ')
[ -z "$missing" ] || die "still missing after the installation: ${missing% }"
