#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
#
# Usage: services/install.sh DESTDIR PREFIX: the units of a device, with the paths of PREFIX filled in.
set -eu
[ $# -eq 2 ] || { echo 'usage: services/install.sh DESTDIR PREFIX' >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
systemd=$1$2/lib/systemd
ours=$1$2/lib/swupdate-jetson

# put MODE FILE TARGET
put() {
	mkdir -p "${3%/*}"
	sed -e "s,@SBINDIR@,$prefix/sbin,g" -e "s,@LIBDIR@,$prefix/lib/swupdate-jetson,g" \
		-e "s,@UNITDIR@,$prefix/lib/systemd/system,g" "$2" >"$3"
	chmod "$1" "$3"
}

prefix=$2
for file in "$here"/*.service "$here"/*.timer; do
	put 0644 "$file" "$systemd/system/${file##*/}"
done
for file in "$here"/drop-ins/*.*.conf; do
	unit=${file##*/}
	put 0644 "$file" "$systemd/system/${unit%.conf}.d/50-swupdate-jetson.conf"
done
put 0644 "$here/system.conf" "$systemd/system.conf.d/50-swupdate-jetson.conf"
put 0644 "$here/swupdate-jetson.preset" "$systemd/system-preset/50-swupdate-jetson.preset"
put 0755 "$here/trial-generator" "$systemd/system-generators/swupdate-jetson-trial"
for file in "$here"/on-trial/*.conf; do
	put 0644 "$file" "$ours/on-trial/${file##*/}"
done
