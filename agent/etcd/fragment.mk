noinst_LIBRARIES += agent/etcd/libetcd.a
agent_etcd_libetcd_a_SOURCES = \
	agent/etcd/batch.c agent/etcd/batch.h \
	agent/etcd/call.c \
	agent/etcd/client.c agent/etcd/client.h agent/etcd/client_private.h \
	agent/etcd/codec.c agent/etcd/codec.h agent/etcd/codec_json.h \
	agent/etcd/codec_error.c \
	agent/etcd/codec_request.c \
	agent/etcd/frames.c agent/etcd/frames.h \
	agent/etcd/guard.c agent/etcd/guard.h \
	agent/etcd/hedge.c agent/etcd/hedge.h \
	agent/etcd/session.c \
	agent/etcd/sync.c agent/etcd/sync.h \
	agent/etcd/sync_core.c agent/etcd/sync_core.h \
	agent/etcd/txn.c agent/etcd/txn.h \
	agent/etcd/watch.c agent/etcd/watch.h
