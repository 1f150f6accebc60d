#!/bin/sh
# Length of files, functions nobody uses here, line comments, things left to do.
set -u
cd "${top_srcdir:-.}" || exit 99
# shellcheck source=tests/lint/lib.sh
. tests/lint/lib.sh

limit=550
for file in $(c_files); do
	lines=$(wc -l <"$file")
	[ "$lines" -le "$limit" ] || found "$file: $lines lines, at most $limit: split it"
	grep -nE '[[:blank:]]+$' "$file" >/dev/null && found "$file: blanks at the end of a line"
	[ -z "$(tail -c 1 "$file")" ] || found "$file: no newline at its end"
done

# shellcheck disable=SC2046
count_in 'forbidden function' <<END
$(awk -f tests/lint/strip.awk $(product_files) |
	grep -E '(^|[^A-Za-z0-9_])(strcpy|strcat|strncpy|strncat|sprintf|vsprintf|strtok|strtok_r|atoi|atol|atoll|atof|strtol|strtoll|strtoul|strtoull|gets|scanf|sscanf|fscanf|alloca|system|popen|tmpnam|mktemp|rand|srand|asctime|ctime|gethostbyname|readdir_r|usleep|sleep)[[:space:]]*\(')
END
count_in 'module of the log that command/command_log.c does not list' <<END
$(grep -rhoE '(log_(error|warning|info|debug)\(|report_new\([^"]*)"[a-z]+"' agent |
	sed 's/.*"\([a-z]*\)"/\1/' | sort -u | while IFS= read -r module; do
		sed -n '/log_modules\[\]/,/;/p' agent/command/command_log.c | grep -q "\"$module\"" || echo "$module"
	done)
END
# shellcheck disable=SC2046
count_in 'line comment' <<END
$(awk -f tests/lint/strip.awk $(c_files) | grep -E '^[^:]*:[0-9]+:.*//')
END
# shellcheck disable=SC2046
count_in 'left to do' <<END
$(grep -nE '(^|[^A-Za-z])(TO''DO|FIX''ME|XX''X|HA''CK)([^A-Za-z]|$)' $(c_files))
END
finish
