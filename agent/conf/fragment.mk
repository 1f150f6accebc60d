# sources of agent/conf
noinst_LIBRARIES += agent/conf/libconf.a
agent_conf_libconf_a_SOURCES = \
	agent/conf/conf.c agent/conf/conf.h \
	agent/conf/option.c agent/conf/option.h \
	agent/conf/options.def \
	agent/conf/print.c \
	agent/conf/problem.c agent/conf/problem.h \
	agent/conf/rules.c agent/conf/rules.h \
	agent/conf/scan.c agent/conf/scan.h \
	agent/conf/value.c agent/conf/value.h
agent_conf_libconf_a_CFLAGS = $(AM_CFLAGS) $(CONFIG_CFLAGS)
