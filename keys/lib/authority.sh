# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
#
# The authority on the machine that has no network: root, issue, revoke, crl.
# shellcheck shell=bash
# All parts share the variables of the program that reads them, and `die` does not come back.
# shellcheck disable=SC2154,SC2034,SC2015

root_days=7305
# A year, and a month in which the next one takes over.
signer_days=397
crl_days=397
# A device's clock may be some hours behind, and starts at the time of its image's build.
backdate="1 day ago"

# self_sign KEY CERT DAYS: the one certificate that nobody else signs. `openssl req` of version 3.0
# cannot choose the first day, its small authority can.
self_sign() {
	try "openssl cannot make the request" req -new -sha256 -key "$1" -passin fd:3 \
		-out "$scratch/ca.csr" 3< <(printf '%s\n' "$passphrase")
	: >"$scratch/index.txt"
	(
		cd -- "$scratch" || exit
		with_passphrase ca -batch -notext -selfsign -name authority -extensions ca_ext \
			-keyfile "$1" -passin fd:3 -startdate "$(openssl_date "$backdate")" \
			-enddate "$(openssl_date "+$3 days")" -in ca.csr -out ca.pem 2>log
	) || die "openssl cannot make the authority: $(reason)"
	mv -- "$scratch/ca.pem" "$2"
}

run_root() {
	take_arguments 1 "DIR"
	check_name --name "$name"
	[ -z "$plain" ] || die_usage "a root has a passphrase, always"
	check_days --days "${days:=$root_days}"
	begin "${arguments[0]}"
	new_passphrase "the new root"
	write_config "$name"
	make_key "${type:-p384}" "$work/ca.key"
	self_sign "$(realpath -- "$work/ca.key")" "$work/ca.pem" "$days"
	mkdir "$work/issued"
	: >"$work/index.txt"
	echo 01 >"$work/crlnumber"
	make_crl "$work" "$work"
	chmod "$public_mode" "$work/ca.pem" "$work/crl.pem"
	finish_folder
	cat <<TEXT
Root '$name' in $target, valid until $(cert_end "$target/ca.pem"):
  on every device  ca.pem, in the bundle of trusted certificates (jetson-keys anchors)
  never leaves     ca.key and this folder; keep two copies in two places, offline
sha256 of ca.pem:  $(cert_digest "$target/ca.pem")
TEXT
}

# open_root DIR: checks it and gets the passphrase; a scratch folder inside it, on the same disk.
open_root() {
	root=${1%/}
	for path in ca.key ca.pem index.txt crlnumber; do
		[ -f "$root/$path" ] || die "'$root' is no folder of a root: '$path' is missing"
	done
	make_scratch "$root"
	# Two at once would lose one entry of the list of issued certificates.
	exec 9<"$root/index.txt"
	flock -n 9 || die "'$root' is in use by another run"
	unlock "$root/ca.key"
	cp -- "$root/index.txt" "$root/crlnumber" "$scratch"
}

# in_root ARG...: the small authority, on copies of the lists.
in_root() {
	local key cert
	key=$(realpath -- "$root/ca.key") cert=$(realpath -- "$root/ca.pem")
	(
		cd -- "$scratch" || exit
		with_passphrase ca -batch -name authority -keyfile "$key" -cert "$cert" -passin fd:3 \
			"$@" 2>log
	)
}

# make_crl ROOT OUT: a new list; the number goes up with it.
make_crl() {
	root=$1
	[ -e "$scratch/index.txt" ] && [ -e "$scratch/crlnumber" ] ||
		cp -- "$root/index.txt" "$root/crlnumber" "$scratch"
	in_root -gencrl -crlexts crl_ext -crldays "${crl_days_wanted:-$crl_days}" -out crl.pem ||
		die "openssl cannot make the list of revoked certificates: $(reason)"
	chmod "$public_mode" "$scratch/crl.pem"
	mv -- "$scratch/crl.pem" "$2/crl.pem"
	mv -- "$scratch/crlnumber" "$2/crlnumber"
}

# A request comes from a stick: nothing in it is taken over but name and public key.
check_request() {
	local path=$1 bits kind
	[ -f "$path" ] || die "'$path' is no file with a request"
	openssl req -in "$path" -noout -verify >"$scratch/log" 2>&1 || true
	# By its words: a signature that does not fit leaves the exit code at 0.
	grep -q "verify OK" "$scratch/log" ||
		die "'$path' is no request that its own key signed: $(reason)"
	openssl req -in "$path" -noout -pubkey >"$scratch/pub" 2>"$scratch/log"
	kind=$(openssl pkey -pubin -in "$scratch/pub" -noout -text)
	bits=$(sed -n 's/.*Public-Key: (\([0-9]*\) bit.*/\1/p' <<<"$kind")
	case $kind in
	*"NIST CURVE: P-256"* | *"NIST CURVE: P-384"* | *"NIST CURVE: P-521"*) ;;
	*Modulus*)
		[ "${bits:-0}" -ge 3072 ] ||
			die "the RSA key of '$path' has ${bits:-0} bits, at least 3072 are asked for"
		;;
	*) die "the key of '$path' is of a kind that SWUpdate does not verify in CMS;" \
		"expected RSA or P-256, P-384, P-521" ;;
	esac
	digest=$(key_digest "$scratch/pub")
	if [ -n "$expect_key" ] && [ "${expect_key,,}" != "$digest" ]; then
		die "'$path' is not the expected request: sha256 of its key is $digest"
	fi
}

purposes_of() {
	case ${1:-both} in
	both) purposes="emailProtection, codeSigning" ;;
	emailProtection | codeSigning) purposes=$1 ;;
	*) die_usage "--purpose '$1': expected emailProtection, codeSigning or both" ;;
	esac
}

run_issue() {
	local from until serial
	take_arguments 2 "ROOT REQUEST"
	[ -n "$output" ] || die_usage "-o CERTIFICATE is missing"
	[ ! -e "$output" ] && [ ! -L "$output" ] || die "'$output' exists already"
	check_days --days "${days:=$signer_days}"
	purposes_of "$purpose"
	from=$(date -u -d "${from_date:-$backdate}" +%s 2>/dev/null) ||
		die_usage "--from '$from_date' is no date, expected YYYY-MM-DD"
	until=$(($(date -u -d "${from_date:-now}" +%s) + days * 86400))
	open_root "${arguments[0]}"
	check_request "${arguments[1]}"
	[ "$until" -le "$(date -u -d "$(openssl x509 -in "$root/ca.pem" -noout -enddate |
		cut -d = -f 2)" +%s)" ] ||
		die "the certificate would outlive the root, which ends on $(cert_end "$root/ca.pem");" \
			"give fewer --days, or make the next root"
	cp -- "${arguments[1]}" "$scratch/request"
	write_config unused
	in_root -notext -extensions signer_ext -startdate "$(openssl_date "@$from")" \
		-enddate "$(openssl_date "@$until")" -in request -out cert.pem ||
		die "openssl cannot issue the certificate: $(reason)"
	try "the new certificate does not verify" verify -no_check_time -CAfile "$root/ca.pem" \
		"$scratch/cert.pem" >/dev/null
	serial=$(openssl x509 -in "$scratch/cert.pem" -noout -serial | cut -d = -f 2)
	chmod "$public_mode" "$scratch/cert.pem"
	mkdir -p -- "$root/issued"
	# First in the list, then handed out: nothing is ever valid that could not be revoked.
	cp -p -- "$scratch/cert.pem" "$root/issued/$serial.pem"
	mv -- "$scratch/index.txt" "$root/index.txt"
	cp -p -- "$scratch/cert.pem" "$output" || die "cannot write '$output'"
	cat <<TEXT
Issued '$(cert_name "$output")', serial $serial, until $(cert_end "$output"): $output
sha256 of its key: $digest
TEXT
}

run_revoke() {
	local serial
	take_arguments 2 "ROOT CERTIFICATE"
	case ${reason_word:=keyCompromise} in
	keyCompromise | superseded | cessationOfOperation | unspecified) ;;
	*) die_usage "--reason '$reason_word': expected keyCompromise, superseded," \
		"cessationOfOperation or unspecified" ;;
	esac
	[ -z "$days" ] || check_days --days "$days"
	open_root "${arguments[0]}"
	[ -f "${arguments[1]}" ] || die "'${arguments[1]}' is no file with a certificate"
	write_config unused
	cp -- "${arguments[1]}" "$scratch/cert.pem"
	try "'${arguments[1]}' was not issued by '$root'" verify -no_check_time -partial_chain \
		-CAfile "$root/ca.pem" "$scratch/cert.pem" >/dev/null
	in_root -revoke cert.pem -crl_reason "$reason_word" || {
		grep -q "Already revoked" "$scratch/log" && die "'${arguments[1]}' is revoked already"
		die "openssl cannot revoke '${arguments[1]}': $(reason)"
	}
	# First what is remembered, then what is made of it: a list that is missing can be made again.
	cp -- "$scratch/index.txt" "$scratch/index.new"
	mv -- "$scratch/index.new" "$root/index.txt"
	crl_days_wanted=$days
	make_crl "$root" "$root"
	serial=$(openssl x509 -in "${arguments[1]}" -noout -serial | cut -d = -f 2)
	cat <<TEXT
Revoked serial $serial; the list is $root/crl.pem.
SWUpdate looks at no list: devices go on trusting this certificate until it expires or its root is
taken out of their bundle. See "When a signing key is lost" in README.md.
TEXT
}

run_crl() {
	take_arguments 1 "ROOT"
	[ -z "$days" ] || check_days --days "$days"
	open_root "${arguments[0]}"
	write_config unused
	crl_days_wanted=$days
	make_crl "$root" "$root"
	echo "New list of revoked certificates: $root/crl.pem"
}
