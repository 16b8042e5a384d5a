# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
#
# The bundle of certificates that devices trust, what `swupdate -k` gets: one file, several roots.
# shellcheck shell=bash
# All parts share the variables of the program that reads them, and `die` does not come back.
# shellcheck disable=SC2154,SC2034,SC2015

# split_bundle FILE: its certificates as $scratch/anchor.N; their number is in $count.
split_bundle() {
	local path
	[ -f "$1" ] || die "'$1' is no file with certificates"
	grep -q -- 'PRIVATE KEY-----' "$1" &&
		die "'$1' holds a private key: it must never come near a device"
	rm -f -- "$scratch"/anchor.*
	awk -v stem="$scratch/anchor." '
		/^-----BEGIN (TRUSTED )?CERTIFICATE-----/ { n++; on = 1 }
		on { print >(stem n) }
		/^-----END (TRUSTED )?CERTIFICATE-----/ { on = 0; close(stem n) }' "$1"
	count=0
	for path in "$scratch"/anchor.*; do
		[ -e "$path" ] || break
		openssl x509 -in "$path" -noout 2>"$scratch/log" ||
			die "certificate $((count + 1)) of '$1' cannot be read: $(reason)"
		count=$((count + 1))
	done
	[ "$count" -gt 0 ] || die "'$1' holds no certificate in PEM"
}

check_anchor() {
	local basic
	basic=$(openssl x509 -in "$1" -noout -ext basicConstraints 2>/dev/null)
	[[ $basic == *CA:TRUE* ]] ||
		die "'$2' is no authority's certificate: SWUpdate needs the root, not the signer"
	openssl verify -no_check_time -CAfile "$1" -no-CApath -no-CAstore "$1" >"$scratch/log" 2>&1 ||
		die "'$2' did not sign itself: SWUpdate follows a chain to its end, give the root"
	openssl x509 -in "$1" -noout -checkend 0 >/dev/null ||
		die "'$2' expired on $(cert_end "$1"): devices would refuse what it vouches for"
}

# write_bundle FILE: with names for people, which PEM readers pass over.
write_bundle() {
	local i
	for ((i = 1; i <= count; i++)); do
		[ -e "$scratch/anchor.$i" ] || continue
		printf '# %s, until %s\n' "$(cert_name "$scratch/anchor.$i")" "$(cert_end "$scratch/anchor.$i")"
		openssl x509 -in "$scratch/anchor.$i"
	done >"$scratch/bundle"
	chmod "$public_mode" "$scratch/bundle"
	mv -T -- "$scratch/bundle" "$1"
}

begin_beside() {
	local parent
	parent=$(dirname -- "$1")
	make_scratch "$parent"
}

list_bundle() {
	local i
	for ((i = 1; i <= count; i++)); do
		printf '%s  until %s  %s\n' "$(cert_digest "$scratch/anchor.$i")" \
			"$(cert_end "$scratch/anchor.$i")" "$(cert_name "$scratch/anchor.$i")"
	done
}

add_anchor() {
	local bundle=$1 cert=$2 i new
	begin_beside "$bundle"
	split_bundle "$cert"
	[ "$count" -eq 1 ] || die "'$cert' holds $count certificates, expected one"
	new=$scratch/new
	mv -- "$scratch/anchor.1" "$new"
	check_anchor "$new" "$cert"
	count=0
	if [ -e "$bundle" ]; then
		split_bundle "$bundle"
	fi
	for ((i = 1; i <= count; i++)); do
		[ "$(cert_digest "$scratch/anchor.$i")" != "$(cert_digest "$new")" ] ||
			die "'$bundle' holds '$cert' already"
	done
	count=$((count + 1))
	mv -- "$new" "$scratch/anchor.$count"
	write_bundle "$bundle"
}

remove_anchor() {
	local bundle=$1 cert=$2 i found=
	begin_beside "$bundle"
	[ -n "$signer" ] ||
		die_usage "--signer CERTIFICATE is missing: the one that signs from now on"
	openssl x509 -in "$cert" -noout 2>/dev/null || die "'$cert' holds no certificate in PEM"
	split_bundle "$bundle"
	[ "$count" -gt 1 ] ||
		die "'$cert' is the last certificate of '$bundle': without one, devices refuse everything"
	for ((i = 1; i <= count; i++)); do
		if [ "$(cert_digest "$scratch/anchor.$i")" = "$(cert_digest "$cert")" ]; then
			rm -- "$scratch/anchor.$i"
			found=$i
		fi
	done
	[ -n "$found" ] || die "'$bundle' does not hold '$cert'"
	cat -- "$scratch"/anchor.* >"$scratch/rest"
	openssl verify -CAfile "$scratch/rest" -no-CApath -no-CAstore "$signer" >"$scratch/log" 2>&1 ||
		die "without '$cert', devices would refuse what '$signer' signs; install the new signer's" \
			"certificate first"
	write_bundle "$bundle"
}

run_anchors() {
	local verb=${arguments[0]-}
	case $verb in
	add | remove)
		take_arguments 3 "$verb BUNDLE CERTIFICATE"
		"${verb}_anchor" "${arguments[1]}" "${arguments[2]}"
		split_bundle "${arguments[1]}"
		list_bundle
		;;
	list)
		take_arguments 2 "list BUNDLE"
		make_scratch "${TMPDIR:-/tmp}"
		split_bundle "${arguments[1]}"
		list_bundle
		;;
	*) die_usage "expected add, remove or list" ;;
	esac
}
