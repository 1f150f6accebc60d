noinst_LIBRARIES += agent/copy/libcopy.a
agent_copy_libcopy_a_SOURCES = \
	agent/copy/others.c agent/copy/others.h \
	agent/copy/picture.c agent/copy/picture.h \
	agent/copy/replica.c agent/copy/replica.h \
	agent/copy/replica_disk.c agent/copy/replica_disk.h \
	agent/copy/replica_load.c agent/copy/replica_load.h \
	agent/copy/replica_odd.c agent/copy/replica_odd.h
