#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
set -eu

usage() {
	cat <<'EOF'
Usage: handlers/integrate.sh [--undo] SWUPDATE_SOURCE_DIR

Makes the Jetson A/B handlers part of a source tree of SWUpdate (2022.12 or newer):
  - copies the handlers to SWUPDATE_SOURCE_DIR/handlers/jetson/
  - appends an option JETSON_HANDLERS to handlers/Kconfig (handlers/Config.in in older releases)
  - appends that folder to handlers/Makefile
A second run changes nothing but handlers that differ from the ones here. --undo takes all of it
back.

Then, in SWUpdate's .config:
  CONFIG_JETSON_HANDLERS=y
  CONFIG_EXTRA_CFLAGS="-I<folder with base/ slot/ update/ write/ of swupdate-jetson's lib/>"
  CONFIG_EXTRA_LDFLAGS="-L<folder with libjota.a>"
  CONFIG_EXTRA_LDLIBS="jota ubootenv config xxhash md z"
and start swupdate with -B jetson, or with bootloader = "jetson" in swupdate.cfg.
EOF
}

die() {
	printf 'integrate.sh: %s\n' "$*" >&2
	exit 1
}

mark_begin='# swupdate-jetson: begin (handlers/integrate.sh writes and removes these lines)'
mark_end='# swupdate-jetson: end'

makefile_block() {
	cat <<EOF
$mark_begin
obj-\$(CONFIG_JETSON_HANDLERS) += jetson/
$mark_end
EOF
}

kconfig_block() {
	cat <<EOF
$mark_begin
config JETSON_HANDLERS
	bool "Jetson A/B handlers (jetson-bootimg, jetson-bootloader, jetson-rootfs)"
	default n
	help
	  Writes images to the inactive slot of an NVIDIA Jetson, checks them, and selects
	  the slot as the last act of the update. Registers the image handlers
	  jetson-bootimg, jetson-bootloader and jetson-rootfs, the script handler
	  jetson-postinstall, and the bootloader interface "jetson".
	  Needs the library of swupdate-jetson: see EXTRA_CFLAGS, EXTRA_LDFLAGS and
	  EXTRA_LDLIBS.
$mark_end
EOF
}

# without_block FILE: the file as it was before.
without_block() {
	awk -v begin="$mark_begin" -v end="$mark_end" '
		$0 == begin { inside = 1; next }
		$0 == end && inside { inside = 0; next }
		!inside { print }
		END { exit inside }' "$1" || die "'$1' has the line '$mark_begin' without its end; mend it by hand"
}

# replace FILE: with what comes from stdin, but only if it differs: the times decide what make builds.
replace() {
	new=$1.integrate-$$
	cat >"$new"
	if cmp -s "$new" "$1"; then
		rm -f "$new"
		return
	fi
	# Keeps owner and mode.
	cat "$new" >"$1"
	rm -f "$new"
	changed=$((changed + 1))
}

# set_block FILE FUNCTION: the file with exactly one block, at its end.
set_block() {
	text=$(without_block "$1" && printf x) || exit 1
	{
		printf %s "${text%x}"
		"$2"
	} | replace "$1"
}

drop_block() {
	text=$(without_block "$1" && printf x) || exit 1
	printf %s "${text%x}" | replace "$1"
}

copy_handlers() {
	mkdir -p "$target"
	wanted=" Makefile "
	for file in "$here"/*.c "$here"/*.h "$here"/compiled-in/builtin.c "$here"/compiled-in/Makefile; do
		name=${file##*/}
		case $name in
		plugin.c | weak_host.h) continue ;; # the other form only
		esac
		wanted="$wanted$name "
		replace "$target/$name" <"$file"
	done
	# A handler that is gone here must not stay there.
	for file in "$target"/*.c "$target"/*.h; do
		case $wanted in
		*" ${file##*/} "*) continue ;;
		esac
		[ ! -e "$file" ] || {
			rm -f "$file"
			changed=$((changed + 1))
		}
	done
}

undo=no
case ${1-} in
-h | --help)
	usage
	exit 0
	;;
--undo)
	undo=yes
	shift
	;;
-*) die "unknown option '$1'; see --help" ;;
esac
[ $# -eq 1 ] || {
	usage >&2
	exit 2
}
here=$(cd "$(dirname "$0")" && pwd)
source_dir=${1%/}
target=$source_dir/handlers/jetson
kconfig=$source_dir/handlers/Kconfig
[ -e "$kconfig" ] || kconfig=$source_dir/handlers/Config.in
for file in "$source_dir/core/swupdate.c" "$source_dir/handlers/Makefile" "$kconfig"; do
	[ -f "$file" ] || die "'$source_dir' is no source tree of SWUpdate: '$file' is missing"
	[ -w "$file" ] || die "'$file' cannot be written"
done
grep -q '^config RAW$' "$kconfig" ||
	die "'$kconfig' does not list SWUpdate's handlers (no option RAW); this release is not known"

changed=0
if [ "$undo" = yes ]; then
	drop_block "$source_dir/handlers/Makefile"
	drop_block "$kconfig"
	[ ! -d "$target" ] || {
		rm -rf "$target"
		changed=$((changed + 1))
	}
	echo "integrate.sh: '$source_dir': $changed files or folders taken back"
else
	copy_handlers
	set_block "$source_dir/handlers/Makefile" makefile_block
	set_block "$kconfig" kconfig_block
	echo "integrate.sh: '$source_dir': $changed files written; set CONFIG_JETSON_HANDLERS=y (see --help)"
fi
