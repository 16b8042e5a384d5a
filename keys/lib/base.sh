# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
#
# What every command stands on: sentences, work folders that vanish, passphrases, keys.
# shellcheck shell=bash
# All parts share the variables of the program that reads them, and `die` does not come back.
# shellcheck disable=SC2154,SC2034,SC2015

iterations=600000
passphrase_min=12
# What a public key file, a certificate and a folder may show to others.
public_mode=0644

# Names may come from anybody: one line, and nothing that a terminal obeys.
note() {
	local text=$*
	printf 'jetson-keys %s: %s\n' "$command" "${text//[^[:print:]]/?}" >&2
}

die() {
	note "$*"
	exit 1
}

die_usage() {
	note "$*; see --help"
	exit 2
}

need_openssl() {
	case $(openssl version 2>/dev/null || true) in
	"OpenSSL 3."*) ;;
	"") die "openssl is missing: install Debian's package 'openssl'" ;;
	*) die "openssl 3 is needed, found: $(openssl version)" ;;
	esac
}

# Folders that go away at the end, whatever the end is. Below the place where the result belongs, so
# that it gets its name by a rename and nobody ever finds half of it.
work='' scratch='' target='' temporary=()

# make_scratch FOLDER: absolute, because the authority changes into it.
make_scratch() {
	scratch=$(mktemp -d -- "$(realpath -- "$1")/.jetson-keys.XXXXXX" 2>/dev/null) ||
		die "cannot write in '$1'"
	temporary+=("$scratch")
}

forget() {
	local path
	for path in "${temporary[@]}"; do
		rm -rf -- "$path"
	done
}

watch_out() {
	trap forget EXIT
	trap 'exit 129' HUP
	trap 'exit 130' INT
	trap 'exit 143' TERM
}

# What stands there already stays, unless --force: then it is kept under another name.
refuse_existing() {
	[ ! -L "$1" ] || die "'$1' is a symbolic link; name the place itself"
	[ -e "$1" ] || return 0
	[ -z "$force" ] || return 0
	if [ -d "$1" ] && [ -z "$(ls -A -- "$1")" ]; then
		return 0
	fi
	die "'$1' exists already and keys are never overwritten; name another place, or give --force," \
		"which keeps the old as '$1.old-TIME'"
}

# Open a work folder beside the target. $work becomes the target, $scratch is dropped with it.
begin() {
	local parent
	target=${1%/}
	[ -n "$target" ] || die "'$1' is no place for keys"
	refuse_existing "$target"
	parent=$(dirname -- "$target")
	mkdir -p -- "$parent" 2>/dev/null || die "cannot make the folder '$parent'"
	make_scratch "$parent"
	work=$scratch scratch=$scratch/.scratch
	mkdir "$scratch"
}

keep_old() {
	local old
	[ -e "$1" ] || return 0
	if [ -d "$1" ] && rmdir -- "$1" 2>/dev/null; then
		return 0
	fi
	old=$1.old-$(date -u +%Y%m%dT%H%M%SZ)
	mv -nT -- "$1" "$old" && [ ! -e "$1" ] || die "cannot keep '$1' as '$old'"
	note "the old '$1' is kept as '$old'"
}

finish_folder() {
	rm -rf -- "$scratch"
	sync -f -- "$work" 2>/dev/null || true
	keep_old "$target"
	mv -T -- "$work" "$target" || die "cannot put the keys into '$target'"
}

# finish_file NAME: of the work folder only this file stays.
finish_file() {
	sync -- "$work/$1" 2>/dev/null || true
	if [ -n "$force" ]; then
		keep_old "$target"
	fi
	# A link fails where a rename would replace what came meanwhile.
	ln -T -- "$work/$1" "$target" 2>/dev/null || die "cannot make '$target'"
}

# Of what openssl wrote, its reason alone.
reason() {
	local text
	text=$(sed -n 's/.*error:[^:]*:[^:]*:[^:]*:\([^:]*\).*/\1/p' "$scratch/log" | head -n 1)
	printf '%s' "${text:-$(tail -n 1 "$scratch/log")}"
}

# Run openssl quietly; its failure is a sentence: try "what failed" ARG...
try() {
	local what=$1
	shift
	openssl "$@" 2>"$scratch/log" || die "$what: $(reason)"
}

# A passphrase never stands in an argument, in our environment or in a file of ours: openssl reads it
# from descriptor 3, out of a pipe that a builtin fills.
passphrase=

read_passphrase_file() {
	[ -f "$1" ] || die "'$1' is no file with a passphrase"
	IFS= read -r passphrase <"$1" || [ -n "$passphrase" ] || die "the first line of '$1' is empty"
	passphrase=${passphrase%$'\r'}
	[ -n "$passphrase" ] || die "the first line of '$1' is empty"
}

ask() {
	local answer
	{ exec 4<>/dev/tty; } 2>/dev/null ||
		die "a passphrase is needed and there is no terminal to ask at;" \
			"give --passphrase-file or --passphrase-env"
	# As a function of its own shell's builtin: not echoed, and the terminal is put right after it.
	IFS= read -rs -u 4 -p "$1: " answer 2>/dev/tty || die "no passphrase was given"
	echo >&4
	exec 4>&-
	passphrase=$answer
}

# known_passphrase WHAT: of a key that has one.
known_passphrase() {
	if [ -n "$passphrase_file" ]; then
		read_passphrase_file "$passphrase_file"
	elif [ -n "$passphrase_env" ]; then
		passphrase=$passphrase_word
		[ -n "$passphrase" ] || die "the environment variable $passphrase_env is not set"
	else
		ask "Passphrase for $1"
	fi
}

new_passphrase() {
	local first
	known_passphrase "$1"
	if [ "${#passphrase}" -lt "$passphrase_min" ]; then
		die "the passphrase has ${#passphrase} characters, at least $passphrase_min are asked for"
	fi
	if [ -z "$passphrase_file$passphrase_env" ]; then
		first=$passphrase
		ask "Once more"
		[ "$first" = "$passphrase" ] || die "the two passphrases differ"
	fi
}

is_locked() {
	grep -q -e '^-----BEGIN ENCRYPTED PRIVATE KEY' -e '^Proc-Type: 4,ENCRYPTED' -- "$1"
}

# with_passphrase ARG...: openssl with the passphrase on descriptor 3.
with_passphrase() {
	openssl "$@" 3< <(printf '%s\n' "$passphrase")
}

# unlock KEY: have its passphrase, and know that it is the right one.
unlock() {
	[ -f "$1" ] || die "'$1' is missing"
	if is_locked "$1"; then
		known_passphrase "$1"
	fi
	with_passphrase pkey -in "$1" -passin fd:3 -noout 2>"$scratch/log" || {
		is_locked "$1" && die "the passphrase for '$1' is not the right one"
		die "'$1' holds no private key in PEM: $(reason)"
	}
}

key_options() {
	case $1 in
	p256) how=(-algorithm EC -pkeyopt ec_paramgen_curve:P-256) ;;
	p384) how=(-algorithm EC -pkeyopt ec_paramgen_curve:P-384) ;;
	p521) how=(-algorithm EC -pkeyopt ec_paramgen_curve:P-521) ;;
	rsa2048 | rsa3072 | rsa4096) how=(-algorithm RSA -pkeyopt "rsa_keygen_bits:${1#rsa}") ;;
	*) die_usage "key type '$1' is not known" ;;
	esac
}

# make_key TYPE FILE: locked with $passphrase unless that is empty. The clear key is only in a pipe.
make_key() {
	local how
	key_options "$1"
	if [ -z "$passphrase" ]; then
		try "openssl cannot make a key" genpkey -quiet "${how[@]}" -out "$2"
		return
	fi
	openssl genpkey -quiet "${how[@]}" 2>"$scratch/log" |
		with_passphrase pkcs8 -topk8 -v2 aes-256-cbc -v2prf hmacWithSHA256 -iter "$iterations" \
			-passout fd:3 -out "$2" 2>>"$scratch/log" || die "openssl cannot make a key: $(reason)"
}

# make_public KEY FILE
make_public() {
	with_passphrase pkey -in "$1" -passin fd:3 -pubout -out "$2" 2>"$scratch/log" ||
		die "openssl cannot write the public key: $(reason)"
}

# sha256 of a public key in DER, what two people compare at the telephone.
key_digest() {
	openssl pkey -pubin -in "$1" -outform DER 2>/dev/null | openssl dgst -sha256 -r | cut -d ' ' -f 1
}

cert_digest() {
	openssl x509 -in "$1" -noout -fingerprint -sha256 2>/dev/null | cut -d = -f 2
}

cert_name() {
	openssl x509 -in "$1" -noout -subject -nameopt RFC2253,sep_comma_plus_space 2>/dev/null |
		sed 's/^subject=//'
}

cert_end() {
	date -u -d "$(openssl x509 -in "$1" -noout -enddate | cut -d = -f 2)" +%Y-%m-%d
}

# Into a configuration of openssl go only names that mean nothing to it.
check_name() {
	[[ $2 =~ ^[A-Za-z0-9][A-Za-z0-9\ ._()+-]{0,62}$ ]] ||
		die_usage "$1 '$2': expected 1 to 63 letters, digits, spaces and . _ ( ) + -"
}

check_days() {
	[[ $2 =~ ^[1-9][0-9]{0,4}$ ]] || die_usage "$1 '$2': expected a number from 1 to 99999"
}

# openssl_date TEXT: as its configuration wants a date.
openssl_date() {
	date -u -d "$1" +%Y%m%d%H%M%SZ
}

# The machine's own openssl.cnf may add extensions or name other defaults. The authority works in its
# own folder: no path of the user's ever becomes text for openssl to expand.
write_config() {
	local name=$1 unit=${2-}
	cat >"$scratch/openssl.cnf" <<CONFIG
[req]
prompt = no
string_mask = utf8only
distinguished_name = name
[name]
O = ${organisation:-swupdate-jetson}
${unit:+OU = $unit}
CN = $name
[ca]
default_ca = authority
[authority]
database = index.txt
new_certs_dir = .
crlnumber = crlnumber
rand_serial = yes
default_md = sha256
unique_subject = no
copy_extensions = none
email_in_dn = no
string_mask = utf8only
policy = any
[any]
organizationName = optional
organizationalUnitName = optional
commonName = supplied
[ca_ext]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid:always
[signer_ext]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = ${purposes:-emailProtection, codeSigning}
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid:always
[crl_ext]
authorityKeyIdentifier = keyid:always
CONFIG
	export OPENSSL_CONF="$scratch/openssl.cnf"
}
