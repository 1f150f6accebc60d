#!/bin/sh
# The sources are formatted as .clang-format says, by the version the project uses.
set -u
cd "${top_srcdir:-.}" || exit 99
# shellcheck source=tests/lint/lib.sh
. tests/lint/lib.sh
command -v clang-format >/dev/null 2>&1 || skip "no clang-format"
clang-format --version | grep -q ' version 14\.' ||
	skip "another clang-format than 14, which formats differently: $(clang-format --version)"

# In one go, for a process a file takes ten times as long. What it says that is no finding is told, too.
# shellcheck disable=SC2046
said=$(clang-format --dry-run -Werror $(c_files) 2>&1) || {
	files=$(printf '%s\n' "$said" | sed -n 's/^\([^:]*\):[0-9]*:[0-9]*: error: .*/\1: not formatted/p' | sort -u)
	found "${files:-$said}"
}
finish
