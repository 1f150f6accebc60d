noinst_LIBRARIES += agent/base/libbase.a
agent_base_libbase_a_SOURCES = \
	agent/base/b64.c agent/base/b64.h \
	agent/base/bitset.c agent/base/bitset.h \
	agent/base/buf.c agent/base/buf.h \
	agent/base/err.c agent/base/err.h \
	agent/base/file.c agent/base/file.h \
	agent/base/hash.c agent/base/hash.h \
	agent/base/list.h \
	agent/base/log.c agent/base/log.h \
	agent/base/macros.h \
	agent/base/mem.c agent/base/mem.h \
	agent/base/name.c agent/base/name.h \
	agent/base/num.c agent/base/num.h \
	agent/base/text.c agent/base/text.h \
	agent/base/usec.h \
	agent/base/writes.c agent/base/writes.h
