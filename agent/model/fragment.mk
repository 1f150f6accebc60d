noinst_LIBRARIES += agent/model/libmodel.a
agent_model_libmodel_a_SOURCES = agent/model/natsort.c agent/model/natsort.h
agent_model_libmodel_a_SOURCES += \
	agent/model/attribute.c agent/model/attribute.h agent/model/attributes.def
