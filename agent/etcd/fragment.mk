noinst_LIBRARIES += agent/etcd/libetcd.a
agent_etcd_libetcd_a_SOURCES = \
	agent/etcd/batch.c agent/etcd/batch.h \
	agent/etcd/codec.c agent/etcd/codec.h agent/etcd/codec_json.h \
	agent/etcd/codec_error.c \
	agent/etcd/codec_request.c \
	agent/etcd/frames.c agent/etcd/frames.h \
	agent/etcd/txn.c agent/etcd/txn.h
