# Lints: each a script that reads the sources (or the built programs) and fails with its findings.
lint_tests = \
	tests/lint/includes.sh tests/lint/style.sh tests/lint/workplace.sh tests/lint/hardening.sh \
	tests/lint/manual.sh tests/lint/shell.sh tests/lint/format.sh tests/lint/python.sh \
	tests/lint/docs.sh
TESTS += $(lint_tests)
EXTRA_DIST += $(lint_tests) tests/lint/lib.sh tests/lint/strip.awk
