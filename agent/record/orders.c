/*
 * The happy path: each key is read as it comes and replaces what was known under its name; whoever
 * wants to know looks here, and sees by the serial whether something is different.
 *
 * Failures: a value that can't be read is odd (its reader is told so, once). An administrator who stops
 * something by hand means to stop it, however he spells it: so a pause or a drain counts all the same.
 */
#include "config.h"
#include "record/orders.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/text.h"
#include "core/roster.h"
#include "etcd/codec.h"
#include "model/natsort.h"
#include "record/field.h"

#define VALUE_MAX  8192 /* bytes of a value */
#define DRAINS_MAX ROSTER_MAX

struct kept {
	struct order order;
	bool listed;
};

struct orders {
	struct kept pause, rebalance;
	struct list drains; /* of order.link of struct kept, natural order */
	size_t n_drains;
	uint64_t serial;
};

struct orders *orders_new(void)
{
	struct orders *o = xcalloc(1, sizeof(*o));

	list_init(&o->drains);
	o->serial = 1;
	return o;
}

static struct kept *kept_of(struct order *order)
{
	return CONTAINER_OF(order, struct kept, order);
}

static void drop_drain(struct orders *o, struct order *order)
{
	list_del(&order->link);
	o->n_drains--;
	o->serial++;
	free(kept_of(order));
}

void orders_free(struct orders *o)
{
	struct order *order, *tmp;

	if (!o)
		return;
	list_foreach_safe (order, tmp, &o->drains, link)
		drop_drain(o, order);
	free(o);
}

/* ---- the value of a key ---- */

static int decode_fields(struct order *ret, const json *object, struct err *err)
{
	int rc = field_name(object, "by", ret->by, sizeof(ret->by), err);

	if (rc == 0)
		rc = field_text(object, "actor", ret->actor, sizeof(ret->actor), err);
	if (rc == 0)
		rc = field_text(object, "reason", ret->reason, sizeof(ret->reason), err);
	if (rc == 0)
		rc = field_time(object, "at", &ret->at, err);
	if (rc == 0)
		rc = json_bool_or(object, "force", false, &ret->force, err);
	if (rc == 0)
		rc = field_text(object, "id", ret->id, sizeof(ret->id), err);
	if (rc == 0)
		rc = field_count(object, "max", &ret->max, err);
	if (rc == 0)
		rc = field_count(object, "left", &ret->left, err);
	return rc;
}

int order_decode(struct order *ret, const char *path, const struct etcd_kv *kv, struct err *err)
{
	const char *member = text_after(path, ORDERS_DRAINS);
	CLEANUP(json_freep) json *object = NULL;
	struct order order = {.mod_revision = kv->mod_revision};
	int rc;

	if (member)
		snprintf(order.member, sizeof(order.member), "%s", member);
	*ret = order;
	if (kv->value_len > VALUE_MAX)
		return err_set(err, -EINVAL, "the value is larger than %d bytes", VALUE_MAX);
	rc = json_parse(kv->value, kv->value_len, &object, err);
	if (rc == 0 && !json_is_object(object))
		rc = err_set(err, -EINVAL, "the value is no object");
	if (rc == 0)
		rc = decode_fields(&order, object, err);
	if (rc == 0)
		*ret = order;
	return rc < 0 ? -EINVAL : 0;
}

static void set_text(json *object, const char *name, const char *text)
{
	if (*text)
		json_set_str(object, name, text);
}

/* Without the member, which the key names. */
static json *to_json(const struct order *order)
{
	json *object = json_new_object();

	set_text(object, "by", order->by);
	set_text(object, "actor", order->actor);
	if (order->at)
		json_set_seconds(object, "at", order->at);
	set_text(object, "reason", order->reason);
	if (order->force)
		json_set_bool(object, "force", true);
	set_text(object, "id", order->id);
	if (order->max)
		json_set_i64(object, "max", order->max);
	if (order->left)
		json_set_i64(object, "left", order->left);
	return object;
}

char *order_encode(const struct order *order)
{
	CLEANUP(json_freep) json *object = to_json(order);
	struct buf b = BUF_INIT(VALUE_MAX);

	/* the longest text, every character of it escaped, fits */
	if (json_print(object, &b) < 0)
		abort();
	return buf_take(&b);
}

json *order_tell(const struct order *order)
{
	json *object = to_json(order);

	set_text(object, "member", order->member);
	return object;
}

char *order_text(const struct order *order)
{
	struct buf b = BUF_INIT(VALUE_MAX);
	time_t seconds = (time_t)(order->at / USEC_PER_SEC);
	char when[64] = "";
	struct tm tm;
	int rc = 0;

	if (*order->actor)
		rc = buf_printf(&b, "by %s", order->actor);
	if (rc == 0 && *order->by)
		rc = buf_printf(&b, "%son %s", b.len ? " " : "", order->by);
	if (order->at && gmtime_r(&seconds, &tm) &&
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S UTC", &tm) && rc == 0)
		rc = buf_printf(&b, "%sat %s", b.len ? " " : "", when);
	if (rc == 0 && *order->reason)
		rc = buf_printf(&b, "%s%s", b.len ? ": " : "", order->reason);
	if (rc < 0 || !b.len) {
		buf_done(&b);
		return xstrdup("");
	}
	return buf_take(&b);
}

/* ---- feeding ---- */

void orders_begin(struct orders *o)
{
	struct order *order;

	o->pause.listed = o->rebalance.listed = false;
	list_foreach (order, &o->drains, link)
		kept_of(order)->listed = false;
}

static void forget(struct orders *o, struct kept *kept)
{
	if (kept->order.mod_revision)
		o->serial++;
	*kept = (struct kept){.listed = false};
}

void orders_end(struct orders *o)
{
	struct order *order, *tmp;

	if (!o->pause.listed)
		forget(o, &o->pause);
	if (!o->rebalance.listed)
		forget(o, &o->rebalance);
	list_foreach_safe (order, tmp, &o->drains, link) {
		if (!kept_of(order)->listed)
			drop_drain(o, order);
	}
}

static struct order *find_drain(const struct orders *o, const char *member)
{
	struct order *order;

	list_foreach (order, &o->drains, link) {
		if (text_eq(order->member, member))
			return order;
	}
	return NULL;
}

/* Before the first one that is behind it. */
static struct kept *new_drain(struct orders *o, const char *member)
{
	struct kept *kept = xcalloc(1, sizeof(*kept));
	struct order *order;
	struct list *before = &o->drains;

	list_foreach (order, &o->drains, link) {
		if (natsort_compare(order->member, member) > 0) {
			before = &order->link;
			break;
		}
	}
	list_add_tail(before, &kept->order.link);
	o->n_drains++;
	return kept;
}

static void keep(struct orders *o, struct kept *kept, const struct order *order)
{
	struct list link = kept->order.link;

	if (kept->order.mod_revision != order->mod_revision)
		o->serial++;
	kept->order = *order;
	kept->order.link = link;
	kept->listed = true;
}

static int take_single(struct orders *o, struct kept *kept, const char *path,
	const struct etcd_kv *kv, bool deleted, bool counts, struct err *err)
{
	struct order order;
	int rc;

	if (deleted) {
		forget(o, kept);
		return 0;
	}
	rc = order_decode(&order, path, kv, err);
	if (rc < 0 && !counts)
		forget(o, kept);
	else
		keep(o, kept, &order);
	return rc;
}

static int take_drain(struct orders *o, const char *member, const char *path,
	const struct etcd_kv *kv, bool deleted, struct err *err)
{
	struct order *known;
	struct order order;
	int rc;

	if (!name_valid(member))
		return deleted ? 0 : name_check(member, err);
	known = find_drain(o, member);
	if (deleted) {
		if (known)
			drop_drain(o, known);
		return 0;
	}
	if (!known && o->n_drains == DRAINS_MAX)
		return err_set(err, -EINVAL, "there are more than %d drains", DRAINS_MAX);
	rc = order_decode(&order, path, kv, err);
	keep(o, known ? kept_of(known) : new_drain(o, member), &order);
	return rc;
}

static int take_rebalance(
	struct orders *o, const char *path, const struct etcd_kv *kv, bool deleted, struct err *err)
{
	int rc = take_single(o, &o->rebalance, path, kv, deleted, false, err);

	if (rc == 0 && !deleted && !*o->rebalance.order.id) {
		forget(o, &o->rebalance);
		rc = err_set(err, -EINVAL, "'id' is missing");
	}
	return rc;
}

bool orders_key(struct orders *o, const char *path, const struct etcd_kv *kv, bool deleted,
	int *ret_rc, struct err *err)
{
	const char *member = text_after(path, ORDERS_DRAINS);

	if (text_eq(path, ORDERS_PAUSE))
		*ret_rc = take_single(o, &o->pause, path, kv, deleted, true, err);
	else if (text_eq(path, ORDERS_REBALANCE))
		*ret_rc = take_rebalance(o, path, kv, deleted, err);
	else if (member)
		*ret_rc = take_drain(o, member, path, kv, deleted, err);
	else
		return false;
	return true;
}

uint64_t orders_serial(const struct orders *o)
{
	return o->serial;
}

/* ---- reading ---- */

const struct order *orders_pause(const struct orders *o)
{
	return o->pause.order.mod_revision ? &o->pause.order : NULL;
}

const struct order *orders_rebalance(const struct orders *o)
{
	return o->rebalance.order.mod_revision ? &o->rebalance.order : NULL;
}

const struct order *orders_drain(const struct orders *o, const char *member)
{
	return find_drain(o, member);
}

const struct list *orders_drains(const struct orders *o)
{
	return &o->drains;
}
