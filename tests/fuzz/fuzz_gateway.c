/* libs: etcd io wire base; pkg: CURL CJSON EVENT SSL CRYPTO */
/*
 * One answer of the gateway. The first byte says what it is an answer to; an answer that is taken
 * must keep what its header promises, one that is not must say why.
 */
#include "config.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "base/mem.h"
#include "etcd/codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef int decode_fn(struct etcd_reply *ret, const char *body, size_t len, struct err *err);

static decode_fn *const decoders[] = {etcd_decode_range, etcd_decode_txn, etcd_decode_grant,
	etcd_decode_keepalive, etcd_decode_header, etcd_decode_authenticate};

static void require(int holds)
{
	if (!holds)
		abort();
}

static void check_kvs(const struct etcd_kv *kvs, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		require(kvs[i].key_len > 0 && kvs[i].key[kvs[i].key_len] == '\0');
		require(kvs[i].value[kvs[i].value_len] == '\0');
		require(kvs[i].mod_revision > 0);
		/* every byte is there to be read */
		free(xmemdup(kvs[i].key, kvs[i].key_len));
		free(xmemdup(kvs[i].value, kvs[i].value_len));
	}
}

static void check_reply(const struct etcd_reply *reply)
{
	require(reply->header.cluster_id != 0 && reply->header.revision >= 0);
	require(reply->ttl >= 0);
	check_kvs(reply->kvs, reply->n_kvs);
	for (size_t i = 0; i < reply->n_ops; i++)
		check_kvs(reply->ops[i].kvs, reply->ops[i].n_kvs);
	for (const char *p = reply->token; p && *p; p++)
		require(*p > ' ' && *p <= '~');
}

static void check_error(const char *body, size_t len, int status)
{
	struct etcd_error error;

	etcd_decode_error(&error, status, body, len);
	require(error.kind != ETCD_ERROR_NONE && *error.text);
	require(error.code >= -1 && error.code <= 16);
	require(memchr(error.text, '\0', sizeof(error.text)) != NULL);
	for (const char *p = error.text; *p; p++)
		require((unsigned char)*p >= ' ' && *p != 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct etcd_reply reply = {.token = NULL};
	char version[ETCD_VERSION_MAX];
	struct err err = {""};
	char *body;
	size_t which;

	if (size < 1 || size > (1 << 20))
		return 0;
	which = data[0] % (ARRAY_SIZE(decoders) + 2);
	/* of its own size, so that a sanitizer sees a read too far */
	body = xmemdup(data + 1, size - 1);
	if (which < ARRAY_SIZE(decoders)) {
		if (decoders[which](&reply, body, size - 1, &err) == 0)
			check_reply(&reply);
		else
			require(*err.text != '\0' && !reply.pool && !reply.arena);
	} else if (which == ARRAY_SIZE(decoders)) {
		if (etcd_decode_version(version, body, size - 1, &err) < 0)
			require(*err.text != '\0');
	} else {
		check_error(body, size - 1, 200 + 100 * (data[0] >> 6));
	}
	etcd_reply_done(&reply);
	free(body);
	return 0;
}
