#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
#
# What the library defines for others starts with jota_; the plugin offers its host nothing to
# collide with.
set -eu
library=${LIBJOTA:-build/lib/libjota.a}
plugin=${PLUGIN:-build/plugin/jetson-handlers.so}

if [ ! -e "$library" ] || [ ! -e "$plugin" ]; then
	echo "'$library' or '$plugin' is missing: run 'make' first"
	exit 1
fi
foreign=$(nm --extern-only --defined-only "$library" | awk 'NF == 3 && $3 !~ /^jota_/ { print $3 }')
# The linker's own marks of section ends are in some builds and not in others.
exported=$(nm --dynamic --defined-only "$plugin" |
	awk '$NF !~ /^(__bss_start|_edata|_end)$/ { print $NF }')
[ -z "$foreign" ] || printf "external symbol of %s without jota_: %s\n" "$library" "$foreign"
[ -z "$exported" ] || printf "symbol exported by %s: %s\n" "$plugin" "$exported"
[ -z "$foreign$exported" ]
