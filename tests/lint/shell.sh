#!/bin/sh
# Shell scripts pass shellcheck.
set -u
cd "${top_srcdir:-.}" || exit 99
# shellcheck source=tests/lint/lib.sh
. tests/lint/lib.sh
command -v shellcheck >/dev/null 2>&1 || skip "no shellcheck: the scripts are not checked"

for file in bootstrap .ci/run tests/*.sh tests/*/*.sh; do
	[ -e "$file" ] || continue
	shellcheck -x "$file" >&2 || found "$file"
done
finish
