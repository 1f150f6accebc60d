noinst_LIBRARIES += agent/api/libapi.a
agent_api_libapi_a_SOURCES = \
	agent/api/attributes.c \
	agent/api/change.c \
	agent/api/conn.c agent/api/conn.h \
	agent/api/database.h \
	agent/api/evaluate.c \
	agent/api/listing.c \
	agent/api/request.c \
	agent/api/resource.c \
	agent/api/resources.c agent/api/resources.h \
	agent/api/server.c agent/api/server.h \
	agent/api/stream.c \
	agent/api/visit.h \
	agent/api/write.c
agent_api_libapi_a_CFLAGS = $(AM_CFLAGS) $(CJSON_CFLAGS)
