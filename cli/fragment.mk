# The commands; all but main() is in a library, for the unit tests.
noinst_LIBRARIES += cli/libcli.a
cli_libcli_a_SOURCES = \
	cli/ask.c cli/ask.h \
	cli/assign.c cli/assign.h \
	cli/attributes.c \
	cli/backup.c cli/backup.h \
	cli/change.c \
	cli/claim.c \
	cli/client.c cli/client.h \
	cli/commands.c cli/commands.h \
	cli/drain.c \
	cli/dump.c \
	cli/dump_files.c cli/dump_files.h \
	cli/help.c \
	cli/history.c \
	cli/invite.c \
	cli/join.c \
	cli/managers.c \
	cli/membership.c cli/membership.h \
	cli/names.c cli/names.h \
	cli/nodeattrib.c \
	cli/nodes.c \
	cli/orders.c \
	cli/plan.c \
	cli/programs.c cli/programs.h \
	cli/progress.c cli/progress.h \
	cli/rebalance.c \
	cli/restore.c \
	cli/restore_files.c cli/restore_files.h \
	cli/rows.c cli/rows.h \
	cli/secret.c \
	cli/session.c cli/session.h \
	cli/show.c \
	cli/show_managers.c cli/show_managers.h \
	cli/show_hooks.c cli/show_hooks.h \
	cli/value.c cli/value.h \
	cli/verb.c cli/verb.h \
	cli/verbs.c \
	cli/watch.c \
	cli/writer.h \
	cli/writer_json.c \
	cli/writer_text.c
cli_libcli_a_CFLAGS = $(AM_CFLAGS) $(CJSON_CFLAGS)

bin_PROGRAMS += collective
collective_SOURCES = cli/main.c
collective_CFLAGS = $(AM_CFLAGS)
collective_LDADD = cli/libcli.a agent/wire/libwire.a agent/base/libbase.a $(CJSON_LIBS)

# The commands for nodes and groups are the same binary, by other names: symbolic links beside it.
NODE_COMMANDS = nodeattrib nodegroupattrib nodelist nodegrouplist nodedefine nodegroupdefine \
	noderemove nodegroupremove noderename nodegrouprename
CLEANFILES += $(NODE_COMMANDS)

$(NODE_COMMANDS): collective$(EXEEXT)
	$(AM_V_GEN)rm -f $@ && $(LN_S) collective$(EXEEXT) $@

all-local: $(NODE_COMMANDS)

# What is installed in bin and sbin, and nothing else: for the demo.
.PHONY: programs
programs: collectived$(EXEEXT) collective$(EXEEXT) $(NODE_COMMANDS)

install-exec-hook:
	cd '$(DESTDIR)$(bindir)' && to=`echo collective | sed '$(transform)'`$(EXEEXT) && \
	for name in $(NODE_COMMANDS); do rm -f $$name && $(LN_S) $$to $$name || exit 1; done

uninstall-hook:
	for name in $(NODE_COMMANDS); do \
		rm -f '$(DESTDIR)$(bindir)'/$$name '$(DESTDIR)$(bashcompletiondir)'/$$name; \
	done
