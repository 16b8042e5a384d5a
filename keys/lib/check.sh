# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
#
# check DIR: who can read what, then what it says. Findings first, one sentence each.
# shellcheck shell=bash
# All parts share the variables of the program that reads them, and `die` does not come back.
# shellcheck disable=SC2154,SC2034,SC2015

severities=() codes=() files=() texts=() errors=0

# found error|warning|note CODE FILE SENTENCE
found() {
	severities+=("$1") codes+=("$2") files+=("$3") texts+=("$4")
	if [ "$1" = error ]; then
		errors=$((errors + 1))
	fi
}

# Names of files come from anybody: nothing in them reaches a terminal or JSON as it is.
plain_text() {
	printf '%s' "${1//[^[:print:]]/?}"
}

json_text() {
	local text
	text=$(plain_text "$1")
	text=${text//\\/\\\\}
	printf '"%s"' "${text//\"/\\\"}"
}

report_json() {
	local i
	printf '{"folder":%s,"kind":"%s","good":%s,"findings":[' "$(json_text "$folder")" "$kind" \
		"$([ "$errors" -eq 0 ] && echo true || echo false)"
	for i in "${!texts[@]}"; do
		[ "$i" -eq 0 ] || printf ','
		printf '\n{"severity":"%s","code":"%s","file":%s,"text":%s}' "${severities[i]}" \
			"${codes[i]}" "$(json_text "${files[i]}")" "$(json_text "${texts[i]}")"
	done
	printf ']}\n'
}

report_lines() {
	local i
	for i in "${!texts[@]}"; do
		printf '%s: %s: %s\n' "${severities[i]}" "$(plain_text "${files[i]}")" \
			"$(plain_text "${texts[i]}")"
	done
	if [ "$errors" -eq 0 ]; then
		echo "'$(plain_text "$folder")' ($kind) is as it should be"
	else
		echo "'$(plain_text "$folder")' ($kind): $errors errors"
	fi
}

is_private() {
	case ${1##*/} in
	*.key | *.key.old-* | sbk* | kek* | oem_k*) return 0 ;;
	esac
	grep -qsa -e 'PRIVATE KEY-----' -- "$1"
}

check_mode() {
	local path=$1 mode owner links
	read -r mode owner links < <(stat -c '%a %u %h' -- "$path")
	if [ "$owner" != "$(id -u)" ] && [ "$owner" != 0 ]; then
		found error owner "$path" "belongs to user $owner, expected you ($(id -u)) or root"
	fi
	if [ $((8#$mode & 8#022)) -ne 0 ]; then
		found error writable "$path" "others than its owner can write it (mode $mode)"
	fi
	is_private "$path" || return 0
	if [ $((8#$mode & 8#077)) -ne 0 ]; then
		found error readable "$path" "is private and has mode $mode: chmod 0600"
	fi
	if [ "$links" -gt 1 ]; then
		found warning second-name "$path" "has $links names: the others may be in the open"
	fi
	if [ -n "$device" ] && ! is_aes_file "$path"; then
		found error private-on-device "$path" "is a private key in a place meant for a device"
	fi
}

check_folder_mode() {
	local path=$1 mode owner
	read -r mode owner < <(stat -c '%a %u' -- "$path")
	if [ "$owner" != "$(id -u)" ] && [ "$owner" != 0 ]; then
		found error owner "$path" "belongs to user $owner, expected you ($(id -u)) or root"
	fi
	if [ $((8#$mode & 8#022)) -ne 0 ]; then
		found error writable "$path" "others than its owner can change this folder (mode $mode)"
	elif [ -z "$device" ] && [ $((8#$mode & 8#077)) -ne 0 ]; then
		found error readable "$path" "is a folder of private keys with mode $mode: chmod 0700"
	fi
}

# A key that git knows is a key that everybody has.
check_git() {
	local path=$1 place=${1%/*}
	[ -n "$in_git" ] && is_private "$path" || return 0
	if git -C "$place" ls-files --error-unmatch -- "${path##*/}" >/dev/null 2>&1; then
		found error in-git "$path" "is a private key and committed: it is public, make a new one"
	elif ! git -C "$place" check-ignore -q -- "${path##*/}" 2>/dev/null; then
		found warning not-ignored "$path" "is in a git work tree and not ignored: 'git add' takes it"
	fi
}

walk() {
	local path
	in_git=
	if command -v git >/dev/null &&
		[ "$(git -C "$folder" rev-parse --is-inside-work-tree 2>/dev/null)" = true ]; then
		in_git=yes
	fi
	while IFS= read -r -d '' path; do
		if [ -L "$path" ]; then
			found warning symlink "$path" "is a symbolic link: what it names is not looked at"
		elif [ -d "$path" ]; then
			check_folder_mode "$path"
			[[ ${path##*/} != .jetson-keys.* ]] ||
				found warning left-over "$path" "is left from a run that was killed: remove it"
		elif [ -f "$path" ]; then
			check_mode "$path"
			check_git "$path"
			[[ ${path##*/} != *.key.old-* ]] ||
				found note old-key "$path" "is an old key: put it away once nothing needs it"
		else
			found error strange-file "$path" "is neither file nor folder"
		fi
	done < <(find "$folder" -xdev -print0)
}

kind_of() {
	if [ -n "$device" ]; then
		kind=device
	elif [ -e "$folder/ca.key" ] && [ -e "$folder/cms.key" ]; then
		kind=development
	elif [ -e "$folder/ca.key" ]; then
		kind=root
	elif [ -e "$folder/cms.key" ] || [ -e "$folder/rsa.key" ]; then
		kind=signing
	elif [ -e "$folder/sbk.key" ] || [ -e "$folder/pkc.pem" ] || [ -e "$folder/soc" ]; then
		kind=boot
	elif [ -e "$folder/PK.key" ] || [ -e "$folder/db.key" ]; then
		kind=uefi
	elif [ -n "$(find "$folder" -maxdepth 1 -name '*aes*' -print -quit)" ]; then
		kind=aes
	else
		kind=unknown
	fi
}

run_check() {
	take_arguments 1 "DIR"
	folder=${arguments[0]%/}
	check_days --margin "${margin:=30}"
	[ -d "$folder" ] && [ ! -L "$folder" ] || die "'$folder' is no folder"
	[ -r "$folder" ] && [ -x "$folder" ] || die "'$folder' cannot be read"
	make_scratch "${TMPDIR:-/tmp}"
	if [ -n "$passphrase_file$passphrase_env" ]; then
		known_passphrase "$folder"
	fi
	kind_of
	walk
	check_content
	if [ -n "$json" ]; then
		report_json
	else
		report_lines
	fi
	[ "$errors" -eq 0 ]
}
