# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
#
# shellcheck shell=sh
#
# Sourced by the checks that compile: the include paths of a file follow from its folder, as in
# mk/build.mk and mk/test.mk. The models get none of lib/.
# handlers/ is compiled as for a build into SWUpdate, without the plugin's weak references.

: "${CC:=gcc}" "${LINT_STD:=-std=gnu17}" "${LINT_WARN:=-Wall -Wextra -Werror}"
: "${LINT_LIB:=}" "${LINT_HOST:=-isystem build/host/swupdate-2022.12/include}"

include_flags() {
	case $1 in
	handlers/*) printf '%s\n' "-Ihandlers -Ilib $LINT_HOST $LINT_LIB" ;;
	tests/models/*) printf '%s\n' "-Itests $LINT_LIB" ;;
	tests/*) printf '%s\n' "-Ilib -Itests $LINT_LIB" ;;
	*) printf '%s\n' "-Ilib $LINT_LIB" ;;
	esac
}

# syntax_only COMPILER LANGUAGE-FILE ARG...: warnings are errors; nothing is written.
syntax_only() {
	compiler=$1
	path=$2
	shift 2
	# Flags are lists of words.
	# shellcheck disable=SC2046,SC2086
	"$compiler" $LINT_STD $LINT_WARN -Werror -O1 $(include_flags "$path") -fsyntax-only "$@"
}
