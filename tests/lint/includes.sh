#!/bin/sh
# Folders include only the folders they may, as docs/source.md has it; the pure folders name no
# library and call neither clock, random nor environment; every .c begins with config.h and its own header.
set -u
cd "${top_srcdir:-.}" || exit 99
# shellcheck source=tests/lint/lib.sh
. tests/lint/lib.sh

# Of `agent/base/` and the like: the last column of its row; not even a row: fails.
allowed() {
	awk -F ' *[|] *' -v folder="\`$1\`" '
		$2 == folder { print $4; found = 1 }
		END { exit !found }' docs/source.md
}

for file in $(product_files); do
	case $file in
	agent/main.c) folder=main place=agent/main.c ;;
	agent/*/*) folder=${file#agent/} folder=${folder%%/*} place=agent/$folder/ ;;
	cli/*) folder=cli place=cli/ ;;
	*) found "$file: in no folder of the house" && continue ;;
	esac
	may=$(allowed "$place") || { found "docs/source.md has no row for $place" && continue; }
	quoted=$(sed -n 's/^#[[:space:]]*include[[:space:]]*"\([^"]*\)".*/\1/p' "$file")
	for included in $quoted; do
		case $included in
		config.h) continue ;;
		*/*) ;;
		*) found "$file: \"$included\" is included without its folder" && continue ;;
		esac
		target=${included%%/*}
		case " $may $folder " in
		*" $target "*) ;;
		*) found "$file: $folder/ may not include \"$included\"" ;;
		esac
	done
	case $file in
	*.h) grep -q '^#include "config.h"' "$file" && found "$file: a header includes config.h" ;;
	*.c)
		first=$(sed -n 's/^#[[:space:]]*include[[:space:]]*\([<"][^>"]*[>"]\).*/\1/p' "$file" |
			sed -n 1p)
		[ "$first" = '"config.h"' ] || found "$file: config.h must be the first include, not $first"
		own=${file#agent/} own=${own%.c}.h
		if [ -e "${file%.c}.h" ]; then
			second=$(sed -n 's/^#[[:space:]]*include[[:space:]]*\([<"][^>"]*[>"]\).*/\1/p' \
				"$file" | sed -n 2p)
			[ "$second" = "\"$own\"" ] ||
				found "$file: \"$own\" must be the second include, not $second"
		fi
		;;
	esac
done

pure=$(product_files | grep -E '^agent/(core|model)/')
if [ -n "$pure" ]; then
	# shellcheck disable=SC2086
	count_in 'a pure folder names a library' <<END
$(awk -f tests/lint/strip.awk $pure | grep -iE '[^a-z](curl|cjson|event2|evutil|openssl|lmdb|mdb)[^a-z]|<(curl|cjson|event2|openssl)/|<lmdb')
END
	# shellcheck disable=SC2086
	count_in 'a pure folder asks the world' <<END
$(awk -f tests/lint/strip.awk $pure | grep -E '\b(clock_gettime|gettimeofday|time|localtime|gmtime|clock_boot|clock_wall|getrandom|getentropy|arc4random|rand|random|rand_r|getenv|secure_getenv|fopen|open|socket|read|write)[[:space:]]*\(')
END
fi
finish
