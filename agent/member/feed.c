#include "config.h"
#include "member/feed.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "core/roster.h"
#include "identity/identity.h"
#include "identity/keyring.h"
#include "io/clock.h"
#include "log/odd.h"
#include "record/history.h"
#include "record/orders.h"
#include "record/view.h"

/* Active keys come before the records in a listing; they are held back until those are known, so that
 * foreign ones take no member's place. The records are held back until the keys are known that they may
 * be authenticated with. More than this many are not: they are looked at in one go, which must not take
 * long even where all of them are junk. */
#define HELD_MAX (2 * ROSTER_MAX)

struct held {
	struct list link;
	struct etcd_kv kv; /* with texts of its own */
	char *key, *value;
};

struct holding {
	struct list list;
	size_t n;
};

struct feed {
	const struct identity *identity;
	char *prefix;
	struct odd *odd;
	bool listing;
	struct keyring *keyring;
	struct orders *orders;
	struct history *history;
	struct holding records, actives;
	feed_event_fn *fn;
	void *arg;
};

struct feed *feed_new(const struct feed_config *config, feed_event_fn *fn, void *arg)
{
	struct feed *feed = xcalloc(1, sizeof(*feed));

	feed->identity = config->identity;
	feed->keyring = config->keyring;
	feed->orders = config->orders;
	feed->history = config->history;
	feed->prefix = xstrdup(config->prefix);
	feed->odd = odd_new();
	list_init(&feed->records.list);
	list_init(&feed->actives.list);
	feed->fn = fn;
	feed->arg = arg;
	return feed;
}

static void drop(struct holding *holding, struct held *held)
{
	list_del(&held->link);
	holding->n--;
	free(held->key);
	free(held->value);
	free(held);
}

static void drop_all(struct holding *holding)
{
	struct held *held, *tmp;

	list_foreach_safe (held, tmp, &holding->list, link)
		drop(holding, held);
}

/* False: there is no room, or nothing to wait for. */
static bool hold(struct feed *feed, struct holding *holding, const struct etcd_kv *kv, bool deleted)
{
	struct held *held;

	if (!feed->listing || deleted || holding->n == HELD_MAX)
		return false;
	held = xcalloc(1, sizeof(*held));
	held->key = xstrdup(kv->key);
	held->value = xstrndup(kv->value, kv->value_len);
	held->kv = *kv;
	held->kv.key = held->key;
	held->kv.value = held->value;
	list_add_tail(&holding->list, &held->link);
	holding->n++;
	return true;
}

void feed_free(struct feed *feed)
{
	if (!feed)
		return;
	drop_all(&feed->records);
	drop_all(&feed->actives);
	odd_free(feed->odd);
	free(feed->prefix);
	free(feed);
}

static const char *below(const struct feed *feed, const struct etcd_kv *kv, const char *folder)
{
	const char *rest = text_after(kv->key, feed->prefix);

	if (!rest || strlen(kv->key) != kv->key_len)
		return NULL;
	return text_after(rest, folder);
}

static void take_member(struct feed *feed, const char *name, const struct etcd_kv *kv, bool deleted)
{
	struct coord_event event = {.kind = COORD_MEMBER, .name = name};
	struct view_member view;

	if (!name_valid(name)) {
		if (!deleted && odd_add(feed->odd, kv->key, kv->mod_revision))
			log_warning("registry", "a key below members/ is no member's: ignored");
		return;
	}
	if (hold(feed, &feed->records, kv, deleted))
		return;
	view_member(
		&view, name, deleted ? NULL : kv, feed->identity->bundle, feed->identity->key_hash);
	if (deleted)
		view.info.mod_rev = kv->mod_revision;
	if (deleted || view.info.valid)
		odd_remove(feed->odd, kv->key);
	else if (odd_add(feed->odd, kv->key, kv->mod_revision))
		log_warning("registry", "the record of %s at revision %" PRId64 " is ignored: %s",
			name, kv->mod_revision, view.why.text);
	keyring_member(feed->keyring, name, deleted ? NULL : &view);
	event.record = view.info;
	feed->fn(&event, feed->arg);
}

static void take_active(struct feed *feed, const char *name, const struct etcd_kv *kv, bool deleted)
{
	struct coord_event event = {.kind = COORD_ACTIVE, .name = name};
	struct view_active view;

	if (!name_valid(name) || hold(feed, &feed->actives, kv, deleted))
		return;
	view_active(&view, deleted ? NULL : kv);
	if (deleted)
		view.info.mod_rev = kv->mod_revision;
	else
		keyring_active(feed->keyring, name, view.record.public_key);
	event.key = view.info;
	feed->fn(&event, feed->arg);
}

/* Keys first, then who may have been authenticated with them, then who is active of those. */
static void tell_held(struct feed *feed, int64_t revision)
{
	struct held *held;

	keyring_settle(feed->keyring, true);
	list_foreach (held, &feed->records.list, link)
		take_member(feed, below(feed, &held->kv, "members/"), &held->kv, false);
	list_foreach (held, &feed->actives.list, link)
		take_active(feed, below(feed, &held->kv, "active/"), &held->kv, false);
	keyring_end(feed->keyring, revision);
	drop_all(&feed->records);
	drop_all(&feed->actives);
}

static void take_leader(struct feed *feed, const struct etcd_kv *kv, bool deleted)
{
	struct coord_event event = {.kind = COORD_LEADER};
	struct view_leader view;

	view_leader(&view, deleted ? NULL : kv);
	if (deleted)
		view.info.mod_rev = kv->mod_revision;
	event.key = view.info;
	feed->fn(&event, feed->arg);
}

static void take_collective(struct feed *feed, const struct etcd_kv *kv)
{
	struct collective_record record;
	struct err err = {""};

	if (collective_record_decode(&record, kv->value, kv->value_len, &err) == 0) {
		if (text_eq(record.id, feed->identity->bundle->id)) {
			odd_remove(feed->odd, kv->key);
			return;
		}
		err_set(&err, -EINVAL, "it is %s's, not %s's", record.id,
			feed->identity->bundle->id);
	}
	if (odd_add(feed->odd, kv->key, kv->mod_revision))
		log_error("registry", "the key %s in etcd is not this collective's: %s", kv->key,
			err.text);
}

static void take_rekey(struct feed *feed, const char *path, const struct etcd_kv *kv, bool deleted)
{
	char shown[TEXT_PRINTABLE_MAX];
	struct err err = {""};
	int rc = keyring_key(feed->keyring, path, kv, deleted, &err);

	if (rc == 0)
		odd_remove(feed->odd, kv->key);
	else if (odd_add(feed->odd, kv->key, kv->mod_revision))
		log_warning("rekey", "%s at revision %" PRId64 " is ignored: %s",
			text_printable(path, strlen(path), shown), kv->mod_revision, err.text);
	if (!feed->listing)
		keyring_settle(feed->keyring, false);
}

static void take_other(struct feed *feed, const char *path, const struct etcd_kv *kv, bool deleted)
{
	char shown[TEXT_PRINTABLE_MAX];
	struct err err = {""};
	const char *module = "orders";
	int rc;

	if (!orders_key(feed->orders, path, kv, deleted, &rc, &err)) {
		module = "history";
		if (!history_key(feed->history, path, kv, deleted, clock_boot(), clock_wall(), &rc,
			    &err))
			return;
	}
	if (rc == 0)
		odd_remove(feed->odd, kv->key);
	else if (odd_add(feed->odd, kv->key, kv->mod_revision))
		log_warning(module, "%s at revision %" PRId64 " can't be read: %s",
			text_printable(kv->key, kv->key_len, shown), kv->mod_revision, err.text);
}

void feed_key(struct feed *feed, const struct etcd_kv *kv, bool deleted)
{
	const char *name;

	if (!feed->listing)
		keyring_seen(feed->keyring, kv->mod_revision);
	if ((name = below(feed, kv, "members/")))
		take_member(feed, name, kv, deleted);
	else if ((name = below(feed, kv, "active/")))
		take_active(feed, name, kv, deleted);
	else if ((name = below(feed, kv, "leader")) && !*name)
		take_leader(feed, kv, deleted);
	else if (below(feed, kv, "rekey/"))
		take_rekey(feed, below(feed, kv, ""), kv, deleted);
	else if ((name = below(feed, kv, "collective")) && !*name && !deleted)
		take_collective(feed, kv);
	else if ((name = below(feed, kv, "")))
		take_other(feed, name, kv, deleted);
}

void feed_begin(struct feed *feed, int64_t revision)
{
	struct coord_event event = {.kind = COORD_VIEW_BEGIN, .revision = revision};

	odd_begin(feed->odd);
	drop_all(&feed->records);
	drop_all(&feed->actives);
	keyring_begin(feed->keyring);
	orders_begin(feed->orders);
	history_begin(feed->history);
	feed->listing = true;
	feed->fn(&event, feed->arg);
}

void feed_end(struct feed *feed, int64_t revision)
{
	struct coord_event event = {.kind = COORD_VIEW_END, .revision = revision};

	odd_end(feed->odd);
	feed->listing = false;
	tell_held(feed, revision);
	orders_end(feed->orders);
	history_end(feed->history);
	feed->fn(&event, feed->arg);
}

void feed_early(struct feed *feed, const char *path, const char *value, size_t len)
{
	keyring_early(feed->keyring, path, value, len);
	keyring_settle(feed->keyring, false);
}

size_t feed_odd_keys(const struct feed *feed)
{
	return odd_count(feed->odd);
}
