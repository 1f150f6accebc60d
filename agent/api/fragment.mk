noinst_LIBRARIES += agent/api/libapi.a
agent_api_libapi_a_SOURCES = \
	agent/api/conn.c agent/api/conn.h \
	agent/api/request.c \
	agent/api/resource.c \
	agent/api/server.c agent/api/server.h
agent_api_libapi_a_CFLAGS = $(AM_CFLAGS) $(CJSON_CFLAGS)
