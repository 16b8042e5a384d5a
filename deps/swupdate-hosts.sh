#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
#
# Usage: deps/swupdate-hosts.sh libubootenv-0.3.5
#        deps/swupdate-hosts.sh FORM-VERSION [DEV]
# Builds a SWUpdate without Lua into build/hosts/FORM-VERSION/swupdate. FORM is luafree-plugin (exports
# its symbols, so that it can load the plugin) or builtin (our handlers compiled in, with the library
# that `make install-dev` put into DEV); rsa and rsa-pss are as builtin, but small, and verify plain RSA
# signatures where the others verify CMS. Nothing is done when nothing changed, only the handlers are
# compiled again when only they did. What a build says is kept in build/hosts/FORM-VERSION/log.
set -eu
. "$(dirname "$0")/common.sh"

hosts_dir=$build_dir/hosts
ubootenv_dir=$hosts_dir/libubootenv-0.3.5
name=${1?usage: deps/swupdate-hosts.sh FORM-VERSION [DEV]}
CC=${CC:-gcc}
export CC
# make's variables of the caller are not meant for SWUpdate's Makefile.
unset MAKEFLAGS MFLAGS MAKELEVEL CFLAGS CPPFLAGS LDFLAGS V BUILD

# Hash of the names and contents of files.
hash_files() {
	sha256sum "$@" | sha256sum | cut -d' ' -f1
}

# Debian 12's libubootenv is older than what SWUpdate 2024.12.1 calls. Its own build system would
# need cmake for these two commands.
build_libubootenv() {
	source=$build_dir/host/libubootenv-0.3.5
	key=$(cat "$source.stamp" "$0" | sha256sum)
	[ "$(cat "$ubootenv_dir/key" 2>/dev/null)" != "$key" ] || return 0
	rm -rf "$ubootenv_dir"
	mkdir -p "$ubootenv_dir/include" "$ubootenv_dir/lib/pkgconfig"
	"$CC" -std=gnu99 -O2 -fPIC -shared -DVERSION='"0.3.5"' -I"$source/src" \
		-Wl,-soname,libubootenv.so.0 -o "$ubootenv_dir/lib/libubootenv.so.0" \
		"$source/src/uboot_env.c" -lz -lyaml
	ln -s libubootenv.so.0 "$ubootenv_dir/lib/libubootenv.so"
	cp "$source/src/libuboot.h" "$ubootenv_dir/include"
	sed "s|@prefix@|$ubootenv_dir|; s|@exec_prefix@|$ubootenv_dir|; s|@VERSION@|0.3.5|
		s|@libdir@|$ubootenv_dir/lib|; s|@includedir@|$ubootenv_dir/include|" \
		"$source/src/libubootenv.pc.in" >"$ubootenv_dir/lib/pkgconfig/libubootenv.pc"
	printf '%s\n' "$key" >"$ubootenv_dir/key"
	say "libubootenv 0.3.5 is in ${ubootenv_dir#"$top"/}"
}

# The whole configuration of this host, to stdout.
configuration() {
	sed "s|@SIGALG@|$sigalg|" "$top/tests/hosts/$base.config"
	extra=$top/tests/hosts/swupdate-$version.config
	[ ! -e "$extra" ] || cat "$extra"
	cflags='' ldflags=''
	if [ "$version" != 2022.12 ]; then
		cflags="-I$ubootenv_dir/include "
		ldflags="-L$ubootenv_dir/lib -Wl,-rpath,$ubootenv_dir/lib "
	fi
	sed "s|@DEV@|$dev|; s|@UBOOTENV_CFLAGS@|$cflags|; s|@UBOOTENV_LDFLAGS@|$ldflags|" \
		"$top/tests/hosts/$form.config"
}

# SWUpdate looks for a git repository to name its version, and would find ours; and it shows the day
# on which it was compiled.
swupdate_make() {
	SOURCE_DATE_EPOCH=$(stat -c %Y "$build_dir/host/swupdate-$version/Makefile") \
		GIT_CEILING_DIRECTORIES=$top:$hosts_dir HAVE_LUA=n make -C "$source_dir" "$@"
}

# The tree of $seed, compiled, or else the sources. What a file was compiled with is recorded beside
# it, so only what differs is compiled again.
copy_sources() {
	rm -rf "$source_dir"
	if [ -e "$hosts_dir/$seed/key" ]; then
		exec 8>"$build_dir/.lock-hosts-$seed"
		flock -s 8
		cp -a "$hosts_dir/$seed/src" "$source_dir"
		exec 8>&-
	else
		cp -R "$build_dir/host/swupdate-$version" "$source_dir"
	fi
}

configure() {
	copy_sources
	[ "$form" != builtin ] || "$dev/share/swupdate-jetson/handlers/integrate.sh" "$source_dir"
	configuration >"$source_dir/wanted.config"
	KCONFIG_ALLCONFIG=wanted.config swupdate_make allnoconfig
	refused=$(grep '^CONFIG_' "$source_dir/wanted.config" | grep -vxFf "$source_dir/.config") || true
	[ -z "$refused" ] || {
		echo "SWUpdate $version does not take as it stands: $refused"
		return 1
	}
}

compile() {
	[ "$form" != builtin ] || "$dev/share/swupdate-jetson/handlers/integrate.sh" "$source_dir"
	# Its Makefile does not know that it depends on our library.
	rm -f "$source_dir/swupdate" "$source_dir/swupdate_unstripped"
	swupdate_make -j"$(nproc)" swupdate
	# Ours must be free of warnings there, too.
	! grep '^handlers/jetson/.*warning:' "$host_dir/log" || return 1
}

# Stops at the first command that fails: not to be called where the shell would ignore that.
build() (
	set -e
	[ "$fresh" = no ] || configure
	compile
)

build_host() {
	source_dir=$host_dir/src
	whole=$(configuration | cat - "$build_dir/host/swupdate-$version.stamp" "$0" |
		sha256sum | cut -d' ' -f1)-$("$CC" --version | sha256sum | cut -d' ' -f1)
	part=none
	if [ "$form" = builtin ]; then
		# shellcheck disable=SC2046
		part=$(cd "$dev" && hash_files $(find . -type f | sort))
	fi
	[ "$(cat "$host_dir/key" 2>/dev/null)" != "$whole $part" ] || return 0
	fresh=yes
	[ "$(cut -d' ' -f1 "$host_dir/key" 2>/dev/null)" != "$whole" ] || fresh=no
	rm -f "$host_dir/key"
	set +e
	build >"$host_dir/log" 2>&1
	status=$?
	set -e
	[ "$status" -eq 0 ] || {
		tail -n 30 "$host_dir/log" >&2
		die "the build of '$name' failed, see ${host_dir#"$top"/}/log"
	}
	# A test may be running the old one.
	cp "$source_dir/swupdate" "$host_dir/swupdate.new"
	mv "$host_dir/swupdate.new" "$host_dir/swupdate"
	printf '%s\n' "$whole $part" >"$host_dir/key"
	say "$name: $(sha256_of "$host_dir/swupdate")"
}

mkdir -p "$hosts_dir"
lock_once "hosts-$name"
base=swupdate sigalg='' seed=''
case $name in
libubootenv-0.3.5)
	build_libubootenv
	exit 0
	;;
luafree-plugin-*) form=plugin version=${name#luafree-plugin-} ;;
builtin-*) form=builtin version=${name#builtin-} ;;
rsa-pss-*) form=builtin version=${name#rsa-pss-} base=signature sigalg=RSAPSS seed=rsa-${name#rsa-pss-} ;;
rsa-*) form=builtin version=${name#rsa-} base=signature sigalg=RAWRSA ;;
*) die "'$name' is none of the hosts: see mk/hosts.mk" ;;
esac
dev=${2-}
[ "$form" = plugin ] || [ -e "$dev/lib/libjota.a" ] || die "'$dev/lib/libjota.a' is missing"
host_dir=$hosts_dir/$name
mkdir -p "$host_dir"
build_host
