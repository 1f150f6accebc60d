dnl CO_FLAGS: warnings for every compiler that knows them, and hardening that can be read back
dnl from the built binary (tests/lint/hardening.sh does).
AC_DEFUN([CO_TRY_CFLAG], [
  AS_VAR_PUSHDEF([co_var], [co_cv_cflag_$1])
  AC_CACHE_CHECK([whether $CC accepts $1], [co_var], [
    co_save_CFLAGS=$CFLAGS
    CFLAGS="$CFLAGS -Werror $1"
    AC_COMPILE_IFELSE([AC_LANG_PROGRAM([], [])], [AS_VAR_SET([co_var], [yes])],
      [AS_VAR_SET([co_var], [no])])
    CFLAGS=$co_save_CFLAGS
  ])
  AS_VAR_IF([co_var], [yes], [AS_VAR_APPEND([AM_CFLAGS], [" $1"])])
  AS_VAR_POPDEF([co_var])
])

AC_DEFUN([CO_TRY_LDFLAG], [
  AS_VAR_PUSHDEF([co_var], [co_cv_ldflag_$1])
  AC_CACHE_CHECK([whether the linker accepts $1], [co_var], [
    co_save_LDFLAGS=$LDFLAGS
    LDFLAGS="$LDFLAGS $1"
    AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])], [AS_VAR_SET([co_var], [yes])],
      [AS_VAR_SET([co_var], [no])])
    LDFLAGS=$co_save_LDFLAGS
  ])
  AS_VAR_IF([co_var], [yes], [AS_VAR_APPEND([AM_LDFLAGS], [" $1"])])
  AS_VAR_POPDEF([co_var])
])

AC_DEFUN([CO_FLAGS], [
  AC_ARG_ENABLE([werror],
    [AS_HELP_STRING([--enable-werror], [treat warnings as errors])],
    [co_werror=$enableval], [co_werror=no])
  AM_CFLAGS=
  AM_LDFLAGS=
  m4_foreach_w([co_flag], [-Wall -Wextra -Wshadow -Wformat=2 -Wundef -Wpointer-arith
    -Wcast-align -Wwrite-strings -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition
    -Wvla -Wimplicit-fallthrough -Wdate-time -Wno-missing-field-initializers
    -fno-common -fno-strict-aliasing -fstack-protector-strong -fstack-clash-protection
    -fcf-protection],
    [CO_TRY_CFLAG(co_flag)])
  m4_foreach_w([co_flag], [[-Wl,-z,relro] [-Wl,-z,now] [-Wl,-z,noexecstack] [-Wl,--as-needed]],
    [CO_TRY_LDFLAG(co_flag)])
  AS_VAR_IF([co_werror], [yes], [AS_VAR_APPEND([AM_CFLAGS], [" -Werror"])])
  AC_SUBST([AM_CFLAGS])
  AC_SUBST([AM_LDFLAGS])
])
