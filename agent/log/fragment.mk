noinst_LIBRARIES += agent/log/liblog.a
agent_log_liblog_a_SOURCES = \
	agent/log/logsink.c agent/log/logsink.h \
	agent/log/notify.c agent/log/notify.h \
	agent/log/odd.c agent/log/odd.h \
	agent/log/report.c agent/log/report.h \
	agent/log/roll.c agent/log/roll.h
