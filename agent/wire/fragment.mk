noinst_LIBRARIES += agent/wire/libwire.a
agent_wire_libwire_a_SOURCES = \
	agent/wire/envelope.c agent/wire/envelope.h \
	agent/wire/frame.c agent/wire/frame.h \
	agent/wire/json.c agent/wire/json.h agent/wire/json_text.c
agent_wire_libwire_a_CFLAGS = $(AM_CFLAGS) $(CJSON_CFLAGS)
