noinst_LIBRARIES += agent/io/libio.a
agent_io_libio_a_SOURCES = \
	agent/io/child.c agent/io/child.h \
	agent/io/clock.c agent/io/clock.h \
	agent/io/http.c agent/io/http.h \
	agent/io/http_error.c agent/io/http_error.h \
	agent/io/http_lane.c agent/io/http_lane.h \
	agent/io/loop.c agent/io/loop.h \
	agent/io/net.c agent/io/net.h \
	agent/io/net_connect.c \
	agent/io/stream.c agent/io/stream.h \
	agent/io/tls.c agent/io/tls.h agent/io/tls_io.h \
	agent/io/worker.c agent/io/worker.h
agent_io_libio_a_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS) $(SSL_CFLAGS) $(CURL_CFLAGS)
# Behind libio.a and libbase.a: what the library needs.
IO_LIBS = $(CURL_LIBS) $(SSL_LIBS) $(CRYPTO_LIBS) $(EVENT_LIBS) -lpthread
