/*
 * The side of etcd: what is written there, and how pages, checks and the watch come back.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "tests/sim/sync_world.h"

const char *const sync_names[NAMES] = {"nodes/n1/groups", "nodes/n1/location.rack",
	"nodes/n2/groups", "nodes/n2/location.rack", "nodes/n2/no.such.thing", "nodes//odd",
	"groups/g/noderange", "groups/g/location.room", "members/a", "active/a", "leader",
	"elsewhere", PULSE};

static const struct hash_key hash_key = {1, 2};

/* ---- etcd ---- */

uint64_t sync_hash(const char *key, int64_t mod_revision)
{
	char text[EKEY_MAX + 32];
	int n = snprintf(text, sizeof(text), "%s %" PRId64, key, mod_revision);

	return hash_bytes(&hash_key, text, (size_t)n);
}

void sync_on_change(void *arg, int writer UNUSED, const struct ekv *before, const struct ekv *kv)
{
	struct sync_world *w = arg;
	size_t revision = (size_t)kv->mod_rev;

	const bool ours = strcmp(kv->key, FOREIGN) != 0;

	if (ours)
		w->ours = kv->mod_rev;
	if (ours && before->present)
		w->state -= sync_hash(kv->key, before->mod_rev);
	if (ours && kv->present)
		w->state += sync_hash(kv->key, kv->mod_rev);
	while (revision >= w->states_room) {
		w->states_room = w->states_room ? 2 * w->states_room : 1024;
		w->states = xrealloc(w->states, w->states_room, sizeof(*w->states));
	}
	w->states[revision] = w->state;
}

void sync_write_key(struct sync_world *w, const char *name, bool delete)
{
	struct etxn txn = {.op = delete ? EOP_DELETE : EOP_PUT};
	const int64_t lease = 1 + (int64_t)prng_below(&w->prng, 3);

	if (delete &&!etcd_get(w->etcd, name)->present)
		return;
	snprintf(txn.key, sizeof(txn.key), "%s", name);
	snprintf(txn.value, sizeof(txn.value), "v%" PRIu64, prng_below(&w->prng, 100));
	if (!delete &&sync_chance(w, 20) &&
		(etcd_keepalive(w->etcd, w->now, lease) ||
			etcd_grant(w->etcd, w->now, lease, 10000000) == ERESULT_OK))
		txn.lease = lease;
	(void)etcd_txn(w->etcd, 0, &txn);
}

void sync_write_foreign(struct sync_world *w)
{
	sync_write_key(w, FOREIGN, false);
}

void sync_come_and_go(struct sync_world *w)
{
	const char *name = sync_names[prng_below(&w->prng, NAMES)];

	if (etcd_get(w->etcd, name)->present)
		return;
	sync_write_key(w, name, false);
	sync_write_key(w, name, true);
}

void sync_write_something(struct sync_world *w)
{
	if (sync_chance(w, 30))
		sync_write_foreign(w);
	else if (sync_chance(w, 5)) /* several keys go at one revision */
		(void)etcd_revoke(w->etcd, 1 + (int64_t)prng_below(&w->prng, 3));
	else if (sync_chance(w, 20))
		sync_write_key(w, PULSE, false);
	else
		sync_write_key(w, sync_names[prng_below(&w->prng, NAMES)], sync_chance(w, 30));
}

/* The key as it was at that revision; NULL: it was not there. */
static const struct ekv *key_at(const struct sync_world *w, const char *name, int64_t revision)
{
	const struct ekv *found = NULL, *kv;

	for (unsigned i = 0; (kv = etcd_change(w->etcd, i)) && kv->mod_rev <= revision; i++) {
		if (strcmp(kv->key, name) == 0)
			found = kv;
	}
	return found && found->present ? found : NULL;
}

/* ---- the sync ---- */

static void kv_of(const struct ekv *kv, char key[EKEY_MAX + sizeof(PREFIX)], struct etcd_kv *ret)
{
	snprintf(key, EKEY_MAX + sizeof(PREFIX), PREFIX "%s", kv->key);
	*ret = (struct etcd_kv){
		.key = key,
		.key_len = strlen(key),
		.value = kv->value,
		.value_len = strlen(kv->value),
		.create_revision = kv->create_rev,
		.mod_revision = kv->mod_rev,
		.lease = kv->lease,
	};
}

void sync_drop(struct sync_world *w)
{
	w->list.due = w->check.due = w->watch.due = w->open = false;
	w->expected_by = USEC_NEVER;
}

/* agent/etcd/watch.c does the same. */
static void expect(struct sync_world *w, int64_t revision)
{
	if (w->expected_by != USEC_NEVER && revision <= w->expected)
		return;
	w->expected = revision;
	w->expected_by = w->now + ETCD_SYNC_ECHO;
}

static void applied(struct sync_world *w, int64_t revision)
{
	if (revision >= w->expected)
		w->expected_by = USEC_NEVER;
	replica_batch(w->replica, revision);
}

static void skip(struct sync_world *w, int64_t revision)
{
	const struct ekv *kv;

	w->skips++;
	if (w->mutation != SYNC_NO_SKIP)
		while ((kv = etcd_change(w->etcd, w->next)) && kv->mod_rev <= revision)
			w->next++;
	applied(w, revision);
}

void sync_carry_out(struct sync_world *w, const struct etcd_sync_action *action)
{
	const struct sync_pending pending = {.due = true,
		.revision = action->revision,
		.limit = action->limit,
		.sent_at = w->now};

	switch (action->kind) {
	case ETCD_SYNC_DO_DROP:
		sync_drop(w);
		break;
	case ETCD_SYNC_DO_LIST:
		if (!action->revision)
			w->cursor = 0;
		w->list = pending;
		break;
	case ETCD_SYNC_DO_WATCH:
		w->open = false;
		w->watch = pending;
		break;
	case ETCD_SYNC_DO_CHECK:
		w->check = pending;
		break;
	case ETCD_SYNC_DO_COMPARE:
		w->check = pending;
		w->check.compare = true;
		break;
	case ETCD_SYNC_DO_EXPECT:
		expect(w, action->revision);
		break;
	case ETCD_SYNC_DO_SKIP:
		skip(w, action->revision);
		break;
	case ETCD_SYNC_TELL_END:
		replica_end(w->replica, action->revision);
		break;
	case ETCD_SYNC_TELL_LIVE:
		sync_check_live(w);
		break;
	case ETCD_SYNC_TELL_LOST:
		w->head = etcd_revision(w->etcd);
		break;
	}
}

void sync_input(struct sync_world *w, const struct etcd_sync_input *what)
{
	struct etcd_sync_action action;

	etcd_sync_core_input(&w->sync, w->now, what);
	while (etcd_sync_core_next(&w->sync, &action))
		sync_carry_out(w, &action);
}

static void answer_list(struct sync_world *w, bool lost)
{
	struct etcd_sync_input what = {.kind = ETCD_SYNC_PAGE_FAILED, .reason = "lost"};
	int64_t revision = w->list.revision ? w->list.revision : etcd_revision(w->etcd);
	char key[EKEY_MAX + sizeof(PREFIX)];
	struct etcd_kv kv;
	int64_t sent = 0;

	w->list.due = false;
	if (!lost && revision < etcd_oldest(w->etcd)) {
		what.failure = ETCD_SYNC_VOID;
	} else if (!lost) {
		if (!w->list.revision)
			replica_begin(w->replica, revision);
		for (; w->cursor < NAMES && sent < w->list.limit; w->cursor++) {
			const struct ekv *found = key_at(w, sync_names[w->cursor], revision);

			if (!found)
				continue;
			kv_of(found, key, &kv);
			replica_kv(w->replica, &kv);
			sent++;
		}
		what = (struct etcd_sync_input){.kind = ETCD_SYNC_PAGE_DONE,
			.revision = revision,
			.more = w->cursor < NAMES,
			.sent_at = w->list.sent_at};
	}
	sync_input(w, &what);
}

static void answer_check(struct sync_world *w, bool lost)
{
	struct etcd_sync_input what = {.kind = ETCD_SYNC_CHECK_FAILED, .reason = "lost"};
	int64_t at = w->check.revision ? w->check.revision : etcd_revision(w->etcd);

	w->check.due = false;
	if (!lost && at < etcd_oldest(w->etcd)) {
		what.failure = ETCD_SYNC_VOID;
	} else if (!lost) {
		const struct ekv *pulse = key_at(w, PULSE, at);

		what = (struct etcd_sync_input){.kind = ETCD_SYNC_CHECKED,
			.revision = etcd_revision(w->etcd),
			.pulse = pulse ? pulse->mod_rev : 0,
			.sent_at = w->check.sent_at};
		if (w->mutation == SYNC_PULSE_PROVES && !w->sync.told_live)
			what.revision = MAX(w->sync.applied, etcd_get(w->etcd, PULSE)->mod_rev);
	}
	sync_input(w, &what);
}

/* The prefix as it was at that revision, and as it is now. */
static bool is_same(const struct sync_world *w, int64_t revision)
{
	size_t then = 0, now = 0;

	for (size_t i = 0; i < NAMES; i++) {
		const struct ekv *kv = etcd_get(w->etcd, sync_names[i]);

		if (kv->present && kv->mod_rev > revision)
			return false;
		now += kv->present;
		then += key_at(w, sync_names[i], revision) != NULL;
	}
	return then == now || w->mutation == SYNC_NO_COUNT;
}

static void answer_compare(struct sync_world *w, bool lost)
{
	struct etcd_sync_input what = {.kind = ETCD_SYNC_CHECK_FAILED, .reason = "lost"};

	w->check.due = false;
	if (!lost && w->check.revision < etcd_oldest(w->etcd))
		what.failure = ETCD_SYNC_VOID;
	else if (!lost)
		what = (struct etcd_sync_input){.kind = ETCD_SYNC_COMPARED,
			.revision = etcd_revision(w->etcd),
			.same = is_same(w, w->check.revision),
			.sent_at = w->check.sent_at};
	sync_input(w, &what);
}

void sync_end_watch(struct sync_world *w, enum etcd_sync_failure failure)
{
	const struct etcd_sync_input what = {
		.kind = ETCD_SYNC_ENDED, .failure = failure, .reason = "cut"};

	w->watch.due = w->open = false;
	w->expected_by = USEC_NEVER;
	sync_input(w, &what);
}

static void answer_watch(struct sync_world *w, bool lost)
{
	const struct etcd_sync_input created = {
		.kind = ETCD_SYNC_CREATED, .revision = etcd_revision(w->etcd)};
	const struct ekv *kv;

	if (lost || w->watch.revision < etcd_oldest(w->etcd)) {
		sync_end_watch(w, lost ? ETCD_SYNC_TRANSIENT : ETCD_SYNC_VOID);
		return;
	}
	w->watch.due = false;
	w->open = true;
	w->silent = false;
	w->head = etcd_revision(w->etcd);
	/* the one at which the history was cut lacks its deletions, and etcd 3.4 does not say so */
	w->hidden = etcd_oldest(w->etcd);
	for (w->next = 0; (kv = etcd_change(w->etcd, w->next)) && kv->mod_rev < w->watch.revision;)
		w->next++;
	sync_input(w, &created);
}

static void send_event(struct sync_world *w, const struct ekv *kv)
{
	char key[EKEY_MAX + sizeof(PREFIX)];
	struct etcd_event event = {.deleted = !kv->present};

	if ((!kv->present && kv->mod_rev == w->hidden) || strcmp(kv->key, FOREIGN) == 0)
		return;
	kv_of(kv, key, &event.kv);
	replica_event(w->replica, &event);
	sync_check(w);
}

/* A few changes, whole revisions. */
static void send_events(struct sync_world *w)
{
	struct etcd_sync_input what = {.kind = ETCD_SYNC_APPLIED};
	uint64_t n = 1 + prng_below(&w->prng, 6);
	const struct ekv *kv, *before = NULL;

	for (; (kv = etcd_change(w->etcd, w->next)); w->next++, before = kv) {
		if (before && kv->mod_rev != before->mod_rev && n-- == 0)
			break;
		send_event(w, kv);
		if (strcmp(kv->key, FOREIGN) != 0)
			what.revision = kv->mod_rev;
	}
	if (!what.revision)
		return;
	applied(w, what.revision);
	sync_input(w, &what);
}

void sync_progress(struct sync_world *w, bool faulty)
{
	bool lost = faulty && sync_chance(w, 15);

	if (w->list.due && sync_chance(w, 40))
		answer_list(w, lost);
	if (w->check.due && sync_chance(w, 40)) {
		if (w->check.compare)
			answer_compare(w, lost);
		else
			answer_check(w, lost);
	}
	if (w->watch.due && sync_chance(w, 40))
		answer_watch(w, lost);
	/* agent/etcd/sync.c holds the watch so */
	if (w->open && !w->silent && (w->mutation == SYNC_HASTY_EVENTS || !w->sync.probe) &&
		sync_chance(w, 40))
		send_events(w);
	if (w->expected_by <= w->now)
		sync_end_watch(w, ETCD_SYNC_TRANSIENT);
	if (etcd_sync_core_wakeup(&w->sync) <= w->now)
		sync_input(w, &(struct etcd_sync_input){.kind = ETCD_SYNC_TICK});
}
