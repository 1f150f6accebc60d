#!/bin/sh
# The sources are formatted as .clang-format says, by the version the project uses.
set -u
cd "${top_srcdir:-.}" || exit 99
# shellcheck source=tests/lint/lib.sh
. tests/lint/lib.sh
command -v clang-format >/dev/null 2>&1 || skip "no clang-format"
clang-format --version | grep -q ' version 14\.' ||
	skip "another clang-format than 14, which formats differently: $(clang-format --version)"

for file in $(c_files); do
	clang-format --dry-run -Werror "$file" 2>/dev/null || found "$file: not formatted"
done
finish
