noinst_LIBRARIES += agent/identity/libidentity.a
agent_identity_libidentity_a_SOURCES = \
	agent/identity/address.c agent/identity/address.h \
	agent/identity/certmaker.c agent/identity/certmaker.h \
	agent/identity/identity.c agent/identity/identity.h \
	agent/identity/install.c agent/identity/install.h \
	agent/identity/keyring.c agent/identity/keyring.h
