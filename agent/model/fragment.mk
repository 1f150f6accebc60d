noinst_LIBRARIES += agent/model/libmodel.a
agent_model_libmodel_a_SOURCES = agent/model/natsort.c agent/model/natsort.h
