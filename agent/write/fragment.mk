noinst_LIBRARIES += agent/write/libwrite.a
agent_write_libwrite_a_SOURCES = \
	agent/write/change.c agent/write/change.h \
	agent/write/numbers.c agent/write/numbers.h \
	agent/write/writer.c agent/write/writer.h \
	agent/write/writer_coat.c agent/write/writer_coat.h \
	agent/write/writer_job.c \
	agent/write/writer_private.h \
	agent/write/writer_slot.c agent/write/writer_slot.h \
	agent/write/writer_unit.c agent/write/writer_unit.h
