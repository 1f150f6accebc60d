# Lints: each a script that reads the sources (or the built programs) and fails with its findings.
lint_tests = \
	tests/lint/includes.sh tests/lint/style.sh tests/lint/workplace.sh tests/lint/hardening.sh \
	tests/lint/manual.sh tests/lint/shell.sh tests/lint/format.sh tests/lint/python.sh \
	tests/lint/docs.sh tests/lint/faults.sh
TESTS += $(lint_tests)
EXTRA_DIST += $(lint_tests) tests/lint/lib.sh tests/lint/strip.awk

# A release lists its files, so that a lint can tell them from what a build leaves beside them.
dist-hook:
	cd $(distdir) && find . -type f ! -name configure ! -name Makefile.in ! -name aclocal.m4 \
		! -path './build-aux/*' | sed 's|^\./||' | LC_ALL=C sort >MANIFEST

# What lies in the folder besides is nobody's business.
distcheck-hook:
	printf '/ho''me/somebody\n' >$(distdir)/build.log
	cd $(distdir) && top_srcdir=. $(SHELL) tests/lint/workplace.sh
	rm -f $(distdir)/build.log
