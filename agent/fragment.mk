# Each before what it uses, as the linker wants them.
AGENT_LIBS = agent/command/libcommand.a agent/app/libapp.a agent/member/libmember.a \
	agent/write/libwrite.a agent/copy/libcopy.a agent/identity/libidentity.a \
	agent/record/librecord.a agent/log/liblog.a agent/api/libapi.a agent/enroll/libenroll.a \
	agent/etcd/libetcd.a agent/store/libstore.a agent/conf/libconf.a agent/trust/libtrust.a \
	agent/core/libcore.a agent/model/libmodel.a agent/io/libio.a agent/wire/libwire.a \
	agent/base/libbase.a $(CURL_LIBS) $(CJSON_LIBS) $(SSL_LIBS) $(CRYPTO_LIBS) $(CRYPT_LIBS) \
	$(CONFIG_LIBS) $(EVENT_LIBS) $(LMDB_LIBS) -lpthread

sbin_PROGRAMS += collectived
collectived_SOURCES = agent/main.c
collectived_CFLAGS = $(AM_CFLAGS)
collectived_LDADD = $(AGENT_LIBS)
