# What the lints share. To be read with ". lib.sh" after cd to the top of the source tree.
# A lint collects findings with `found`, and ends with `finish`.
# shellcheck shell=sh

problems=0

found() {
	printf '%s\n' "$*" >&2
	problems=$((problems + 1))
}

# found_in TITLE: every line of standard input is a finding.
found_in() {
	while IFS= read -r line; do
		[ -n "$line" ] || continue
		printf '%s: %s\n' "$1" "$line" >&2
		echo x
	done | grep -c x
}

# count_in TITLE: like found_in, and adds to the count.
count_in() {
	problems=$((problems + $(found_in "$1" || true)))
}

# skip WHY: this lint can't run here; automake shows it as SKIP.
skip() {
	printf 'SKIP: %s\n' "$*" >&2
	exit 77
}

finish() {
	if [ "$problems" -gt 0 ]; then
		printf '%s findings\n' "$problems" >&2
		exit 1
	fi
	exit 0
}

c_files() {
	find agent cli tests -name '*.[ch]' | sort
}

product_files() {
	find agent cli -name '*.[ch]' | sort
}

# Files that belong to the project: what git tracks, or what a release tarball lists. Not what lies in
# the folder besides: who builds in it has his own paths in config.log and wherever else.
project_files() {
	if [ -e .git ] && command -v git >/dev/null 2>&1 && git ls-files >/dev/null 2>&1; then
		git ls-files
	elif [ -e MANIFEST ]; then
		cat MANIFEST
	else
		echo "neither a checkout nor a release: no list of files" >&2
		return 1
	fi
}
