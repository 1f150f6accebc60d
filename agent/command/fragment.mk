noinst_LIBRARIES += agent/command/libcommand.a
agent_command_libcommand_a_SOURCES = \
	agent/command/await.c agent/command/await.h \
	agent/command/command.h \
	agent/command/command_book.c \
	agent/command/command_claim.c \
	agent/command/command_drain.c \
	agent/command/command_dump.c \
	agent/command/command_enroll.c \
	agent/command/command_history.c \
	agent/command/command_log.c \
	agent/command/command_member.c \
	agent/command/command_nodes.c \
	agent/command/command_orders.c \
	agent/command/command_plan.c \
	agent/command/command_rebalance.c \
	agent/command/command_rekey.c \
	agent/command/command_restore.c \
	agent/command/command_secret.c \
	agent/command/command_watch.c \
	agent/command/commands.c agent/command/commands.h \
	agent/command/dump_entry.c agent/command/dump_entry.h \
	agent/command/order_change.c agent/command/order_change.h \
	agent/command/restore_entry.c agent/command/restore_entry.h \
	agent/command/show.c agent/command/show.h \
	agent/command/show_managers.c agent/command/show_managers.h \
	agent/command/tell.c agent/command/tell.h
