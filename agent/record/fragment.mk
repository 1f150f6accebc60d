noinst_LIBRARIES += agent/record/librecord.a
agent_record_librecord_a_SOURCES = \
	agent/record/field.c agent/record/field.h \
	agent/record/history.c agent/record/history.h \
	agent/record/history_entry.c \
	agent/record/history_telling.c \
	agent/record/keyitem.c agent/record/keyitem.h \
	agent/record/orders.c agent/record/orders.h \
	agent/record/records.c agent/record/records.h \
	agent/record/rekey_records.c agent/record/rekey_records.h \
	agent/record/signing.c agent/record/signing.h \
	agent/record/view.c agent/record/view.h
