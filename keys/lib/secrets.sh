# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
#
# Secrets that are no signatures of updates: the AES key of encrypted payloads, the keys that the
# boot ROM and UEFI ask for. README.md tells where each size comes from.
# shellcheck shell=bash
# All parts share the variables of the program that reads them, and `die` does not come back.
# shellcheck disable=SC2154,SC2034,SC2015

# random_hex BYTES: from a pipe into a builtin, never an argument.
random_hex() {
	local text
	text=$(openssl rand -hex "$1") && [ "${#text}" -eq $(($1 * 2)) ] ||
		die "openssl gives no random bytes"
	printf '%s' "$text"
}

# write_line FILE WORD...: words that are worked out as arguments would hide a failure.
write_line() {
	local file=$1
	shift
	printf '%s\n' "$*" >"$file"
}

run_aes() {
	local key iv
	take_arguments 1 "FILE"
	begin "${arguments[0]}"
	[ ! -d "$target" ] || die "'$target' is a folder"
	# SWUpdate wants an IV in the file; each encrypted payload brings its own, which goes first.
	key=$(random_hex 32)
	iv=$(random_hex 16)
	write_line "$work/aes.key" "$key" "$iv"
	finish_file aes.key
	cat <<TEXT
AES-256 key for encrypted payloads in $target:
  where you pack    jetson-swu.conf: encryption: { key = "..."; };
  on every device   swupdate -K FILE, mode 0600, owner root
TEXT
}

# What each SoC wants: kinds of PKC (the first by default), words of the SBK, further keys and bytes.
soc_table() {
	case $1 in
	t186) pkc_kinds="rsa2048" sbk_words=4 fuse_keys="kek0:16 kek1:16 kek2:16" ;;
	t194) pkc_kinds="rsa3072 rsa2048" sbk_words=4 fuse_keys="kek0:16 kek1:16 kek2:16" ;;
	t234) pkc_kinds="rsa3072 p256 p521" sbk_words=8 fuse_keys="oem_k1:32 oem_k2:32" ;;
	t264) pkc_kinds="rsa3072 p256 p521" sbk_words=8 fuse_keys="oem_kdk0:32 oem_kdk1:32" ;;
	*) return 1 ;;
	esac
}

need_soc() {
	[ -n "$soc" ] || die_usage "--soc is missing: t186, t194, t234 or t264"
	soc_table "$soc" || die_usage "--soc '$soc': expected t186, t194, t234 or t264"
}

# The older signing tools read PKCS#1 and SEC1 alone, all of them read these.
make_pkc() {
	local clear
	clear=$scratch/clear
	make_key "$1" "$clear"
	try "openssl cannot write the key" pkey -in "$clear" -traditional -out "$2.pem"
	try "openssl cannot write the public key" pkey -in "$clear" -pubout -out "$2.pub"
	rm -- "$clear"
	chmod "$public_mode" "$2.pub"
}

# Eight (or four) words as hexadecimal numbers, most significant first, in one line.
make_sbk() {
	local text i line=
	text=$(random_hex $((sbk_words * 4)))
	for ((i = 0; i < sbk_words; i++)); do
		line+="${line:+ }0x${text:$((i * 8)):8}"
	done
	write_line "$work/sbk.key" "$line"
}

make_fuse_keys() {
	local entry name text
	for entry in $fuse_keys; do
		text=$(random_hex "${entry#*:}")
		write_line "$work/${entry%:*}.key" "$text"
	done
	# These two fuses are one of 256 bits for whoever asks for that.
	if [[ $fuse_keys == *kek0* ]]; then
		for name in kek0 kek1; do
			tr -d '\n' <"$work/$name.key"
		done >"$work/kek256.key"
		echo >>"$work/kek256.key"
	fi
}

run_boot() {
	local i stem
	take_arguments 1 "DIR"
	need_soc
	[[ " $pkc_kinds " == *" ${type:=${pkc_kinds%% *}} "* ]] ||
		die_usage "--type '$type': $soc takes ${pkc_kinds// /, }"
	[[ ${pkc_count:=1} =~ ^([1-9]|1[0-6])$ ]] || die_usage "--count '$pkc_count': expected 1 to 16"
	if [ "$pkc_count" -gt 1 ] && [ "$soc" != t264 ]; then
		die_usage "--count: only t264 has fuses for more than one PKC key here"
	fi
	begin "${arguments[0]}"
	for ((i = 0; i < pkc_count; i++)); do
		stem=pkc
		[ "$pkc_count" -eq 1 ] || stem=pkc-$i
		make_pkc "$type" "$work/$stem"
	done
	make_sbk
	make_fuse_keys
	echo "$soc" >"$work/soc"
	stem=pkc
	[ "$pkc_count" -eq 1 ] || stem=pkc-0
	# For a build's configuration: paths only. conf files of BitBake know no folder of their own.
	cat >"$work/signing.conf" <<CONF
TEGRA_SIGNING_KEYS ?= "$(realpath -m -- "$target")"
TEGRA_SIGNING_PKC = "\${TEGRA_SIGNING_KEYS}/$stem.pem"
TEGRA_SIGNING_SBK = "\${TEGRA_SIGNING_KEYS}/sbk.key"
CONF
	chmod "$public_mode" "$work/soc" "$work/signing.conf"
	finish_folder
	cat <<TEXT
Secure boot keys for $soc in $target; 'require' its signing.conf in local.conf:
  signed and flashed with  $stem.pem ($type), sbk.key
  burnt into fuses         ${fuse_keys//:[0-9]*([0-9])/}, the hash of $stem.pub, and sbk.key
Lost keys make fused devices bricks, leaked ones make secure boot worthless: two copies, offline.
TEXT
}

# Platform key, key exchange key and the key that signs launcher and kernel.
run_uefi() {
	local word
	take_arguments 1 "DIR"
	check_name --name "$name"
	check_days --days "${days:=$root_days}"
	begin "${arguments[0]}"
	for word in PK KEK db; do
		write_config "$name $word"
		# The signing tools ask for no passphrase.
		make_key rsa2048 "$work/$word.key"
		try "openssl cannot make a certificate" req -new -x509 -sha256 -key "$work/$word.key" \
			-days "$days" -out "$work/$word.crt"
		chmod "$public_mode" "$work/$word.crt"
	done
	cat >"$work/signing.conf" <<CONF
TEGRA_UEFI_KEYS ?= "$(realpath -m -- "$target")"
TEGRA_UEFI_DB_KEY = "\${TEGRA_UEFI_KEYS}/db.key"
TEGRA_UEFI_DB_CERT = "\${TEGRA_UEFI_KEYS}/db.crt"
CONF
	chmod "$public_mode" "$work/signing.conf"
	finish_folder
	cat <<TEXT
UEFI keys in $target; 'require' its signing.conf in local.conf:
  signs launcher and kernel   db.key, db.crt
  enrols and replaces keys    PK.key, KEK.key; put these away, offline
TEXT
}
