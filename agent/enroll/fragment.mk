noinst_LIBRARIES += agent/enroll/libenroll.a
agent_enroll_libenroll_a_SOURCES = \
	agent/enroll/book.c agent/enroll/book.h \
	agent/enroll/client.c agent/enroll/client.h \
	agent/enroll/invitations.c agent/enroll/invitations.h \
	agent/enroll/keeper.c agent/enroll/keeper.h \
	agent/enroll/message.c agent/enroll/message.h \
	agent/enroll/redeem.c agent/enroll/redeem.h \
	agent/enroll/server.c agent/enroll/server.h
agent_enroll_libenroll_a_CFLAGS = $(AM_CFLAGS) $(SSL_CFLAGS)
