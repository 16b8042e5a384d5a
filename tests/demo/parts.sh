# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
# shellcheck shell=bash
#
# Sourced by run.sh: the machine's part (packages, swupdate, the model's power-ons) and measuring.
# Needs $top (source tree), $build (build folder), $work (the demo's folder in it) and $device (the
# device's folder). Results stand in $code, $stores, $booted_slot, $booted_root and $boot_count.
: "${top:?}" "${build:?}" "${work:?}" "${device:?}"

# The tests' tools below; no bytecode is left in the source tree.
export PYTHONDONTWRITEBYTECODE=1
python=${PYTHON:-/usr/bin/python3}
code='' stores='' booted_slot='' booted_root='' boot_count=''

device() {
	"$python" "$top/tests/device/make-device.py" "$device" "$@"
}

slot_tool() {
	JOTA_ROOT=$device "$build/bin/jetson-slot" "$@"
}

# The slots as jetson-slot shows them; its whole report with DEMO_VERBOSE.
show_slots() {
	say "\$ jetson-slot info"
	slot_tool info >"$work/logs/jetson-slot" 2>&1 || {
		indent <"$work/logs/jetson-slot"
		die "jetson-slot info ended with an error"
	}
	if [ -n "${DEMO_VERBOSE-}" ]; then
		indent <"$work/logs/jetson-slot"
	else
		awk '/^slot / { on = 1 } /^$/ { on = 0 } on' "$work/logs/jetson-slot" | indent
	fi
}

# write_conf NAME RELEASE: NAME.conf with what all packages of the demo have; components come from
# standard input.
write_conf() {
	cat >"$work/$1.conf" <<-END
		version = "$2";
		hardware: { board = "jetson-demo"; revisions = [ "1.0" ]; };
		layout = "mission";
		signing: { signers: ( { certificate = "keys/cms.pem"; key = "keys/cms.key"; } ); };
		components: (
		$(cat)
		);
	END
}

# pack NAME RELEASE BOOTLOADER: the package NAME.swu out of a release's files. BOOTLOADER is what
# update.conf says about it.
pack() {
	write_conf "$1" "$2" <<-END
		  { role = "bootloader"; $3 },
		  { role = "kernel"; file = "releases/$2/boot.img"; },
		  { role = "rootfs"; file = "releases/$2/rootfs.ext4"; compress = "zstd"; }
	END
	sed -n '/^components/,$p' "$work/$1.conf" | indent
	say "\$ jetson-swu build -c $1.conf -o $1.swu"
	(cd "$work" && "$build/bin/jetson-swu" build -c "$1.conf" -o "$1.swu") >"$work/logs/pack-$1" \
		2>&1 || {
		cat "$work/logs/pack-$1" >&2
		die "cannot pack $1.swu"
	}
	grep -v '^packing ' "$work/logs/pack-$1" | indent
}

# pack_unchecked NAME RELEASE TEMPLATE: by a script that, unlike jetson-swu, packs what no device takes.
pack_unchecked() {
	"$python" "$top/tests/device/swu.py" "$work/$1.swu" pack "$2" "$3" "$work/releases/$2" \
		"$work/keys/cms.key" "$work/keys/cms.pem" 2>"$work/logs/pack-$1" || {
		cat "$work/logs/pack-$1" >&2
		die "cannot pack $1.swu"
	}
	say "signed package $1.swu, $(($(stat -c %s "$work/$1.swu") / 1024 / 1024)) MiB:"
	"$python" "$top/tests/device/swu.py" "$work/$1.swu" list | indent
}

# flip NAME NEW MEMBER PLACE: NEW.swu is NAME.swu with one bit of a member inverted.
flip() {
	"$python" "$top/tests/device/swu.py" "$work/$1.swu" flip "$3" "$4" "$work/$2.swu" ||
		die "cannot make $2.swu"
}

# swupdate makes sockets in TMPDIR, and their paths must be short.
sockets=$(mktemp -d /tmp/jota.XXXXXX)
trap 'rm -rf "$sockets"' EXIT

# install_package NAME: swupdate installs NAME.swu; its exit code goes into $code, the number of
# times that the environment was stored into $stores.
install_package() {
	local log=$work/logs/swupdate-$1 serial started seconds
	say "\$ swupdate-jetson -i $1.swu -H jetson-demo:1.0 -k ca.pem"
	device snapshot "$work/before"
	serial=$(device env-serial)
	started=$(date +%s%N)
	code=0
	JOTA_ROOT=$device SWUPDATE=${SWUPDATE:-$build/host/debian/usr/bin/swupdate} \
		JETSON_HANDLERS=${JETSON_HANDLERS:-$build/plugin/jetson-handlers.so} TMPDIR=$sockets \
		timeout 120 "$build/bin/swupdate-jetson" -v -i "$work/$1.swu" -H jetson-demo:1.0 \
		-k "$work/keys/ca.pem" >"$log" 2>&1 </dev/null || code=$?
	seconds=$(awk -v ns=$(($(date +%s%N) - started)) 'BEGIN { printf "%.1f", ns / 1e9 }')
	if [ -n "${DEMO_VERBOSE-}" ]; then
		indent <"$log"
	else
		sed -n 's/^\[ERROR\] : //p' "$log" | indent
	fi
	stores=$((($(device env-serial) - serial + 256) % 256))
	say "swupdate ended with $code after $seconds s, environment stored $stores times (log: ${log#"$top"/})"
}

# What the last install changed: labels of partitions, and the word environment for either copy.
changes() {
	local names
	names=$(device changed "$work/before" | sed 's/^environment copy .*/environment/' |
		sort -u | tr '\n' ' ')
	names=${names% }
	say "${names:-nothing}"
}

# Which of these words the last install changed: "nothing", or their names.
changed_among() {
	local all found='' name
	all=" $(changes) "
	for name in "$@"; do
		case $all in
		*" $name "*) found="$found $name" ;;
		esac
	done
	found=${found# }
	say "${found:-nothing}"
}

# Values of U-Boot variables in one line.
env_words() {
	device env "$@" | tr '\n' ' ' | sed 's/ $//'
}

# reason NAME TEXT...: the first of these texts that swupdate logged as an error for NAME.swu.
reason() {
	local log=$work/logs/swupdate-$1 text
	shift
	for text in "$@"; do
		if grep '^\[ERROR\]' "$log" | grep -q -F -e "$text"; then
			say "$text"
			return
		fi
	done
	say "something else"
}

# same LABEL FILE: does the partition begin with exactly this file?
same() {
	if cmp -s -n "$(stat -c %s "$2")" "$(device node "$1")" "$2"; then
		say equal
	else
		say different
	fi
}

# slot_holds SLOT RELEASE: compares all three partitions with the files of the release.
slot_holds() {
	local files=$work/releases/$2
	if [ "$(same "$1_kernel" "$files/boot.img")$(same "$1_APP" "$files/rootfs.ext4")" = equalequal ] &&
		[ "$(same "$1_bootloader" "$files/bootloader.img")" = equal ]; then
		say "release $2"
	else
		say different
	fi
}

# The release that a root filesystem says it is, read from the partition itself.
release_in() {
	debugfs -R 'cat /etc/os-release' "$(device node "$1")" 2>/dev/null |
		sed -n 's/^VERSION_ID=/release /p' | grep . || say unreadable
}

health_tool() {
	JOTA_ROOT=$device "$build/bin/jetson-health" "$@"
}

# from_slot PATH...: puts files of the root filesystem that runs where programs look for them. The
# device's folder has no root filesystem, only what they read of one.
from_slot() {
	local path
	for path in "$@"; do
		mkdir -p "$device${path%/*}"
		debugfs -R "dump $path $device$path" "$(device node "$booted_root")" 2>/dev/null
		[ -s "$device$path" ] || die "'$path' is not in $booted_root"
	done
}

# Acts the start of the product: the image's own script.
start_product() {
	from_slot /etc/os-release /etc/swupdate-jetson/health.conf /opt/product/start
	ROOT=$device sh "$device/opt/product/start"
}

# check_health: jetson-health decides about the slot that runs; its exit code goes into $code.
check_health() {
	say "\$ jetson-health run --apply"
	code=0
	health_tool run --apply >"$work/logs/health" 2>&1 || code=$?
	indent <"$work/logs/health"
	say "jetson-health ended with $code"
}

# status_of CHECK: what the last check after a boot made of it.
status_of() {
	awk -v name="$1" '$2 == name || $1 == name { print }' "$work/logs/health" |
		grep -o -w -e pass -e fail -e timeout -e error -e skipped | head -n 1
}

# reason_in PROGRAM: "health:<check>:<reason>" as that program tells it.
reason_in() {
	grep -o 'health:[a-z]*:[a-z-]*' "$work/logs/$1" | sort -u | tr '\n' ' ' | sed 's/ $//'
}

# power_on: the model acts what U-Boot would do; the result is in $booted_slot, $booted_root and
# $boot_count, and the device is as after that boot.
power_on() {
	local options line
	mapfile -t options < <(device model-options)
	"$build/bin/uboot-model" --log "${options[@]}" boot >"$work/logs/model" 2>&1 || {
		indent <"$work/logs/model"
		die "the U-Boot model started no kernel"
	}
	cat "$work/logs/model" >>"$work/logs/model-all"
	line=$(tail -n 1 "$work/logs/model")
	booted_slot=$(sed -n 's/.* slot=\([AB]\).*/\1/p' <<<"$line")
	booted_root=$(sed -n 's/.* root=\([A-Za-z_]*\).*/\1/p' <<<"$line")
	boot_count=$(sed -n 's/.* count=\([0-9]*\).*/\1/p' <<<"$line")
	[ -n "$booted_slot$booted_root" ] || die "the U-Boot model's last line names no slot: $line"
	if [ -n "${DEMO_VERBOSE-}" ]; then
		indent <"$work/logs/model"
	else
		{ grep '\[jota\]' "$work/logs/model" || true; } | indent
	fi
	device boot-into "$booted_slot"
	say "U-Boot model: slot $booted_slot runs, $(release_in "$booted_root"), boot count $boot_count"
}
