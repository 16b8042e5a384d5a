# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
# shellcheck shell=sh
#
# Sourced by the scripts beside it: messages, hashes, locks and a private package index. The private
# index lives in one folder, has its own empty package status and never touches what the machine
# itself has installed, so an ordinary user can look up sources and packages of another architecture.

top=$(cd "$(dirname "$0")/.." && pwd)
build_dir=${JOTA_BUILD:-$top/build}
# shellcheck disable=SC2034 # for the scripts that source this
cache_dir=${JOTA_CACHE:-$build_dir/cache}
debian_keyring=/usr/share/keyrings/debian-archive-keyring.gpg

say() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
}

die() {
	say "$*"
	exit 1
}

sha256_of() {
	sha256sum "$1" | cut -d' ' -f1
}

# pinned_sha256 NAME: the digest that deps/pins.txt records for a downloaded file.
pinned_sha256() {
	awk -v name="$1" '$1 !~ /^#/ && $2 == name { print $1; found = 1 } END { exit !found }' \
		"$top/deps/pins.txt" || die "no digest for '$1' in deps/pins.txt"
}

# One instance at a time per name; the lock goes away with the process.
lock_once() {
	mkdir -p "$build_dir"
	exec 9>"$build_dir/.lock-$1"
	flock 9
}

# bookworm_sources TYPE: the machine's own Debian 12 package sources as lines of TYPE (deb, deb-src).
# Other vendors' sources are left out; Debian's own keys are demanded whatever the machine trusts.
bookworm_sources() {
	[ -r "$debian_keyring" ] || die "'$debian_keyring' is missing: install debian-archive-keyring"
	# apt fills these fields in, not the shell.
	# shellcheck disable=SC2016
	apt-get indextargets --no-release-info \
		--format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
		awk -v type="$1" -v key="$debian_keyring" '
			$2 ~ /^bookworm(-updates|-security|\/updates)?$/ && $3 == "main" && !seen[$0]++ {
				printf "%s [signed-by=%s] %s %s %s\n", type, key, $1, $2, $3
			}'
}

# trixie_sources TYPE: Debian 13 from the mirror that the machine takes Debian 12 from, for sources
# that are newer than Debian 12's. Nothing of it is installed.
trixie_sources() {
	bookworm_sources "$1" | sed -n 's/ bookworm main$/ trixie main/p'
}

# private_index NAME ARCH TYPE [SUITE]: prepares a private package index below build/ and downloads
# its lists; SUITE is bookworm or trixie. Sets $apt_conf; use it as: apt-get -c "$apt_conf" ...
private_index() {
	index_dir=$build_dir/apt/$1
	mkdir -p "$index_dir/state/lists/partial" "$index_dir/cache/archives/partial" \
		"$index_dir/log" "$index_dir/empty.d"
	: >"$index_dir/status"
	: >"$index_dir/preferences"
	"${4:-bookworm}_sources" "$3" >"$index_dir/sources.list"
	[ -s "$index_dir/sources.list" ] ||
		die "this machine's package sources name no Debian 12 'bookworm main'; add it and try again"
	apt_conf=$index_dir/apt.conf
	# The machine's own settings stay in force (a proxy, say), all but the commands it runs after an
	# update of its own lists.
	cat >"$apt_conf" <<-CONF
		Dir::State "$index_dir/state";
		Dir::State::lists "$index_dir/state/lists";
		Dir::State::status "$index_dir/status";
		Dir::Cache "$index_dir/cache";
		Dir::Cache::archives "$index_dir/cache/archives";
		Dir::Log "$index_dir/log";
		Dir::Etc::sourcelist "$index_dir/sources.list";
		Dir::Etc::sourceparts "$index_dir/empty.d";
		Dir::Etc::preferences "$index_dir/preferences";
		Dir::Etc::preferencesparts "$index_dir/empty.d";
		APT::Architecture "$2";
		APT::Architectures { "$2"; };
		APT::Sandbox::User "";
		Acquire::Languages "none";
		Acquire::Retries "2";
		#clear APT::Update::Pre-Invoke;
		#clear APT::Update::Post-Invoke;
		#clear APT::Update::Post-Invoke-Success;
	CONF
	say "fetching the package lists for $1 (kept below ${index_dir#"$top"/})"
	apt-get -q -c "$apt_conf" --error-on=any update >"$index_dir/log/update" 2>&1 || {
		cat "$index_dir/log/update" >&2
		die "cannot fetch Debian's package lists; is this machine online?"
	}
}
