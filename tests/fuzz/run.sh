#!/bin/sh
# Fuzzes each target given for FUZZ_SECONDS (default 60), from the committed corpus; what is found
# new stays below the build folder. Behind `make fuzz`, after ./configure --enable-fuzzers.
set -eu
LSAN_OPTIONS=suppressions=${abs_top_srcdir:-.}/tests/lib/lsan.supp:print_suppressions=0
export LSAN_OPTIONS
seconds=${FUZZ_SECONDS:-60}
corpus=${abs_top_srcdir:-.}/tests/fuzz/corpus
for target in "$@"; do
	name=${target##*/fuzz_}
	mkdir -p "tests/fuzz/found/$name" "tests/fuzz/crashes"
	echo "fuzz_$name: $seconds s"
	"$target" -max_total_time="$seconds" -print_final_stats=1 -verbosity=1 -max_len=65536 \
		-rss_limit_mb=1024 -timeout=10 -artifact_prefix="tests/fuzz/crashes/$name-" \
		"tests/fuzz/found/$name" "$corpus/$name" >"tests/fuzz/$name.log" 2>&1 || {
		tail -n 40 "tests/fuzz/$name.log"
		echo "fuzz_$name: failed; the input is in tests/fuzz/crashes" >&2
		exit 1
	}
	grep -E 'stat::(number_of_executed_units|average_exec_per_sec|peak_rss_mb)' \
		"tests/fuzz/$name.log"
done
