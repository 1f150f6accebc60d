#!/bin/sh
# The project names no path of the machine it was built on, and nothing binary lies in it.
set -u
cd "${top_srcdir:-.}" || exit 99
# shellcheck source=tests/lint/lib.sh
. tests/lint/lib.sh

# Written in two parts, so that this file does not find itself.
paths='/wor''k/|/tmp/w''t|/tmp/bl''d|/roo''t/\.|/home/[a-z]'
files=$(project_files) || skip "no git here, and no MANIFEST of a release: see above"
printf '%s\n' "$files" | grep -vE '^tests/fuzz/corpus/' | while IFS= read -r file; do
	[ -f "$file" ] || continue
	grep -nIE "$paths" "$file" /dev/null
done >"${TMPDIR:-/tmp}/workplace.$$"
count_in 'a path of some machine' <"${TMPDIR:-/tmp}/workplace.$$"
rm -f "${TMPDIR:-/tmp}/workplace.$$"
finish
