/*
 * An entry of history as JSON: as it is in etcd, and as it is told to who asks.
 *
 * Names come from values that anybody may have typed, and reasons quote them: what goes into etcd is made
 * valid first, so that no entry that a member writes is odd.
 */
#include "config.h"
#include "record/history.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "record/field.h"

/* Every character of every text escaped. */
#define VALUE_MAX ((size_t)128 << 10)

static const char *const kinds[HISTORY_KINDS] = {
	[HISTORY_LEADER] = "leader",
	[HISTORY_RESIGN] = "resign",
	[HISTORY_FAILOVER] = "failover",
	[HISTORY_DRAIN] = "drain",
	[HISTORY_REBALANCE] = "rebalance",
	[HISTORY_DRAIN_ORDERED] = "drain-ordered",
	[HISTORY_DRAIN_ENDED] = "drain-ended",
	[HISTORY_PAUSED] = "paused",
	[HISTORY_RESUMED] = "resumed",
	[HISTORY_REBALANCE_ORDERED] = "rebalance-ordered",
};

const char *history_kind_name(enum history_kind kind)
{
	return kinds[kind];
}

void history_entry_done(struct history_entry *entry)
{
	free(TAKE(entry->reason));
	free(TAKE(entry->counts));
	entry->n_counts = 0;
}

/* ---- encoding ---- */

/* ASCII only: every other byte as '?'. */
static void set_ascii(json *object, const char *name, const char *text)
{
	CLEANUP(freep) char *clean = xstrdup(text);

	for (char *p = clean; *p; p++) {
		if ((unsigned char)*p < 0x20 || (unsigned char)*p >= 0x7f)
			*p = '?';
	}
	if (*clean)
		json_set_str(object, name, clean);
}

static void set_reason(json *object, const char *reason, bool ascii)
{
	size_t len = reason ? strlen(reason) : 0;
	CLEANUP(freep) char *cut = NULL;

	if (len > HISTORY_REASON_MAX) {
		len = HISTORY_REASON_MAX;
		/* not in the middle of a character */
		while (len && (reason[len] & 0xc0) == 0x80)
			len--;
	}
	if (!len)
		return;
	cut = xstrndup(reason, len);
	if (ascii)
		set_ascii(object, "reason", cut);
	else
		json_set_str(object, "reason", cut);
}

static void set_moves(json *object, const struct history_entry *e)
{
	json *moves;

	if (!e->n_counts)
		return;
	moves = json_set(object, "moves", json_new_array());
	for (size_t i = 0; i < e->n_counts; i++) {
		json *move = json_add(moves, json_new_object());

		set_ascii(move, "from", e->counts[i].from);
		set_ascii(move, "to", e->counts[i].to);
		json_set_number(move, "nodes", (int64_t)e->counts[i].nodes);
	}
}

static json *to_json(const struct history_entry *e, bool ascii)
{
	json *object = json_new_object();

	json_set_str(object, "kind", kinds[e->kind]);
	json_set_seconds(object, "at", e->at);
	set_ascii(object, "by", e->by);
	set_ascii(object, "actor", e->actor);
	set_ascii(object, "member", e->member);
	set_ascii(object, "from", e->from);
	set_ascii(object, "to", e->to);
	set_reason(object, e->reason, ascii);
	if (e->fence)
		json_set_i64(object, "fence", e->fence);
	return object;
}

static char *print(const struct history_entry *e, bool ascii)
{
	CLEANUP(json_freep) json *object = to_json(e, ascii);
	struct buf b = BUF_INIT(VALUE_MAX);

	set_ascii(object, "batch", e->batch);
	set_moves(object, e);
	/* all of it has ceilings */
	if (json_print(object, &b) < 0)
		abort();
	return buf_take(&b);
}

char *history_encode(const struct history_entry *e)
{
	char *text = print(e, false);
	CLEANUP(json_freep) json *check = NULL;

	if (json_parse(text, strlen(text), &check, NULL) == 0)
		return text;
	free(text);
	return print(e, true);
}

json *history_tell(const struct history_entry *e)
{
	json *object = to_json(e, false);
	int64_t nodes = 0;

	json_set_i64(object, "revision", e->revision);
	for (size_t i = 0; i < e->n_counts; i++)
		nodes += (int64_t)e->counts[i].nodes;
	if (e->n_counts)
		json_set_number(object, "nodes", nodes);
	set_moves(object, e);
	return object;
}

/* ---- decoding ---- */

static int decode_kind(const json *object, enum history_kind *ret, struct err *err)
{
	const char *name;
	int rc = json_str(object, "kind", &name, err);

	if (rc < 0)
		return rc;
	for (unsigned i = 0; i < HISTORY_KINDS; i++) {
		if (text_eq(name, kinds[i])) {
			*ret = (enum history_kind)i;
			return 0;
		}
	}
	return err_set(err, -EINVAL, "'kind' is none that this version knows");
}

static int decode_reason(const json *object, char **ret, struct err *err)
{
	const char *reason;
	int rc = json_str_or(object, "reason", NULL, &reason, err);

	if (rc < 0)
		return rc;
	if (reason && strlen(reason) > HISTORY_REASON_MAX)
		return err_set(
			err, -EINVAL, "'reason' is longer than %d bytes", HISTORY_REASON_MAX);
	*ret = xstrdup_null(reason);
	return 0;
}

static int decode_move(const json *object, struct history_count *ret, struct err *err)
{
	int64_t nodes;
	int rc = field_text(object, "from", ret->from, sizeof(ret->from), err);

	if (rc == 0)
		rc = field_text(object, "to", ret->to, sizeof(ret->to), err);
	if (rc == 0)
		rc = field_count(object, "nodes", &nodes, err);
	if (rc == 0 && nodes > INT32_MAX)
		rc = err_set(err, -EINVAL, "'nodes' is too large");
	if (rc == 0)
		ret->nodes = (size_t)nodes;
	return rc;
}

static int decode_moves(const json *object, struct history_entry *e, struct err *err)
{
	const json *moves, *it;
	size_t n;
	int rc;

	if (!json_at(object, "moves"))
		return 0;
	rc = json_array(object, "moves", &moves, err);
	if (rc < 0)
		return rc;
	n = json_count(moves);
	if (n > HISTORY_FROM_TO_MAX)
		return err_set(
			err, -EINVAL, "'moves' has more than %d entries", HISTORY_FROM_TO_MAX);
	e->counts = xcalloc(n, sizeof(*e->counts));
	json_foreach(it, moves)
	{
		rc = decode_move(it, &e->counts[e->n_counts], err);
		if (rc < 0)
			return rc;
		e->n_counts++;
	}
	return 0;
}

static int decode_fields(const json *object, struct history_entry *e, struct err *err)
{
	int rc = decode_kind(object, &e->kind, err);

	if (rc == 0)
		rc = field_time(object, "at", &e->at, err);
	if (rc == 0)
		rc = field_text(object, "by", e->by, sizeof(e->by), err);
	if (rc == 0)
		rc = field_text(object, "actor", e->actor, sizeof(e->actor), err);
	if (rc == 0)
		rc = field_text(object, "member", e->member, sizeof(e->member), err);
	if (rc == 0)
		rc = field_text(object, "from", e->from, sizeof(e->from), err);
	if (rc == 0)
		rc = field_text(object, "to", e->to, sizeof(e->to), err);
	if (rc == 0)
		rc = field_text(object, "batch", e->batch, sizeof(e->batch), err);
	if (rc == 0)
		rc = field_count(object, "fence", &e->fence, err);
	if (rc == 0)
		rc = decode_reason(object, &e->reason, err);
	return rc == 0 ? decode_moves(object, e, err) : rc;
}

int history_decode(struct history_entry *ret, const char *value, size_t len, struct err *err)
{
	CLEANUP(json_freep) json *object = NULL;
	struct history_entry e = {.n_counts = 0};
	int rc;

	if (len > VALUE_MAX)
		return err_set(err, -EINVAL, "the value is larger than %zu bytes", VALUE_MAX);
	rc = json_parse(value, len, &object, err);
	if (rc == 0 && !json_is_object(object))
		rc = err_set(err, -EINVAL, "the value is no object");
	if (rc == 0)
		rc = decode_fields(object, &e, err);
	if (rc < 0) {
		history_entry_done(&e);
		return -EINVAL;
	}
	*ret = e;
	return 0;
}
