sbin_PROGRAMS += collectived
collectived_SOURCES = agent/main.c
collectived_CFLAGS = $(AM_CFLAGS)
collectived_LDADD = agent/base/libbase.a
