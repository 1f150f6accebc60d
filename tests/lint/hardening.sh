#!/bin/sh
# What the flags promise is read back from the binaries: position independent, relocations
# read-only and bound at start, no executable stack, no search path of the build machine.
set -u
cd "${top_builddir:-.}" || exit 99
# shellcheck source=tests/lint/lib.sh
. "${abs_top_srcdir:-.}/tests/lint/lib.sh"
command -v readelf >/dev/null 2>&1 || skip "no readelf"

checked=0
for program in collectived collective; do
	[ -x "$program" ] || { found "$program is not built" && continue; }
	checked=$((checked + 1))
	readelf -hW "$program" | grep -q 'Type:.*DYN' || found "$program: not position independent"
	readelf -lW "$program" | grep -q 'GNU_RELRO' || found "$program: relocations stay writable"
	readelf -dW "$program" | grep -qE 'BIND_NOW|FLAGS_1.*NOW' ||
		found "$program: symbols are bound lazily"
	readelf -lW "$program" | grep 'GNU_STACK' | grep -q 'RWE' && found "$program: executable stack"
	readelf -dW "$program" | grep -qE 'RPATH|RUNPATH' && found "$program: has a search path"
done
[ "$checked" -gt 0 ] || found "no program to look at"
finish
