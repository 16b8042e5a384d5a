# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
#
# The machine that signs: request, install; and rsa for builds that verify plain RSA.
# shellcheck shell=bash
# All parts share the variables of the program that reads them, and `die` does not come back.
# shellcheck disable=SC2154,SC2034,SC2015

# make_request KEY FOLDER: the request, and the public key to compare with.
make_request() {
	try "openssl cannot make the request" req -new -sha256 -key "$1" -passin fd:3 \
		-out "$2/cms.csr" 3< <(printf '%s\n' "$passphrase")
	make_public "$1" "$2/cms.pub"
	chmod "$public_mode" "$2/cms.csr" "$2/cms.pub"
}

show_request() {
	cat <<TEXT
Request in $1/cms.csr; carry it to the machine with the root:
  jetson-keys issue ROOT cms.csr -o cms.pem --expect-key $(key_digest "$1/cms.pub")
and bring cms.pem back:
  jetson-keys install $1 cms.pem --anchors ca.pem
TEXT
}

lock_signer() {
	if [ -n "$plain" ]; then
		note "the key gets no passphrase: whoever can read the file can sign for every device"
	else
		new_passphrase "the new signing key"
	fi
}

run_request() {
	take_arguments 1 "DIR"
	check_name --name "$name"
	begin "${arguments[0]}"
	lock_signer
	write_config "$name"
	make_key "${type:-p256}" "$work/cms.key"
	make_request "$work/cms.key" "$work"
	finish_folder
	show_request "$target"
}

# The same key for another year: only where nothing suggests that somebody else has it.
run_renew() {
	local folder
	take_arguments 1 "DIR"
	folder=${arguments[0]%/}
	[ -f "$folder/cms.pem" ] || die "'$folder' has no certificate 'cms.pem' to renew"
	make_scratch "$folder"
	unlock "$folder/cms.key"
	[ -n "$name" ] || name=$(openssl x509 -in "$folder/cms.pem" -noout -subject \
		-nameopt multiline | sed -n 's/^ *commonName *= //p')
	check_name --name "$name"
	write_config "$name"
	make_request "$folder/cms.key" "$scratch"
	mv -- "$scratch/cms.csr" "$scratch/cms.pub" "$folder"
	show_request "$folder"
}

# same_key CERT PUBLIC: both as files.
same_key() {
	local theirs
	theirs=$(openssl x509 -in "$1" -noout -pubkey 2>/dev/null | openssl pkey -pubin -outform DER \
		2>/dev/null | openssl dgst -sha256 -r | cut -d ' ' -f 1)
	[ -n "$theirs" ] && [ "$theirs" = "$(key_digest "$2")" ]
}

run_install() {
	local folder cert
	take_arguments 2 "DIR CERTIFICATE"
	folder=${arguments[0]%/} cert=${arguments[1]}
	[ -n "$anchors" ] || die_usage "--anchors FILE is missing: the certificates that devices trust"
	[ -f "$folder/cms.key" ] && [ -f "$folder/cms.pub" ] ||
		die "'$folder' is no folder of a signing key: 'cms.key' or 'cms.pub' is missing"
	make_scratch "$folder"
	openssl x509 -in "$cert" -out "$scratch/cms.pem" 2>"$scratch/log" ||
		die "'$cert' holds no certificate in PEM: $(reason)"
	same_key "$scratch/cms.pem" "$folder/cms.pub" ||
		die "'$cert' does not belong to the key in '$folder'"
	openssl verify -CAfile "$anchors" -no-CApath -no-CAstore "$scratch/cms.pem" \
		>"$scratch/log" 2>&1 ||
		die "devices that trust '$anchors' would refuse '$cert':" \
			"$(sed -n 's/.*lookup: *//p' "$scratch/log" | head -n 1)"
	chmod "$public_mode" "$scratch/cms.pem"
	if [ -e "$folder/cms.pem" ]; then
		cp -p -- "$folder/cms.pem" "$folder/cms.pem.old-$(date -u +%Y%m%dT%H%M%SZ)"
	fi
	mv -- "$scratch/cms.pem" "$folder/cms.pem"
	rm -f -- "$folder/cms.csr"
	echo "'$folder' signs as '$(cert_name "$folder/cms.pem")' until $(cert_end "$folder/cms.pem")"
}

# Builds that verify plain RSA or RSA-PSS know one public key and nothing of certificates.
run_rsa() {
	take_arguments 1 "DIR"
	begin "${arguments[0]}"
	lock_signer
	case ${type:=rsa3072} in
	rsa3072 | rsa4096) ;;
	*) die_usage "--type '$type': expected rsa3072 or rsa4096" ;;
	esac
	make_key "$type" "$work/rsa.key"
	make_public "$work/rsa.key" "$work/rsa.pub"
	chmod "$public_mode" "$work/rsa.pub"
	finish_folder
	echo "RSA key in $target; rsa.pub goes on the device, rsa.key stays where you sign"
}
