# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
#
# check DIR, second half: keys, certificates and secrets by what they hold.
# shellcheck shell=bash
# All parts share the variables of the program that reads them, and `die` does not come back.
# shellcheck disable=SC2154,SC2034,SC2015

# Values that are printed in manuals and examples, in small letters and without spaces and 0x.
published=(
	123456789abcdef0fedcba9876543210
	123456789abcdef0fedcba987654321023456789abcdef01edcba9876543210f
	112233445566778899aabbccddeeff00
	432646294a404e635266556a586e3272357538782f413f442a472d4b61506453
	000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f
)

read_all() {
	tr -d '\000' <"$1" 2>/dev/null | head -c 4096
}

is_aes_file() {
	[[ $(read_all "$1") =~ ^[0-9a-fA-F]{32,64}\ [0-9a-fA-F]{32}[[:space:]]*$ ]]
}

# check_random FILE HEX: no example, no pattern.
check_random() {
	local hex=${2,,} word half
	for word in "${published[@]}"; do
		[ "$hex" != "$word" ] || found error published-key "$1" "is an example out of a manual"
	done
	half=${hex:0:$((${#hex} / 2))}
	if [ "$half$half" = "$hex" ]; then
		found error weak-key "$1" "repeats itself: it is not random"
	fi
}

# A certificate that is not within its dates, or soon not: check_dates FILE MARGIN-DAYS
check_dates() {
	local from
	from=$(date -u -d "$(openssl x509 -in "$1" -noout -startdate | cut -d = -f 2)" +%s)
	if [ "$from" -gt "$(date -u +%s)" ]; then
		found error not-yet-valid "$1" "begins on $(date -u -d "@$from" +%Y-%m-%d)"
	fi
	if ! openssl x509 -in "$1" -noout -checkend 0 >/dev/null; then
		found error expired "$1" "expired on $(cert_end "$1"): devices refuse what it vouches for"
	elif ! openssl x509 -in "$1" -noout -checkend $(($2 * 86400)) >/dev/null; then
		found warning expires-soon "$1" "expires on $(cert_end "$1"), in less than $2 days"
	fi
}

# check_pair KEY CERT: belong together, as far as the key can be opened.
check_pair() {
	local public=$scratch/public
	[ -f "$1" ] || return 0
	if is_locked "$1" && [ -z "$passphrase" ]; then
		found note locked "$1" "cannot be compared with '${2##*/}' without its passphrase"
		return 0
	fi
	if ! with_passphrase pkey -in "$1" -passin fd:3 -pubout -out "$public" 2>/dev/null; then
		if is_locked "$1"; then
			found error wrong-passphrase "$1" "does not open with this passphrase"
		else
			found error no-key "$1" "holds no private key in PEM"
		fi
		return 0
	fi
	check_strength "$1" "$public"
	[ -f "$2" ] || return 0
	if [[ $2 == *.pub ]]; then
		[ "$(key_digest "$2")" = "$(key_digest "$public")" ]
	else
		same_key "$2" "$public"
	fi || found error mismatch "$2" "does not belong to the key '${1##*/}'"
}

check_strength() {
	local text bits
	text=$(openssl pkey -pubin -in "$2" -noout -text 2>/dev/null)
	bits=$(sed -n 's/.*Public-Key: (\([0-9]*\) bit.*/\1/p' <<<"$text")
	if [[ $text == *Modulus* && ${bits:-0} -lt 2048 ]]; then
		found error short-key "$1" "is an RSA key of ${bits:-0} bits, which protects nothing"
	elif [[ $text == *Modulus* && ${bits:-0} -lt 3072 && $kind != uefi && $kind != boot ]]; then
		found warning short-key "$1" "is an RSA key of $bits bits; 3072 are asked for today"
	fi
}

# A production key without passphrase is the one mistake that nobody notices until it is too late.
check_lock() {
	[ -f "$1" ] || return 0
	is_locked "$1" && return 0
	if [ -n "$development" ] && [ -z "$production" ]; then
		return 0
	fi
	if [ "${1##*/}" = ca.key ] || [ -z "$plain" ]; then
		found error no-passphrase "$1" "is a production key without a passphrase"
	fi
}

check_ca() {
	local path=$1 basic
	[ -f "$path" ] || { found error missing "$path" "is missing"; return 0; }
	openssl x509 -in "$path" -noout 2>/dev/null ||
		{ found error no-certificate "$path" "holds no certificate in PEM"; return 0; }
	basic=$(openssl x509 -in "$path" -noout -ext basicConstraints 2>/dev/null || true)
	[[ $basic == *CA:TRUE* ]] ||
		found error no-authority "$path" "is no authority's certificate (CA:TRUE)"
	check_dates "$path" 365
}

check_purpose() {
	local path=$1 usage
	usage=$(openssl x509 -in "$path" -noout -ext keyUsage,extendedKeyUsage,basicConstraints \
		2>/dev/null || true)
	[[ $usage != *CA:TRUE* ]] ||
		found error signer-is-authority "$path" "is that of an authority; sign with one that can do nothing else"
	if [[ $usage == *"Extended Key Usage"* && $usage != *"E-mail Protection"* ]]; then
		if [[ $usage == *"Code Signing"* ]]; then
			found warning code-signing-only "$path" \
				"is for codeSigning alone: devices must run with --cert-purpose codeSigning"
		else
			found error wrong-purpose "$path" "is not for signing updates: expected emailProtection"
		fi
	fi
	[[ $usage != *"X509v3 Key Usage"* || $usage == *"Digital Signature"* ]] ||
		found error wrong-purpose "$path" "may not sign: key usage digitalSignature is missing"
}

check_signer() {
	local path=$1 trust=${anchors:-$folder/ca.pem}
	if [ ! -f "$path" ]; then
		[ ! -f "$folder/cms.csr" ] || found note waiting "$folder/cms.csr" "waits for its certificate"
		return 0
	fi
	openssl x509 -in "$path" -noout 2>/dev/null ||
		{ found error no-certificate "$path" "holds no certificate in PEM"; return 0; }
	check_dates "$path" "$margin"
	check_purpose "$path"
	if [ ! -f "$trust" ]; then
		found warning no-anchors "$path" "is compared with nothing: give --anchors, what devices trust"
	elif ! openssl verify -no_check_time -CAfile "$trust" -no-CApath -no-CAstore "$path" \
		>/dev/null 2>&1; then
		found error untrusted "$path" "is not trusted by devices that have '$trust'"
	fi
}

check_crl() {
	local end
	[ -f "$folder/crl.pem" ] || return 0
	if ! openssl crl -in "$folder/crl.pem" -CAfile "$folder/ca.pem" -noout >"$scratch/log" 2>&1 ||
		! grep -q "verify OK" "$scratch/log"; then
		found error bad-crl "$folder/crl.pem" "is no list that 'ca.pem' signed"
		return 0
	fi
	end=$(date -u -d "$(openssl crl -in "$folder/crl.pem" -noout -nextupdate | cut -d = -f 2)" +%s)
	[ "$end" -gt "$(date -u +%s)" ] ||
		found warning old-crl "$folder/crl.pem" "ended on $(date -u -d "@$end" +%Y-%m-%d): make a new one"
}

# What was handed out and is not in the list can never be revoked.
check_issued() {
	local path serial
	for path in "$folder"/issued/*.pem; do
		[ -f "$path" ] || continue
		serial=$(openssl x509 -in "$path" -noout -serial 2>/dev/null | cut -d = -f 2)
		grep -q "	${serial:-none}	" "$folder/index.txt" 2>/dev/null ||
			found warning not-listed "$path" "is not in index.txt: issuing was cut short, issue it again"
	done
}

check_aes() {
	local path
	while IFS= read -r -d '' path; do
		if [[ $(read_all "$path") =~ ^([0-9a-fA-F]{64})\ ([0-9a-fA-F]{32})[[:space:]]*$ ]]; then
			check_random "$path" "${BASH_REMATCH[1]}"
		else
			found error aes-form "$path" \
				"is no AES-256 key: expected 64 hexadecimal digits, a space and 32 more"
		fi
	done < <(find "$folder" -maxdepth 1 -type f -name '*aes*' ! -name '*.old-*' -print0)
}

check_device() {
	local path
	while IFS= read -r -d '' path; do
		grep -qs -- '-----BEGIN CERTIFICATE-----' "$path" || continue
		rm -f -- "$scratch"/anchor.*
		awk -v stem="$scratch/anchor." '/^-----BEGIN CERTIFICATE-----/ { n++; on = 1 }
			on { print >(stem n) } /^-----END CERTIFICATE-----/ { on = 0; close(stem n) }' "$path"
		check_bundle "$path"
	done < <(find "$folder" -maxdepth 1 -type f -print0)
}

# Each certificate of a device's bundle; a root that ends takes all its signers along.
check_bundle() {
	local one
	for one in "$scratch"/anchor.*; do
		if ! openssl x509 -in "$one" -noout 2>/dev/null; then
			found error no-certificate "$1" "holds something that is no certificate"
		elif [[ $(openssl x509 -in "$one" -noout -ext basicConstraints 2>/dev/null) != *CA:TRUE* ]]; then
			found error no-authority "$1" "trusts '$(cert_name "$one")', which is no authority"
		elif ! openssl x509 -in "$one" -noout -checkend 0 >/dev/null; then
			found warning expired "$1" "trusts '$(cert_name "$one")', which expired on $(cert_end "$one")"
		fi
		[[ -z $production || $(cert_name "$one") != *"not for production"* ]] ||
			found error development-key "$1" "trusts '$(cert_name "$one")'"
	done
}

check_hex() {
	local path=$1 digits=$2 text
	[ -f "$path" ] || { found error missing "$path" "is missing"; return 0; }
	text=$(read_all "$path" | tr -d '\n')
	text=${text#0[xX]}
	if [[ ! $text =~ ^[0-9a-fA-F]+$ || ${#text} -ne $digits ]]; then
		found error key-size "$path" "has ${#text} characters, $soc takes $digits hexadecimal digits"
	else
		check_random "$path" "$text"
	fi
}

check_sbk() {
	local path=$folder/sbk.key words word text=
	[ -f "$path" ] || { found error missing "$path" "is missing"; return 0; }
	read -ra words < <(read_all "$path" | tr '\n' ' ') || true
	for word in "${words[@]}"; do
		[[ $word =~ ^(0[xX])?[0-9a-fA-F]{8}$ ]] && text+=${word#0[xX]}
	done
	if [ "${#words[@]}" -ne "$sbk_words" ] || [ "${#text}" -ne $((sbk_words * 8)) ]; then
		found error key-size "$path" \
			"expected $sbk_words words like 0x12ab34cd, $soc takes $((sbk_words * 32)) bits"
	else
		check_random "$path" "$text"
	fi
}

pkc_kind() {
	local text
	text=$(openssl pkey -in "$1" -passin pass: -noout -text_pub 2>/dev/null || true)
	case $text in
	*"P-256"*) echo p256 ;;
	*"P-521"*) echo p521 ;;
	*Modulus*) echo "rsa$(sed -n 's/.*Public-Key: (\([0-9]*\) bit.*/\1/p' <<<"$text")" ;;
	*) echo "no key" ;;
	esac
}

check_boot() {
	local path entry found_kind
	[ -n "$soc" ] || soc=$(tr -cd 'a-z0-9' 2>/dev/null <"$folder/soc" || true)
	soc_table "${soc:-none}" ||
		{ found error no-soc "$folder/soc" "says no SoC: give --soc t186, t194, t234 or t264"; return 0; }
	path=
	for path in "$folder"/pkc*.pem; do
		[ -f "$path" ] || { found error missing "$folder/pkc.pem" "is missing"; continue; }
		found_kind=$(pkc_kind "$path")
		[[ " $pkc_kinds " == *" $found_kind "* ]] ||
			found error key-size "$path" "is $found_kind, $soc takes ${pkc_kinds// /, }"
		grep -qE -- '-----BEGIN (RSA|EC) PRIVATE KEY-----' "$path" ||
			found warning key-form "$path" "is not in PKCS#1 or SEC1 form, which older signing tools want"
		check_pair "$path" "${path%.pem}.pub"
	done
	check_sbk
	for entry in $fuse_keys; do
		check_hex "$folder/${entry%:*}.key" $((${entry#*:} * 2))
	done
	if [[ $fuse_keys == *kek0* ]] && [ -f "$folder/kek256.key" ]; then
		[ "$(cat -- "$folder/kek0.key" "$folder/kek1.key" 2>/dev/null | tr -d '\n')" = \
			"$(tr -d '\n' <"$folder/kek256.key")" ] ||
			found error kek256 "$folder/kek256.key" "is not kek0.key followed by kek1.key"
	fi
}

check_uefi() {
	local word
	for word in PK KEK db; do
		if [ ! -f "$folder/$word.key" ] || [ ! -f "$folder/$word.crt" ]; then
			found error missing "$folder/$word.key" "or its certificate is missing"
			continue
		fi
		check_pair "$folder/$word.key" "$folder/$word.crt"
		check_dates "$folder/$word.crt" "$margin"
	done
}

# Names say what development keys are.
is_development() {
	local path
	for path in "$folder/ca.pem" "$folder/cms.pem"; do
		if [ -f "$path" ] && [[ $(cert_name "$path") == *"not for production"* ]]; then
			[ -z "$production" ] ||
				found error development-key "$path" "says 'not for production' in its name"
			development=yes
		fi
	done
}

check_content() {
	development=
	case $kind in
	root | signing | development)
		is_development
		[ "$kind" = signing ] || check_ca "$folder/ca.pem"
		check_pair "$folder/ca.key" "$folder/ca.pem"
		check_pair "$folder/cms.key" "$([ -f "$folder/cms.pem" ] && echo "$folder/cms.pem" ||
			echo "$folder/cms.pub")"
		check_pair "$folder/rsa.key" "$folder/rsa.pub"
		for path in "$folder/ca.key" "$folder/cms.key" "$folder/rsa.key"; do
			check_lock "$path"
		done
		check_signer "$folder/cms.pem"
		check_crl
		check_issued
		if [ "$kind" = development ] && [ -z "$development" ]; then
			found error root-online "$folder/ca.key" "is beside a signing key: a root belongs offline"
		fi
		;;
	boot) check_boot ;;
	uefi) check_uefi ;;
	device) check_device ;;
	aes) ;;
	*) found error unknown "$folder" "is no folder of keys that this program knows" ;;
	esac
	[ "$kind" = boot ] || check_aes
}
