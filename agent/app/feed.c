#include "config.h"
#include "app/feed.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "app/identity.h"
#include "app/odd.h"
#include "app/view.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"

/* Active keys come before the records in a listing; they are held back until those are known, so that
 * foreign ones take no member's place. More than this many are not. */
#define HELD_MAX 4096

struct held {
	struct list link;
	struct view_active view;
	char name[NAME_MAX_LEN + 1];
};

struct feed {
	const struct identity *identity;
	char *prefix;
	struct odd *odd;
	bool listing;
	struct list held;
	size_t n_held;
	feed_event_fn *fn;
	void *arg;
};

struct feed *feed_new(
	const struct identity *identity, const char *prefix, feed_event_fn *fn, void *arg)
{
	struct feed *feed = xcalloc(1, sizeof(*feed));

	feed->identity = identity;
	feed->prefix = xstrdup(prefix);
	feed->odd = odd_new();
	list_init(&feed->held);
	feed->fn = fn;
	feed->arg = arg;
	return feed;
}

static void drop(struct feed *feed, struct held *held)
{
	list_del(&held->link);
	feed->n_held--;
	free(held);
}

static void drop_held(struct feed *feed)
{
	struct held *held, *tmp;

	list_foreach_safe (held, tmp, &feed->held, link)
		drop(feed, held);
}

void feed_free(struct feed *feed)
{
	if (!feed)
		return;
	drop_held(feed);
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
	view_member(
		&view, name, deleted ? NULL : kv, feed->identity->bundle, feed->identity->key_hash);
	if (deleted)
		view.info.mod_rev = kv->mod_revision;
	if (deleted || view.info.valid)
		odd_remove(feed->odd, kv->key);
	else if (odd_add(feed->odd, kv->key, kv->mod_revision))
		log_warning("registry", "the record of %s at revision %" PRId64 " is ignored: %s",
			name, kv->mod_revision, view.why.text);
	event.record = view.info;
	feed->fn(&event, feed->arg);
}

static void tell_active(struct feed *feed, const char *name, const struct view_active *view)
{
	struct coord_event event = {.kind = COORD_ACTIVE, .name = name, .key = view->info};

	feed->fn(&event, feed->arg);
}

static void hold(struct feed *feed, const char *name, const struct etcd_kv *kv)
{
	struct held *held = xcalloc(1, sizeof(*held));

	memcpy(held->name, name, strlen(name) + 1);
	view_active(&held->view, kv);
	list_add_tail(&feed->held, &held->link);
	feed->n_held++;
}

static void tell_held(struct feed *feed)
{
	struct held *held, *tmp;

	list_foreach_safe (held, tmp, &feed->held, link) {
		tell_active(feed, held->name, &held->view);
		drop(feed, held);
	}
}

static void take_active(struct feed *feed, const char *name, const struct etcd_kv *kv, bool deleted)
{
	struct view_active view;

	if (!name_valid(name))
		return;
	if (feed->listing && !deleted && feed->n_held < HELD_MAX) {
		hold(feed, name, kv);
		return;
	}
	view_active(&view, deleted ? NULL : kv);
	if (deleted)
		view.info.mod_rev = kv->mod_revision;
	tell_active(feed, name, &view);
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

void feed_key(struct feed *feed, const struct etcd_kv *kv, bool deleted)
{
	const char *name;

	if ((name = below(feed, kv, "members/")))
		take_member(feed, name, kv, deleted);
	else if ((name = below(feed, kv, "active/")))
		take_active(feed, name, kv, deleted);
	else if ((name = below(feed, kv, "leader")) && !*name)
		take_leader(feed, kv, deleted);
	else if ((name = below(feed, kv, "collective")) && !*name && !deleted)
		take_collective(feed, kv);
}

void feed_begin(struct feed *feed, int64_t revision)
{
	struct coord_event event = {.kind = COORD_VIEW_BEGIN, .revision = revision};

	odd_begin(feed->odd);
	drop_held(feed);
	feed->listing = true;
	feed->fn(&event, feed->arg);
}

void feed_end(struct feed *feed, int64_t revision)
{
	struct coord_event event = {.kind = COORD_VIEW_END, .revision = revision};

	odd_end(feed->odd);
	feed->listing = false;
	tell_held(feed);
	feed->fn(&event, feed->arg);
}

size_t feed_odd_keys(const struct feed *feed)
{
	return odd_count(feed->odd);
}
