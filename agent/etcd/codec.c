/*
 * Answers of the gateway, decoded. One pass over the JSON fills a pool of kvs and one arena: base64
 * only shrinks, so that a body never needs more bytes than it has and nothing moves while pointers
 * are handed out.
 */
#include "config.h"
#include "etcd/codec.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/b64.h"
#include "base/mem.h"
#include "base/text.h"
#include "etcd/codec_json.h"
#include "etcd/frames.h"

void etcd_reply_done(struct etcd_reply *reply)
{
	free(reply->pool);
	free(reply->ops);
	free(reply->arena);
	secret_free(reply->token);
	*reply = (struct etcd_reply){0};
}

int etcd_json_header(struct etcd_header *ret, const json *object, struct err *err)
{
	int rc = 0;

	if (!rc)
		rc = json_u64(object, "header/cluster_id", &ret->cluster_id, err);
	if (!rc)
		rc = json_u64_or(object, "header/member_id", 0, &ret->member_id, err);
	if (!rc)
		rc = json_i64_or(object, "header/revision", 0, &ret->revision, err);
	if (!rc)
		rc = json_u64_or(object, "header/raft_term", 0, &ret->raft_term, err);
	if (rc < 0)
		return -EPROTO;
	if (ret->cluster_id == 0 || ret->revision < 0)
		return err_set(err, -EPROTO, "'header' has no cluster id or a negative revision");
	return 0;
}

static int decode_bytes(const json *object, const char *name, struct buf *arena, const char **ret,
	size_t *ret_len, struct err *err)
{
	size_t start = arena->len;
	int rc = json_b64(object, name, arena, err);

	if (rc == -ENOENT) {
		*ret = "";
		*ret_len = 0;
		return 0;
	}
	if (rc < 0)
		return -EPROTO;
	*ret = arena->data + start;
	*ret_len = arena->len - start;
	/* the NUL that the buf keeps behind its end becomes part of it */
	if (!buf_reserve(arena, 1))
		return err_set(err, -EPROTO, "'%s' does not fit", name);
	arena->data[arena->len++] = '\0';
	return 0;
}

int etcd_json_kv(struct etcd_kv *ret, const json *object, struct buf *arena, struct err *err)
{
	int rc = decode_bytes(object, "key", arena, &ret->key, &ret->key_len, err);

	if (!rc)
		rc = decode_bytes(object, "value", arena, &ret->value, &ret->value_len, err);
	if (!rc)
		rc = json_i64_or(object, "create_revision", 0, &ret->create_revision, err);
	if (!rc)
		rc = json_i64_or(object, "mod_revision", 0, &ret->mod_revision, err);
	if (!rc)
		rc = json_i64_or(object, "version", 0, &ret->version, err);
	if (!rc)
		rc = json_i64_or(object, "lease", 0, &ret->lease, err);
	if (rc < 0)
		return -EPROTO;
	if (!ret->key_len || ret->mod_revision <= 0)
		return err_set(err, -EPROTO, "a key-value pair has no key or no revision");
	return 0;
}

int etcd_json_array(const json *object, const char *name, const json **ret, struct err *err)
{
	int rc = json_array(object, name, ret, err);

	if (rc == -ENOENT) {
		*ret = NULL;
		return 0;
	}
	return rc < 0 ? -EPROTO : 0;
}

/* Room for all that a body of len bytes can hold; nothing in it moves afterwards. */
void etcd_arena_init(struct buf *arena, size_t len)
{
	buf_init(arena, len + 1);
	buf_reserve(arena, len + 1);
}

struct decoder {
	struct etcd_reply reply;
	json *root;
	struct buf arena;
	size_t used; /* of the pool */
};

static void decoder_done(struct decoder *d)
{
	json_wipe(d->root);
	buf_done(&d->arena);
	etcd_reply_done(&d->reply);
}

static int decoder_init(struct decoder *d, const char *body, size_t len, struct err *err)
{
	if (json_parse(body, len, &d->root, err) < 0)
		return err_wrap(err, -EPROTO, "the answer");
	if (!json_is_object(d->root))
		return err_set(err, -EPROTO, "the answer is no JSON object");
	etcd_arena_init(&d->arena, len);
	return 0;
}

/* Hands the answer over. */
static int decoder_finish(struct decoder *d, struct etcd_reply *ret)
{
	d->reply.arena = buf_take(&d->arena);
	*ret = d->reply;
	d->reply = (struct etcd_reply){0};
	return 0;
}

static int decode_kvs(struct decoder *d, const json *array, const struct etcd_kv **ret,
	size_t *ret_n, struct err *err)
{
	struct etcd_kv *first = d->reply.pool + d->used;
	const json *item;
	size_t n = 0;

	json_foreach(item, array)
	{
		if (etcd_json_kv(&first[n], item, &d->arena, err) < 0)
			return err_wrap(err, -EPROTO, "kvs[%zu]", n);
		n++;
	}
	d->used += n;
	*ret = first;
	*ret_n = n;
	return 0;
}

int etcd_decode_range(struct etcd_reply *ret, const char *body, size_t len, struct err *err)
{
	CLEANUP(decoder_done) struct decoder d = {.root = NULL};
	const struct etcd_kv *kvs;
	const json *array;

	if (decoder_init(&d, body, len, err) < 0 ||
		etcd_json_header(&d.reply.header, d.root, err) < 0 ||
		etcd_json_array(d.root, "kvs", &array, err) < 0)
		return -EPROTO;
	d.reply.pool = xcalloc(json_count(array), sizeof(*d.reply.pool));
	if (decode_kvs(&d, array, &kvs, &d.reply.n_kvs, err) < 0 ||
		json_bool_or(d.root, "more", false, &d.reply.more, err) < 0 ||
		json_i64_or(d.root, "count", 0, &d.reply.count, err) < 0)
		return -EPROTO;
	d.reply.kvs = d.reply.pool;
	return decoder_finish(&d, ret);
}

static int decode_op(
	struct decoder *d, const json *item, struct etcd_op_reply *ret, struct err *err)
{
	const json *got = json_get(item, "response_range");
	const json *deleted = json_get(item, "response_delete_range");
	const json *array;

	if (got) {
		ret->kind = ETCD_OP_GET;
		if (etcd_json_array(got, "kvs", &array, err) < 0 ||
			decode_kvs(d, array, &ret->kvs, &ret->n_kvs, err) < 0 ||
			json_bool_or(got, "more", false, &ret->more, err) < 0 ||
			json_i64_or(got, "count", 0, &ret->count, err) < 0)
			return -EPROTO;
		return 0;
	}
	if (deleted) {
		ret->kind = ETCD_OP_DELETE;
		return json_i64_or(deleted, "deleted", 0, &ret->deleted, err) < 0 ? -EPROTO : 0;
	}
	if (!json_get(item, "response_put"))
		return err_set(err, -EPROTO, "neither a range, a put nor a delete");
	ret->kind = ETCD_OP_PUT;
	return 0;
}

int etcd_decode_txn(struct etcd_reply *ret, const char *body, size_t len, struct err *err)
{
	CLEANUP(decoder_done) struct decoder d = {.root = NULL};
	const json *array;
	const json *item;
	size_t kvs = 0;

	if (decoder_init(&d, body, len, err) < 0 ||
		etcd_json_header(&d.reply.header, d.root, err) < 0 ||
		json_bool_or(d.root, "succeeded", false, &d.reply.succeeded, err) < 0 ||
		etcd_json_array(d.root, "responses", &array, err) < 0)
		return -EPROTO;
	json_foreach(item, array) kvs += json_count(json_at(item, "response_range/kvs"));
	d.reply.pool = xcalloc(kvs, sizeof(*d.reply.pool));
	d.reply.ops = xcalloc(json_count(array), sizeof(*d.reply.ops));
	json_foreach(item, array)
	{
		if (decode_op(&d, item, &d.reply.ops[d.reply.n_ops], err) < 0)
			return err_wrap(err, -EPROTO, "responses[%zu]", d.reply.n_ops);
		d.reply.n_ops++;
	}
	return decoder_finish(&d, ret);
}

static int decode_lease(struct decoder *d, const json *object, struct err *err)
{
	if (etcd_json_header(&d->reply.header, object, err) < 0 ||
		json_i64_or(object, "ID", 0, &d->reply.lease, err) < 0 ||
		json_i64_or(object, "TTL", 0, &d->reply.ttl, err) < 0)
		return -EPROTO;
	/* a lease that is gone has a TTL of zero or, asked for its time to live, -1 */
	d->reply.ttl = MIN(MAX(d->reply.ttl, 0), ETCD_TTL_MAX);
	return 0;
}

int etcd_decode_grant(struct etcd_reply *ret, const char *body, size_t len, struct err *err)
{
	CLEANUP(decoder_done) struct decoder d = {.root = NULL};

	if (decoder_init(&d, body, len, err) < 0 || decode_lease(&d, d.root, err) < 0)
		return -EPROTO;
	return decoder_finish(&d, ret);
}

static void frames_done(struct etcd_frames *frames)
{
	etcd_frames_done(frames);
}

int etcd_decode_keepalive(struct etcd_reply *ret, const char *body, size_t len, struct err *err)
{
	CLEANUP(decoder_done) struct decoder d = {.root = NULL};
	CLEANUP(frames_done) struct etcd_frames frames;
	const char *message;
	size_t message_len;
	int rc;

	etcd_frames_init(&frames, len);
	if (etcd_frames_add(&frames, body, len, err) < 0)
		return -EPROTO;
	rc = etcd_frames_next(&frames, &message, &message_len, err);
	if (rc < 0)
		return -EPROTO;
	if (rc == 0)
		return err_set(err, -EPROTO, "the answer is empty or cut short");
	if (decoder_init(&d, message, message_len, err) < 0)
		return -EPROTO;
	if (json_get(d.root, "error"))
		return err_set(err, -EREMOTEIO, "the answer is an error");
	if (!json_is_object(json_get(d.root, "result")))
		return err_set(err, -EPROTO, "'result' is missing");
	if (decode_lease(&d, json_get(d.root, "result"), err) < 0)
		return err_wrap(err, -EPROTO, "result");
	return decoder_finish(&d, ret);
}

int etcd_decode_header(struct etcd_reply *ret, const char *body, size_t len, struct err *err)
{
	CLEANUP(decoder_done) struct decoder d = {.root = NULL};

	if (decoder_init(&d, body, len, err) < 0 ||
		etcd_json_header(&d.reply.header, d.root, err) < 0)
		return -EPROTO;
	return decoder_finish(&d, ret);
}

int etcd_decode_authenticate(struct etcd_reply *ret, const char *body, size_t len, struct err *err)
{
	CLEANUP(decoder_done) struct decoder d = {.root = NULL};
	const char *token;

	if (decoder_init(&d, body, len, err) < 0 ||
		etcd_json_header(&d.reply.header, d.root, err) < 0 ||
		json_str(d.root, "token", &token, err) < 0)
		return -EPROTO;
	/* it goes into a header line as it is */
	for (const char *p = token; *p; p++)
		if (*p <= ' ' || *p > '~')
			return err_set(err, -EPROTO, "'token' has characters that no token has");
	if (!*token)
		return err_set(err, -EPROTO, "'token' is empty");
	d.reply.token = xstrdup(token);
	return decoder_finish(&d, ret);
}

int etcd_decode_version(
	char version[ETCD_VERSION_MAX], const char *body, size_t len, struct err *err)
{
	CLEANUP(json_freep) json *root = NULL;
	const char *text;
	size_t n;

	if (json_parse(body, len, &root, err) < 0)
		return err_wrap(err, -EPROTO, "the answer");
	if (json_str(root, "etcdserver", &text, err) < 0)
		return -EPROTO;
	n = strspn(text, "0123456789.abcdefghijklmnopqrstuvwxyz-+~");
	if (!n || text[n] || n >= ETCD_VERSION_MAX)
		return err_set(err, -EPROTO, "'etcdserver' is no version");
	snprintf(version, ETCD_VERSION_MAX, "%s", text);
	return 0;
}

void etcd_watch_message_done(struct etcd_watch_message *message)
{
	free(message->events);
	free(message->arena);
	*message = (struct etcd_watch_message){0};
}

static int decode_events(
	struct etcd_watch_message *message, const json *array, struct buf *arena, struct err *err)
{
	const json *item;

	message->events = xcalloc(json_count(array), sizeof(*message->events));
	json_foreach(item, array)
	{
		struct etcd_event *event = &message->events[message->n_events];
		const char *type;
		const json *kv;

		if (json_str_or(item, "type", "PUT", &type, err) < 0 ||
			json_object(item, "kv", &kv, err) < 0 ||
			etcd_json_kv(&event->kv, kv, arena, err) < 0)
			return err_wrap(err, -EPROTO, "events[%zu]", message->n_events);
		event->deleted = text_eq(type, "DELETE");
		if (!event->deleted && !text_eq(type, "PUT"))
			return err_set(err, -EPROTO, "events[%zu]: neither a put nor a delete",
				message->n_events);
		message->n_events++;
	}
	return 0;
}

static int decode_watch_result(
	struct etcd_watch_message *message, const json *result, struct buf *arena, struct err *err)
{
	const json *events;
	const char *reason;

	if (etcd_json_header(&message->header, result, err) < 0 ||
		json_bool_or(result, "created", false, &message->created, err) < 0 ||
		json_bool_or(result, "canceled", false, &message->canceled, err) < 0 ||
		json_bool_or(result, "fragment", false, &message->fragment, err) < 0 ||
		json_i64_or(result, "compact_revision", 0, &message->compact_revision, err) < 0 ||
		json_str_or(result, "cancel_reason", "", &reason, err) < 0 ||
		etcd_json_array(result, "events", &events, err) < 0 ||
		decode_events(message, events, arena, err) < 0)
		return err_wrap(err, -EPROTO, "result");
	if (*reason) {
		message->failed = true;
		etcd_error_from_reason(&message->error, reason);
	}
	return 0;
}

static void message_done(struct etcd_watch_message *message)
{
	etcd_watch_message_done(message);
}

int etcd_decode_watch(struct etcd_watch_message *ret, const char *line, size_t len, struct err *err)
{
	CLEANUP(message_done) struct etcd_watch_message message = {.created = false};
	CLEANUP(json_freep) json *root = NULL;
	CLEANUP(buf_done) struct buf arena = BUF_INIT(0);

	if (json_parse(line, len, &root, err) < 0)
		return err_wrap(err, -EPROTO, "a message of the watch");
	if (json_get(root, "error")) {
		message.failed = true;
		etcd_decode_error(&message.error, 200, line, len);
	} else if (!json_is_object(json_get(root, "result"))) {
		return err_set(err, -EPROTO, "a message of the watch: 'result' is missing");
	} else {
		etcd_arena_init(&arena, len);
		if (decode_watch_result(&message, json_get(root, "result"), &arena, err) < 0)
			return err_wrap(err, -EPROTO, "a message of the watch");
	}
	message.arena = buf_take(&arena);
	*ret = message;
	message = (struct etcd_watch_message){0};
	return 0;
}
