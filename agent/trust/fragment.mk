noinst_LIBRARIES += agent/trust/libtrust.a
agent_trust_libtrust_a_CFLAGS = $(AM_CFLAGS) $(CRYPTO_CFLAGS) $(CRYPT_CFLAGS)
agent_trust_libtrust_a_SOURCES = \
	agent/trust/bundle.c agent/trust/bundle.h agent/trust/bundle_fields.h \
	agent/trust/bundle_text.c \
	agent/trust/ca.c agent/trust/ca.h \
	agent/trust/cert.c agent/trust/cert.h \
	agent/trust/csr.c agent/trust/csr.h \
	agent/trust/hashed.c agent/trust/hashed.h \
	agent/trust/issue.c agent/trust/issue.h \
	agent/trust/kdf.c agent/trust/kdf.h \
	agent/trust/keyset.c agent/trust/keyset.h \
	agent/trust/ossl.c agent/trust/ossl.h \
	agent/trust/privkey.c agent/trust/privkey.h \
	agent/trust/record.c agent/trust/record.h \
	agent/trust/seal.c agent/trust/seal.h \
	agent/trust/token.c agent/trust/token.h \
	agent/trust/wrap.c agent/trust/wrap.h
