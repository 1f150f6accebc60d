noinst_LIBRARIES += agent/model/libmodel.a
agent_model_libmodel_a_SOURCES = agent/model/natsort.c agent/model/natsort.h
agent_model_libmodel_a_SOURCES += \
	agent/model/attribute.c agent/model/attribute.h agent/model/attributes.def
agent_model_libmodel_a_SOURCES += \
	agent/model/plan.c agent/model/plan.h agent/model/plan_private.h \
	agent/model/plan_change.c \
	agent/model/plan_claim.c \
	agent/model/plan_gone.c \
	agent/model/plan_group.c \
	agent/model/plan_leave.c \
	agent/model/plan_member.c \
	agent/model/plan_move.c \
	agent/model/plan_node.c \
	agent/model/plan_report.c \
	agent/model/plan_restore.c \
	agent/model/plan_unit.c
agent_model_libmodel_a_SOURCES += \
	agent/model/db.c agent/model/db.h agent/model/db_private.h \
	agent/model/db_evaluate.c \
	agent/model/db_managed.c \
	agent/model/db_noderange.c \
	agent/model/db_object.c \
	agent/model/db_odd.c \
	agent/model/db_read.c \
	agent/model/db_table.c agent/model/db_table.h \
	agent/model/db_value.c
agent_model_libmodel_a_SOURCES += \
	agent/model/candidates.c agent/model/candidates.h \
	agent/model/move.c agent/model/move.h
agent_model_libmodel_a_SOURCES += \
	agent/model/expression.c agent/model/expression.h \
	agent/model/expression_field.c agent/model/expression_field.h \
	agent/model/expression_format.c agent/model/expression_format.h \
	agent/model/expression_int.c agent/model/expression_int.h \
	agent/model/expression_text.c agent/model/expression_text.h \
	agent/model/expression_token.c agent/model/expression_token.h \
	agent/model/expression_value.c agent/model/expression_value.h
agent_model_libmodel_a_SOURCES += \
	agent/model/noderange.c agent/model/noderange.h \
	agent/model/noderange_atom.c agent/model/noderange_eval.h \
	agent/model/noderange_compress.c agent/model/noderange_digits.c \
	agent/model/noderange_digits.h agent/model/noderange_filter.c \
	agent/model/noderange_fold.c agent/model/noderange_lex.c agent/model/noderange_lex.h \
	agent/model/noderange_list.c agent/model/noderange_list.h \
	agent/model/noderange_range.c agent/model/noderange_range.h \
	agent/model/noderange_space.c agent/model/noderange_space.h \
	agent/model/noderange_walk.c agent/model/noderange_walk.h \
	agent/model/regex.c agent/model/regex.h
agent_model_libmodel_a_SOURCES += \
	agent/model/backup.c agent/model/backup.h agent/model/backup_private.h \
	agent/model/backup_check.c
