#!/bin/sh
# docs/faults.md names tests that there are, and every test that says to be of a row is in that row.
set -u
cd "${top_srcdir:-.}" || exit 99
# shellcheck source=tests/lint/lib.sh
. tests/lint/lib.sh
scratch=$(mktemp -d "${TMPDIR:-/tmp}/faults.XXXXXX") || exit 99
trap 'rm -rf "$scratch"' EXIT

# "F1 test_name", one a line.
sed -n 's/^| \(F[0-9]*\) /\1 /p' docs/faults.md |
	awk '{ row = $1; while (match($0, /`test_[a-z0-9_]+`/)) {
		print row, substr($0, RSTART + 1, RLENGTH - 2); $0 = substr($0, RSTART + RLENGTH) } }' |
	sort -u >"$scratch/told"
sed -n 's/^def \(test_f\([0-9]*\)_[a-z0-9_]*\)(.*/F\2 \1/p' tests/e2e/test_*.py | sort -u >"$scratch/there"
[ -s "$scratch/there" ] || found "no tests of faults in tests/e2e"

count_in "in docs/faults.md, not in tests/e2e" <<END
$(comm -23 "$scratch/told" "$scratch/there")
END
count_in "in tests/e2e, not in that row of docs/faults.md" <<END
$(comm -13 "$scratch/told" "$scratch/there")
END
finish
