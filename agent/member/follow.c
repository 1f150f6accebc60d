#include "config.h"
#include "member/follow.h"

#include <inttypes.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "copy/replica.h"
#include "etcd/client.h"
#include "identity/identity.h"
#include "io/clock.h"
#include "io/loop.h"
#include "log/report.h"
#include "member/anchor.h"
#include "member/state.h"

#define COPY_FOLDER "copy"
/* This very program, whatever has been installed over it since it was started. */
#define PROGRAM "/proc/self/exe"

struct follow {
	struct follow_config config;
	char *prefix;
	struct replica *replica;
	struct feed *feed;
	struct etcd_sync *sync; /* NULL while the copy is being loaded */
	bool fed;		/* the core has a view */
	usec_t began;
	usec_t held_at; /* nothing is followed since; 0: it is */
	struct report *report;
};

/* Also notes when it began. */
static bool held(struct follow *f)
{
	if (!anchor_why_held(f->config.anchor))
		return false;
	if (!f->held_at)
		f->held_at = loop_now(f->config.loop);
	return true;
}

/* ---- what sync delivers ---- */

static void on_begin(int64_t revision, void *arg)
{
	struct follow *f = arg;

	if (held(f))
		return;
	replica_begin(f->replica, revision);
	feed_begin(f->feed, revision);
}

static void on_kv(const struct etcd_kv *kv, void *arg)
{
	struct follow *f = arg;

	if (held(f))
		return;
	replica_kv(f->replica, kv);
	feed_key(f->feed, kv, false);
}

static void on_end(int64_t revision, void *arg)
{
	struct follow *f = arg;

	anchor_listed(f->config.anchor, revision);
	if (held(f))
		return;
	replica_end(f->replica, revision);
	anchor_applied(f->config.anchor, revision);
	feed_end(f->feed, revision);
	f->fed = true;
	f->config.moved(f->config.arg);
}

static void on_event(const struct etcd_event *event, void *arg)
{
	struct follow *f = arg;

	if (held(f))
		return;
	replica_event(f->replica, event);
	if (f->fed)
		feed_key(f->feed, &event->kv, event->deleted);
}

static void on_batch(int64_t revision, void *arg)
{
	struct follow *f = arg;

	if (held(f))
		return;
	anchor_applied(f->config.anchor, revision);
	replica_batch(f->replica, revision);
	if (f->fed)
		f->config.moved(f->config.arg);
}

static void feed_other(const struct store_kv *kv, void *arg)
{
	struct follow *f = arg;
	size_t prefix_len = strlen(f->prefix);
	CLEANUP(freep) char *key = xmalloc(prefix_len + kv->key_len + 1);
	const struct etcd_kv whole = {
		.key = key,
		.key_len = prefix_len + kv->key_len,
		.value = kv->value,
		.value_len = kv->value_len,
		.create_revision = kv->create_revision,
		.mod_revision = kv->mod_revision,
		.lease = kv->lease,
	};

	memcpy(key, f->prefix, prefix_len);
	memcpy(key + prefix_len, kv->key, kv->key_len);
	key[whole.key_len] = '\0';
	feed_key(f->feed, &whole, false);
}

/* What was loaded and what came since are the prefix as it is now: that is as good as a listing. */
static void feed_copy(struct follow *f)
{
	int64_t revision = replica_revision(f->replica);
	struct etcd_status etcd;

	if (!replica_has_registry(f->replica)) {
		etcd_sync_again(f->sync, "the copy has more keys of members than can be kept");
		return;
	}
	etcd_status(f->config.etcd, &etcd);
	anchor_listed(f->config.anchor, etcd.revision);
	if (held(f))
		return;
	feed_begin(f->feed, revision);
	replica_each_other(f->replica, feed_other, f);
	feed_end(f->feed, revision);
	f->fed = true;
}

static void on_live(int64_t revision, void *arg)
{
	struct follow *f = arg;
	CLEANUP(freep)
	char *text = xasprintf("the registry is current at revision %" PRId64, revision);

	if (!f->fed && !held(f))
		feed_copy(f);
	report_change(f->report, false, text);
	f->config.moved(f->config.arg);
}

static void on_lost(const char *reason, void *arg)
{
	struct follow *f = arg;
	CLEANUP(freep) char *text = xasprintf("the registry may be out of date: %s", reason);

	report_change(f->report, true, text);
	f->config.lost(f->config.arg);
}

static const struct etcd_sync_ops sync_ops = {
	.begin = on_begin,
	.kv = on_kv,
	.end = on_end,
	.event = on_event,
	.batch = on_batch,
	.live = on_live,
	.lost = on_lost,
};

/* ---- what the replica asks for ---- */

/* A copy says nothing of what came since when it is of another cluster, or nobody knows of which. */
static int64_t known_revision(const struct follow *f)
{
	const struct store_mark *mark = replica_loaded_from(f->replica);
	uint64_t cluster = anchor_known(f->config.anchor)->cluster_id;

	if (!mark || f->config.adopt || !cluster || mark->cluster_id != cluster)
		return 0;
	return mark->revision;
}

static void find_pulse(const struct store_kv *kv, void *arg)
{
	int64_t *ret = arg;

	if (kv->key_len == strlen("pulse") && memcmp(kv->key, "pulse", kv->key_len) == 0)
		*ret = kv->mod_revision;
}

/* A collective key that came with the last changes may be on disk there only. */
static void early_other(const struct store_kv *kv, void *arg)
{
	struct follow *f = arg;

	feed_early(f->feed, kv->key, kv->value, kv->value_len);
}

static void on_loaded(const char *failure, void *arg)
{
	struct follow *f = arg;
	CLEANUP(freep) char *pulse = xasprintf("%spulse", f->prefix);
	struct etcd_sync_config sync = {
		.prefix = f->prefix,
		.pulse_key = pulse,
		.known_revision = known_revision(f),
		.seed = random_u64(),
	};

	if (!failure) {
		replica_each_other(f->replica, early_other, f);
		replica_each_other(f->replica, find_pulse, &sync.known_pulse);
	}
	if (failure)
		log_debug("store", "%s", failure);
	else if (!sync.known_revision)
		log_info("store",
			"the copy on disk is not known to be of the etcd that is followed: "
			"everything is listed");
	if (sync.known_revision)
		anchor_applied(f->config.anchor, sync.known_revision);
	f->sync = etcd_sync_new(f->config.etcd, f->config.loop, &sync, &sync_ops, f);
}

static void on_list_again(const char *reason, void *arg)
{
	struct follow *f = arg;

	if (f->sync && !held(f))
		etcd_sync_again(f->sync, reason);
}

static void on_origin(struct store_mark *mark, void *arg)
{
	struct follow *f = arg;
	struct etcd_status etcd;

	etcd_status(f->config.etcd, &etcd);
	mark->cluster_id = etcd.cluster_id;
	mark->raft_term = etcd.raft_term;
}

static usec_t on_age(void *arg)
{
	struct follow *f = arg;
	usec_t now = loop_now(f->config.loop);
	struct etcd_sync_status sync;
	bool stands = held(f);

	if (!f->sync)
		return USEC_NEVER;
	etcd_sync_status(f->sync, &sync);
	if (!sync.current_at)
		return USEC_NEVER;
	if (stands)
		return now - usec_min(f->held_at, sync.current_at);
	if (sync.live && f->config.quorum(f->config.arg))
		return 0;
	if (sync.live)
		sync.current_at = usec_max(sync.current_at, f->config.last_read(f->config.arg));
	/* 0 is for what is certain */
	return usec_max(now - sync.current_at, 1);
}

/* ---- life ---- */

struct follow *follow_new(const struct follow_config *config)
{
	const struct feed_config feed = {
		.identity = config->identity,
		.keyring = config->keyring,
		.orders = config->orders,
		.history = config->history,
		.prefix = config->prefix,
	};
	struct follow *f = xcalloc(1, sizeof(*f));
	CLEANUP(freep) char *folder = file_join(config->state_dir, COPY_FOLDER);
	const struct replica_config replica = {
		.loop = config->loop,
		.disk = config->disk,
		.folder = folder,
		.program = PROGRAM,
		.prefix = config->prefix,
		.collective_id = config->identity->bundle->id,
		.origin = on_origin,
		.age = on_age,
		.loaded = on_loaded,
		.list_again = on_list_again,
		.arg = f,
	};

	f->config = *config;
	f->prefix = xstrdup(config->prefix);
	f->began = loop_now(config->loop);
	f->report = report_new(config->loop, "sync", 0);
	f->feed = feed_new(&feed, config->input, config->arg);
	f->replica = replica_new(&replica);
	replica_load(f->replica);
	return f;
}

void follow_free(struct follow *f)
{
	if (!f)
		return;
	replica_free(f->replica);
	etcd_sync_free(f->sync);
	feed_free(f->feed);
	report_free(f->report);
	free(f->prefix);
	free(f);
}

/* ---- what is known ---- */

struct replica *follow_replica(struct follow *f)
{
	return f->replica;
}

void follow_status(const struct follow *f, struct etcd_sync_status *ret)
{
	if (f->sync)
		etcd_sync_status(f->sync, ret);
	else
		*ret = (struct etcd_sync_status){
			.state = "loading",
			.reason = "started",
			.since = f->began,
			.next = USEC_NEVER,
			.endpoint = "",
		};
	if (!f->fed)
		ret->revision = ret->current_at = 0;
}

void follow_expect(struct follow *f, int64_t revision)
{
	if (f->sync)
		etcd_sync_expect(f->sync, revision);
}

size_t follow_odd_keys(const struct follow *f)
{
	return feed_odd_keys(f->feed);
}
