dnl CO_SANITIZERS: --enable-sanitizers[=LIST], default address,undefined.
AC_DEFUN([CO_SANITIZERS], [
  AC_ARG_ENABLE([sanitizers],
    [AS_HELP_STRING([--enable-sanitizers@<:@=LIST@:>@],
      [build with sanitizers (default list: address,undefined)])],
    [co_sanitizers=$enableval], [co_sanitizers=no])
  AS_VAR_IF([co_sanitizers], [yes], [co_sanitizers=address,undefined])
  AS_VAR_IF([co_sanitizers], [no],
    [AS_CASE([" $CFLAGS "], [*" -O0 "*], [], [AC_DEFINE([_FORTIFY_SOURCE], [2],
      [Bounds checks of the C library])])],
    [AS_VAR_APPEND([AM_CFLAGS],
      [" -fsanitize=$co_sanitizers -fno-sanitize-recover=all -fno-omit-frame-pointer"])
     AS_VAR_APPEND([AM_LDFLAGS], [" -fsanitize=$co_sanitizers"])])
  AM_CONDITIONAL([SANITIZERS], [test "x$co_sanitizers" != xno])
])

dnl CO_FUZZERS: --enable-fuzzers builds the targets in tests/fuzz with libFuzzer (clang only).
dnl Without it the same targets are built as programs that replay their corpus.
AC_DEFUN([CO_FUZZERS], [
  AC_ARG_ENABLE([fuzzers],
    [AS_HELP_STRING([--enable-fuzzers], [build libFuzzer targets (needs clang)])],
    [co_fuzzers=$enableval], [co_fuzzers=no])
  AS_VAR_IF([co_fuzzers], [yes], [
    co_save_CFLAGS=$CFLAGS
    CFLAGS="$CFLAGS -fsanitize=fuzzer-no-link"
    AC_COMPILE_IFELSE([AC_LANG_PROGRAM([], [])], [],
      [AC_MSG_ERROR([--enable-fuzzers needs a compiler with -fsanitize=fuzzer: try CC=clang])])
    CFLAGS=$co_save_CFLAGS
    AS_VAR_APPEND([AM_CFLAGS], [" -fsanitize=fuzzer-no-link"])
    FUZZ_LDFLAGS=-fsanitize=fuzzer
  ])
  AC_SUBST([FUZZ_LDFLAGS])
  AM_CONDITIONAL([FUZZERS], [test "x$co_fuzzers" = xyes])
])

dnl CO_COVERAGE: --enable-coverage builds for gcov.
AC_DEFUN([CO_COVERAGE], [
  AC_ARG_ENABLE([coverage],
    [AS_HELP_STRING([--enable-coverage], [build for gcov coverage figures])],
    [co_coverage=$enableval], [co_coverage=no])
  AS_VAR_IF([co_coverage], [yes], [
    AS_VAR_APPEND([AM_CFLAGS], [" --coverage -O0"])
    AS_VAR_APPEND([AM_LDFLAGS], [" --coverage"])])
])

dnl CO_SYSTEMD: where units, sysusers and tmpfiles go. Below ${prefix} by default, so that an
dnl unprivileged install and "make distcheck" write nowhere else.
AC_DEFUN([CO_SYSTEMD], [
  AC_ARG_WITH([systemdsystemunitdir],
    [AS_HELP_STRING([--with-systemdsystemunitdir=DIR], [directory of systemd units])],
    [systemdsystemunitdir=$withval], [systemdsystemunitdir='${prefix}/lib/systemd/system'])
  AC_SUBST([systemdsystemunitdir])
  AC_SUBST([sysusersdir], ['${prefix}/lib/sysusers.d'])
  AC_SUBST([tmpfilesdir], ['${prefix}/lib/tmpfiles.d'])
  AC_SUBST([bashcompletiondir], ['${datadir}/bash-completion/completions'])
])

dnl CO_TEST_TOOLS: what the end-to-end tests run; they are skipped, loudly, where it is missing.
AC_DEFUN([CO_TEST_TOOLS], [
  AC_PATH_PROG([ETCD], [etcd], [no], [$PATH:/usr/sbin:/usr/local/bin])
  AC_PATH_PROG([ETCDCTL], [etcdctl], [no], [$PATH:/usr/sbin:/usr/local/bin])
  AC_ARG_VAR([PYTHON], [Python 3 that has pytest, for the end-to-end tests])
  AC_PATH_PROGS([MANDOC], [mandoc], [no])
  co_pytest=no
  for co_python in $PYTHON /usr/bin/python3 python3; do
    AS_IF([$co_python -c 'import pytest' >/dev/null 2>&1],
      [PYTHON=$co_python; co_pytest=$co_python; break])
  done
  AS_IF([test "x$PYTHON" = x], [PYTHON=python3])
])
