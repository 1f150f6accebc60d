#!/bin/sh
# Replays the corpus of every fuzz target that was built: tests/fuzz/fuzz_NAME gets each file of
# tests/fuzz/corpus/NAME. Run by `make check`, with libFuzzer's targets as well as without.
set -eu
corpus=${abs_top_srcdir:-.}/tests/fuzz/corpus
done=0
for target in tests/fuzz/fuzz_*; do
	case $target in
	*.c | *.o | *.log | *.trs | *'*') continue ;;
	esac
	name=${target##*/fuzz_}
	# libFuzzer runs the named files once each when all that is given are files.
	set -- "$corpus/$name"/*
	[ -e "$1" ] || { echo "$corpus/$name: no corpus for $target" >&2 && exit 1; }
	"$target" "$@" >"$target.out" 2>&1 || { cat "$target.out" && exit 1; }
	echo "fuzz_$name: $# inputs"
	rm -f "$target.out"
	done=$((done + 1))
done
if [ "$done" -eq 0 ]; then
	echo "SKIP: no fuzz target was built"
	exit 77
fi
