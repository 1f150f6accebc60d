#!/bin/sh
# The Python of the tests compiles, and no name in it is unknown.
set -u
cd "${top_srcdir:-.}" || exit 99
# shellcheck source=tests/lint/lib.sh
. tests/lint/lib.sh
python=${PYTHON:-python3}
command -v "$python" >/dev/null 2>&1 || skip "no $python"

for file in tests/e2e/*.py tests/e2e/harness/*.py tests/bench/*.py; do
	[ -e "$file" ] || continue
	"$python" -c 'import ast, sys; ast.parse(open(sys.argv[1], encoding="utf-8").read())' \
		"$file" >&2 || found "$file"
done
finish
