/*
 * The happy path: entries are kept twice, sorted by key (to find one, and what a listing did not have)
 * and by revision (to read them). They come in both orders nearly sorted, so putting one in is cheap.
 *
 * Failures: what can't be read is odd, and not kept. When somebody fills the folder the oldest entries
 * make room here; the leader goes on removing those that are known.
 */
#include "config.h"
#include "record/history.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/text.h"
#include "core/roster.h"
#include "etcd/codec.h"
#include "etcd/txn.h"
#include "io/clock.h"

struct kept {
	struct history_entry entry;
	bool listed;
	unsigned users; /* the history, and who holds it */
};

struct moved {
	char name[NAME_MAX_LEN + 1];
	usec_t at;
	int64_t revision;
};

struct history {
	struct list by_revision; /* of entry.link */
	struct kept **at;	 /* by key */
	size_t n;
	bool listing;
	uint64_t serial;
	struct moved moved[ROSTER_MAX]; /* by name */
	size_t n_moved;
};

struct history *history_new(void)
{
	struct history *h = xcalloc(1, sizeof(*h));

	list_init(&h->by_revision);
	h->at = xcalloc(HISTORY_KEPT_MAX, sizeof(struct kept *));
	return h;
}

static void kept_drop(struct kept *kept)
{
	if (--kept->users > 0)
		return;
	history_entry_done(&kept->entry);
	free(kept);
}

/* It is history no more. */
static void forget(struct kept *kept)
{
	list_del(&kept->entry.link);
	kept_drop(kept);
}

void history_hold(const struct history_entry *entry)
{
	((struct kept *)CONTAINER_OF(entry, struct kept, entry))->users++;
}

void history_release(const struct history_entry *entry)
{
	kept_drop((struct kept *)CONTAINER_OF(entry, struct kept, entry));
}

void history_free(struct history *h)
{
	if (!h)
		return;
	for (size_t i = 0; i < h->n; i++)
		forget(h->at[i]);
	free(h->at);
	free(h);
}

/* ---- by key ---- */

/* The place of the first one that is not in front of key. */
static size_t place(const struct history *h, const char *key)
{
	size_t low = 0, high = h->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(h->at[middle]->entry.key, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool is_at(const struct history *h, size_t i, const char *key)
{
	return i < h->n && text_eq(h->at[i]->entry.key, key);
}

static void drop(struct history *h, size_t i)
{
	forget(h->at[i]);
	h->n--;
	memmove(h->at + i, h->at + i + 1, (h->n - i) * sizeof(struct kept *));
	h->serial++;
}

static void insert(struct history *h, struct kept *kept)
{
	struct list *before = &h->by_revision;
	size_t i;

	if (h->n == HISTORY_KEPT_MAX)
		drop(h, place(h, list_first(&h->by_revision, struct history_entry, link)->key));
	i = place(h, kept->entry.key);
	memmove(h->at + i + 1, h->at + i, (h->n - i) * sizeof(struct kept *));
	h->at[i] = kept;
	h->n++;
	h->serial++;
	while (before->prev != &h->by_revision &&
		list_entry(before->prev, struct history_entry, link)->revision >
			kept->entry.revision)
		before = before->prev;
	list_add_tail(before, &kept->entry.link);
}

/* ---- when members were moved away from ---- */

/* The place of the first one that is not in front of the name. */
static size_t moved_place(const struct history *h, const char *name)
{
	size_t low = 0, high = h->n_moved;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(h->moved[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct moved *find_moved(const struct history *h, const char *name)
{
	size_t i = moved_place(h, name);

	return i < h->n_moved && text_eq(h->moved[i].name, name) ? (struct moved *)&h->moved[i]
								 : NULL;
}

static void forget_moved(struct history *h)
{
	size_t oldest = 0;

	for (size_t i = 1; i < h->n_moved; i++) {
		if (h->moved[i].at < h->moved[oldest].at)
			oldest = i;
	}
	h->n_moved--;
	memmove(&h->moved[oldest], &h->moved[oldest + 1],
		(h->n_moved - oldest) * sizeof(h->moved[0]));
}

static struct moved *add_moved(struct history *h, const char *name)
{
	size_t i;

	if (h->n_moved == ARRAY_SIZE(h->moved))
		forget_moved(h);
	i = moved_place(h, name);
	memmove(&h->moved[i + 1], &h->moved[i], (h->n_moved - i) * sizeof(h->moved[0]));
	h->n_moved++;
	h->moved[i] = (struct moved){.at = 0};
	snprintf(h->moved[i].name, sizeof(h->moved[i].name), "%s", name);
	return &h->moved[i];
}

static void note_moved(struct history *h, const struct history_entry *e, usec_t at)
{
	for (size_t i = 0; i < e->n_counts; i++) {
		const char *name = e->counts[i].from;
		struct moved *moved = find_moved(h, name);

		if (!name_valid(name))
			continue;
		if (!moved) {
			moved = add_moved(h, name);
			moved->at = at;
		}
		moved->at = usec_max(moved->at, at);
	}
}

static void note_revision(struct history *h, const struct history_entry *e)
{
	if (e->kind != HISTORY_FAILOVER)
		return;
	for (size_t i = 0; i < e->n_counts; i++) {
		struct moved *moved = find_moved(h, e->counts[i].from);

		if (moved)
			moved->revision = MAX(moved->revision, e->revision);
	}
}

usec_t history_moved_at(const struct history *h, const char *member, int64_t *ret_revision)
{
	const struct moved *moved = find_moved(h, member);

	*ret_revision = moved ? moved->revision : 0;
	return moved ? moved->at : 0;
}

/* On this machine's clock; 0 is for never. */
static usec_t happened_at(
	const struct history *h, const struct history_entry *e, usec_t now, usec_t wall)
{
	usec_t at = h->listing && wall > e->at ? now - (wall - e->at) : now;

	return at ? at : 1;
}

/* ---- feeding ---- */

void history_begin(struct history *h)
{
	h->listing = true;
	for (size_t i = 0; i < h->n; i++)
		h->at[i]->listed = false;
	/* etcd may have been made anew, with lower revisions */
	for (size_t i = 0; i < h->n_moved; i++)
		h->moved[i].revision = 0;
}

void history_end(struct history *h)
{
	size_t n = 0;

	h->listing = false;
	for (size_t i = 0; i < h->n; i++) {
		if (h->at[i]->listed) {
			h->at[n++] = h->at[i];
			continue;
		}
		forget(h->at[i]);
		h->serial++;
	}
	h->n = n;
}

static int take(struct history *h, const char *path, const struct etcd_kv *kv, usec_t now,
	usec_t wall, struct err *err)
{
	struct kept *kept;
	size_t i = place(h, path);
	int rc;

	if (is_at(h, i, path)) {
		if (h->at[i]->entry.revision == kv->mod_revision) {
			h->at[i]->listed = true;
			note_revision(h, &h->at[i]->entry);
			return 0;
		}
		drop(h, i);
	}
	if (strlen(path) >= HISTORY_KEY_MAX)
		return err_set(
			err, -EINVAL, "the key is longer than %d bytes", HISTORY_KEY_MAX - 1);
	kept = xcalloc(1, sizeof(*kept));
	rc = history_decode(&kept->entry, kv->value, kv->value_len, err);
	if (rc < 0) {
		free(kept);
		return rc;
	}
	memcpy(kept->entry.key, path, strlen(path) + 1);
	kept->entry.revision = kv->mod_revision;
	kept->listed = true;
	kept->users = 1;
	insert(h, kept);
	if (kept->entry.kind == HISTORY_FAILOVER)
		note_moved(h, &kept->entry, happened_at(h, &kept->entry, now, wall));
	note_revision(h, &kept->entry);
	return 0;
}

bool history_key(struct history *h, const char *path, const struct etcd_kv *kv, bool deleted,
	usec_t now, usec_t wall, int *ret_rc, struct err *err)
{
	size_t i;

	if (!text_starts(path, HISTORY_FOLDER))
		return false;
	*ret_rc = 0;
	if (!deleted) {
		*ret_rc = take(h, path, kv, now, wall, err);
		return true;
	}
	i = place(h, path);
	if (is_at(h, i, path))
		drop(h, i);
	return true;
}

uint64_t history_serial(const struct history *h)
{
	return h->serial;
}

/* ---- reading ---- */

size_t history_count(const struct history *h)
{
	return h->n;
}

const struct list *history_list(const struct history *h)
{
	return &h->by_revision;
}

const struct history_entry *history_last(const struct history *h, enum history_kind kind)
{
	const struct list *at;

	for (at = h->by_revision.prev; at != &h->by_revision; at = at->prev) {
		const struct history_entry *e = list_entry(at, const struct history_entry, link);

		if (e->kind == kind)
			return e;
	}
	return NULL;
}

const char *history_last_leader(const struct history *h, bool *ret_resigned)
{
	const struct history_entry *led = history_last(h, HISTORY_LEADER);
	const struct history_entry *resigned = history_last(h, HISTORY_RESIGN);

	*ret_resigned = led && resigned && resigned->revision > led->revision;
	return led ? led->to : "";
}

/* ---- writing ---- */

void history_make_key(char ret[HISTORY_KEY_MAX], usec_t wall, const char *by)
{
	time_t seconds = (time_t)(wall / USEC_PER_SEC);
	char stamp[32] = "";
	struct tm tm;

	if (!gmtime_r(&seconds, &tm) || !strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%S", &tm))
		snprintf(stamp, sizeof(stamp), "00000000T000000");
	snprintf(ret, HISTORY_KEY_MAX, HISTORY_FOLDER "%s.%06dZ-%.*s-%08x", stamp,
		(int)(wall % USEC_PER_SEC), NAME_MAX_LEN, by, (unsigned)(random_u64() >> 32));
}

void history_put(struct etcd_txn *txn, const char *prefix, const struct history_entry *entry)
{
	CLEANUP(freep) char *key = xasprintf("%s%s", prefix, entry->key);
	CLEANUP(freep) char *value = history_encode(entry);

	etcd_txn_put(txn, ETCD_THEN, key, value, strlen(value), 0);
}

size_t history_prune(const struct history *h, struct etcd_txn *txn, const char *prefix, size_t max)
{
	size_t n = h->n > HISTORY_MAX ? MIN(h->n - HISTORY_MAX, max) : 0;
	const struct list *at = h->by_revision.next;

	for (size_t i = 0; i < n; i++, at = at->next) {
		const struct history_entry *e = list_entry(at, const struct history_entry, link);
		CLEANUP(freep) char *key = xasprintf("%s%s", prefix, e->key);

		etcd_txn_delete(txn, ETCD_THEN, key);
	}
	return n;
}
