noinst_LIBRARIES += agent/store/libstore.a
agent_store_libstore_a_SOURCES = \
	agent/store/pack.c agent/store/pack.h \
	agent/store/private.h \
	agent/store/read.c \
	agent/store/store.c agent/store/store.h
agent_store_libstore_a_CFLAGS = $(AM_CFLAGS) $(LMDB_CFLAGS)
