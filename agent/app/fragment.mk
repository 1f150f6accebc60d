noinst_LIBRARIES += agent/app/libapp.a
agent_app_libapp_a_SOURCES = \
	agent/app/address.c agent/app/address.h \
	agent/app/agent.c agent/app/agent.h \
	agent/app/anchor.c agent/app/anchor.h \
	agent/app/await.c agent/app/await.h \
	agent/app/carry.c agent/app/carry.h \
	agent/app/certmaker.c agent/app/certmaker.h \
	agent/app/change.c agent/app/change.h \
	agent/app/command.h \
	agent/app/command_book.c \
	agent/app/command_claim.c \
	agent/app/command_drain.c \
	agent/app/command_enroll.c \
	agent/app/command_dump.c \
	agent/app/command_history.c \
	agent/app/command_log.c \
	agent/app/command_member.c \
	agent/app/command_orders.c \
	agent/app/command_nodes.c \
	agent/app/command_plan.c \
	agent/app/command_rebalance.c \
	agent/app/command_rekey.c \
	agent/app/command_restore.c \
	agent/app/command_secret.c \
	agent/app/command_watch.c \
	agent/app/commands.c agent/app/commands.h \
	agent/app/database.c agent/app/database.h \
	agent/app/door.c agent/app/door.h \
	agent/app/dump_entry.c agent/app/dump_entry.h \
	agent/app/etcdconf.c agent/app/etcdconf.h \
	agent/app/event.c agent/app/event.h \
	agent/app/events.c agent/app/events.h \
	agent/app/events_picture.c agent/app/events_private.h \
	agent/app/events_registry.c \
	agent/app/feed.c agent/app/feed.h \
	agent/app/field.c agent/app/field.h \
	agent/app/follow.c agent/app/follow.h \
	agent/app/found.c agent/app/found.h \
	agent/app/history.c agent/app/history.h \
	agent/app/history_entry.c \
	agent/app/history_telling.c \
	agent/app/hooks.c agent/app/hooks.h \
	agent/app/hooks_find.c agent/app/hooks_find.h \
	agent/app/identity.c agent/app/identity.h \
	agent/app/install.c agent/app/install.h \
	agent/app/joiner.c agent/app/joiner.h \
	agent/app/keyitem.c agent/app/keyitem.h \
	agent/app/keyring.c agent/app/keyring.h \
	agent/app/logsink.c agent/app/logsink.h \
	agent/app/managers.c agent/app/managers.h \
	agent/app/member.c agent/app/member.h \
	agent/app/mover.c agent/app/mover.h \
	agent/app/mover_picture.c agent/app/mover_private.h \
	agent/app/mover_plan.c \
	agent/app/mover_txn.c \
	agent/app/notify.c agent/app/notify.h \
	agent/app/numbers.c agent/app/numbers.h \
	agent/app/odd.c agent/app/odd.h \
	agent/app/order_change.c agent/app/order_change.h \
	agent/app/orders.c agent/app/orders.h \
	agent/app/others.c agent/app/others.h \
	agent/app/picture.c agent/app/picture.h \
	agent/app/records.c agent/app/records.h \
	agent/app/registry.c agent/app/registry.h \
	agent/app/rekey_begin.c agent/app/rekey_begin.h \
	agent/app/rekey_records.c agent/app/rekey_records.h \
	agent/app/rekey_steps.c agent/app/rekey_steps.h \
	agent/app/rekeyer.c agent/app/rekeyer.h \
	agent/app/renewal.c agent/app/renewal.h \
	agent/app/replica.c agent/app/replica.h \
	agent/app/replica_disk.c agent/app/replica_disk.h \
	agent/app/replica_load.c agent/app/replica_load.h \
	agent/app/replica_odd.c agent/app/replica_odd.h \
	agent/app/report.c agent/app/report.h \
	agent/app/reseal.c agent/app/reseal.h \
	agent/app/restore_entry.c agent/app/restore_entry.h \
	agent/app/roll.c agent/app/roll.h \
	agent/app/setback.c agent/app/setback.h \
	agent/app/show.c agent/app/show.h \
	agent/app/show_managers.c agent/app/show_managers.h \
	agent/app/signals.c agent/app/signals.h \
	agent/app/signing.c agent/app/signing.h \
	agent/app/state.c agent/app/state.h \
	agent/app/states.c agent/app/states.h \
	agent/app/survey.c agent/app/survey.h \
	agent/app/tell.c agent/app/tell.h \
	agent/app/view.c agent/app/view.h \
	agent/app/writer.c agent/app/writer.h \
	agent/app/writer_coat.c agent/app/writer_coat.h \
	agent/app/writer_job.c agent/app/writer_private.h \
	agent/app/writer_slot.c agent/app/writer_slot.h \
	agent/app/writer_unit.c agent/app/writer_unit.h
agent_app_libapp_a_CFLAGS = $(AM_CFLAGS)

# Leaves first to last, as the linker wants them: each before what it uses.
AGENT_LIBS = agent/app/libapp.a agent/api/libapi.a agent/enroll/libenroll.a agent/etcd/libetcd.a \
	agent/store/libstore.a agent/conf/libconf.a agent/trust/libtrust.a agent/core/libcore.a \
	agent/model/libmodel.a agent/io/libio.a agent/wire/libwire.a agent/base/libbase.a \
	$(CURL_LIBS) $(CJSON_LIBS) $(SSL_LIBS) $(CRYPTO_LIBS) $(CRYPT_LIBS) $(CONFIG_LIBS) $(EVENT_LIBS) $(LMDB_LIBS) -lpthread

sbin_PROGRAMS += collectived
collectived_SOURCES = agent/main.c
collectived_CFLAGS = $(AM_CFLAGS)
collectived_LDADD = $(AGENT_LIBS)
