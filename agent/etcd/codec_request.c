/*
 * Requests as the gateway takes them in every version: padded base64, snake_case, 64-bit integers
 * as texts, "ID" in capitals (another spelling is silently ignored).
 */
#include "config.h"
#include "etcd/codec.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/b64.h"
#include "base/mem.h"
#include "wire/json.h"

char *etcd_prefix_end(const void *prefix, size_t len, size_t *ret_len)
{
	unsigned char *end = xmalloc(len + 1);

	if (len)
		memcpy(end, prefix, len);
	while (len && end[len - 1] == 0xff)
		len--;
	if (len) {
		end[len - 1]++;
		*ret_len = len;
	} else {
		end[0] = '\0';
		*ret_len = 1;
	}
	return (char *)end;
}

static int add_range(
	struct buf *b, const void *key, size_t key_len, const void *end, size_t end_len)
{
	CLEANUP(freep) char *key64 = b64_encode(key, key_len);
	CLEANUP(freep) char *end64 = end ? b64_encode(end, end_len) : NULL;

	if (!end)
		return buf_printf(b, "\"key\":\"%s\"", key64);
	return buf_printf(b, "\"key\":\"%s\",\"range_end\":\"%s\"", key64, end64);
}

static int add_i64(struct buf *b, const char *name, int64_t v)
{
	return v ? buf_printf(b, ",\"%s\":\"%" PRId64 "\"", name, v) : 0;
}

int etcd_encode_range(struct buf *b, const struct etcd_range_request *r)
{
	int rc = buf_str(b, "{");

	if (!rc)
		rc = add_range(b, r->key, r->key_len, r->end, r->end_len);
	if (!rc)
		rc = add_i64(b, "limit", r->limit);
	if (!rc)
		rc = add_i64(b, "revision", r->revision);
	if (!rc && r->serializable)
		rc = buf_str(b, ",\"serializable\":true");
	if (!rc && r->keys_only)
		rc = buf_str(b, ",\"keys_only\":true");
	return rc ? rc : buf_str(b, "}");
}

int etcd_encode_watch(struct buf *b, const void *key, size_t key_len, const void *end,
	size_t end_len, int64_t start_revision)
{
	int rc = buf_str(b, "{\"create_request\":{");

	if (!rc)
		rc = add_range(b, key, key_len, end, end_len);
	if (!rc)
		rc = add_i64(b, "start_revision", start_revision);
	return rc ? rc : buf_str(b, ",\"progress_notify\":true,\"fragment\":true}}");
}

int etcd_encode_grant(struct buf *b, int64_t lease, int64_t ttl)
{
	return buf_printf(b, "{\"ID\":\"%" PRId64 "\",\"TTL\":\"%" PRId64 "\"}", lease, ttl);
}

int etcd_encode_lease(struct buf *b, int64_t lease)
{
	return buf_printf(b, "{\"ID\":\"%" PRId64 "\"}", lease);
}

int etcd_encode_authenticate(struct buf *b, const char *user, const char *password)
{
	CLEANUP(json_wipep) json *root = json_new_object();

	json_set_str(root, "name", user);
	json_set_str(root, "password", password);
	return json_print(root, b);
}
