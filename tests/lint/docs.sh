#!/bin/sh
# The documents say what the programs do: docs/states.md is what the agent prints, collectived(8) has
# the agent's options, every command shown is one, and no link leads nowhere.
set -u
build=$(cd "${top_builddir:-.}" && pwd) || exit 99
cd "${top_srcdir:-.}" || exit 99
# shellcheck source=tests/lint/lib.sh
. tests/lint/lib.sh

for program in collectived collective; do
	[ -x "$build/$program" ] || { found "$program is not built" && finish; }
done
scratch=$(mktemp -d "${TMPDIR:-/tmp}/docs.XXXXXX") || exit 99
trap 'rm -rf "$scratch"' EXIT

"$build/collectived" --dump-states=markdown >"$scratch/states" ||
	found "collectived --dump-states=markdown failed"
sed -n '/^<!-- BEGIN STATES -->$/,/^<!-- END STATES -->$/{/^<!-- /d;p;}' docs/states.md \
	>"$scratch/states.md"
diff -u "$scratch/states.md" "$scratch/states" >&2 ||
	found "docs/states.md is not what the agent prints: make regen-docs"

"$build/collectived" --help | grep -oE -- '--[a-z-]+' | sort -u >"$scratch/options"
[ -s "$scratch/options" ] || found "collectived --help names no option"
sed -n '/^\.Sh OPTIONS$/,/^\.El$/{s/^\.It.*Fl -\([a-z-]*\).*/--\1/p;}' docs/collectived.8 | sort -u \
	>"$scratch/options.8"
diff -u "$scratch/options.8" "$scratch/options" >&2 ||
	found "the options in docs/collectived.8 are not those of collectived --help"

# A command is what stands behind "collective " in a code span or behind a prompt.
"$build/collective" --help | sed -n 's/^  \([a-z][a-z]*\).*/\1/p' | sort -u >"$scratch/verbs"
[ -s "$scratch/verbs" ] || found "collective --help names no command"
for text in README.md docs/*.md; do
	grep -oE '(`|]# )collective [a-z]+' "$text" | sed 's/.* //' | sort -u >"$scratch/used"
	count_in "$text: no such command" <<END
$(comm -23 "$scratch/used" "$scratch/verbs")
END
	folder=$(dirname "$text")
	grep -oE '\]\([^)#:]+[)#]' "$text" | sed 's/^](//; s/[)#]$//' | sort -u |
		while IFS= read -r link; do
			[ -e "$folder/$link" ] || echo "$link"
		done >"$scratch/links"
	count_in "$text: leads nowhere" <"$scratch/links"
done
finish
