#!/bin/sh
# The manual pages are clean mdoc.
set -u
cd "${top_srcdir:-.}" || exit 99
# shellcheck source=tests/lint/lib.sh
. tests/lint/lib.sh
command -v mandoc >/dev/null 2>&1 || skip "no mandoc: the manual pages are not checked"

for page in docs/*.[1-8]; do
	[ -e "$page" ] || continue
	count_in "$page" <<END
$(mandoc -Tlint -Wwarning "$page" 2>&1)
END
done
finish
