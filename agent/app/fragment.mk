noinst_LIBRARIES += agent/app/libapp.a
agent_app_libapp_a_SOURCES = \
	agent/app/agent.c agent/app/agent.h \
	agent/app/database.c agent/app/database.h \
	agent/app/door.c agent/app/door.h \
	agent/app/event.c agent/app/event.h \
	agent/app/events.c agent/app/events.h \
	agent/app/events_picture.c \
	agent/app/events_private.h \
	agent/app/events_registry.c \
	agent/app/hooks.c agent/app/hooks.h \
	agent/app/hooks_find.c agent/app/hooks_find.h \
	agent/app/managers.c agent/app/managers.h \
	agent/app/mover.c agent/app/mover.h \
	agent/app/mover_picture.c \
	agent/app/mover_plan.c \
	agent/app/mover_private.h \
	agent/app/mover_txn.c \
	agent/app/rekey_begin.c agent/app/rekey_begin.h \
	agent/app/rekey_steps.c agent/app/rekey_steps.h \
	agent/app/rekeyer.c agent/app/rekeyer.h \
	agent/app/renewal.c agent/app/renewal.h \
	agent/app/reseal.c agent/app/reseal.h \
	agent/app/signals.c agent/app/signals.h \
	agent/app/states.c agent/app/states.h \
	agent/app/survey.c agent/app/survey.h
agent_app_libapp_a_CFLAGS = $(AM_CFLAGS)
