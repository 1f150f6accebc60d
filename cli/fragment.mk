# The commands; all but main() is in a library, for the unit tests.
noinst_LIBRARIES += cli/libcli.a
cli_libcli_a_SOURCES = \
	cli/client.c cli/client.h \
	cli/commands.c cli/commands.h \
	cli/help.c \
	cli/invite.c \
	cli/join.c \
	cli/show.c \
	cli/verb.c cli/verb.h \
	cli/verbs.c \
	cli/writer.h \
	cli/writer_json.c \
	cli/writer_text.c
cli_libcli_a_CFLAGS = $(AM_CFLAGS) $(CJSON_CFLAGS)

bin_PROGRAMS += collective
collective_SOURCES = cli/main.c
collective_CFLAGS = $(AM_CFLAGS)
collective_LDADD = cli/libcli.a agent/wire/libwire.a agent/base/libbase.a $(CJSON_LIBS)
