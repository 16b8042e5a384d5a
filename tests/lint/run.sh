#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
#
# Runs every check of this folder from the top of the tree and names those that fail. Started by
# `make lint`, which passes compiler and flags.
set -eu
cd "$(dirname "$0")/../.."

failed=
for check in format cppcheck tidy compile headers symbols includes.py calls limits shell spelling \
	licences.py dependencies; do
	case $check in
	*.py) set -- /usr/bin/python3 "tests/lint/$check" ;;
	*) set -- "tests/lint/$check.sh" ;;
	esac
	if "$@"; then
		printf 'lint: %-14s ok\n' "${check%.py}"
	else
		printf 'lint: %-14s FAILED\n' "${check%.py}"
		failed="$failed ${check%.py}"
	fi
done
[ -z "$failed" ] || {
	printf 'lint: these checks failed:%s\n' "$failed"
	exit 1
}
