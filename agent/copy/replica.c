/*
 * The happy path is replica.h's. `live` is what is read; `next` is a listing under way; events wait in
 * `batch`, packed as they go to disk, until their revision is complete.
 *
 * What can go wrong: a revision that changes more than can be applied in one turn of the loop
 * (somebody deletes everything), which is not applied at all: everything is listed anew instead.
 */
#include "config.h"
#include "copy/replica.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"
#include "copy/picture.h"
#include "copy/replica_disk.h"
#include "copy/replica_load.h"
#include "copy/replica_odd.h"
#include "io/clock.h"
#include "io/loop.h"
#include "store/pack.h"

/* Of one batch. */
#define BATCH_MAX	 ((size_t)64 << 20)
#define BATCH_EVENTS_MAX 20000
/* A listing goes to disk in pieces of this size. */
#define PIECE ((size_t)256 << 10)

struct replica {
	struct replica_config config;
	char *folder, *program, *prefix, *collective_id;
	size_t prefix_len;

	struct picture *live; /* NULL: nothing yet */
	int64_t revision;
	struct picture *next; /* a listing under way */
	struct buf contents;  /* of it, not with the disk yet */
	size_t next_keys;
	struct buf batch;
	size_t batch_events;
	bool batch_too_large;

	struct replica_load *load;
	struct replica_disk *disk;
	struct replica_odd *odd;
	struct list listeners;
	bool loaded;
	struct store_mark mark; /* of what was loaded */
	size_t loaded_keys;
	usec_t load_time, loaded_at;
	size_t listed;
	uint64_t events;
};

static void tell(struct replica *r)
{
	struct replica_listener *listener;
	struct list told;

	/* a listener may unlink itself or others */
	list_init(&told);
	while ((listener = list_first(&r->listeners, struct replica_listener, link))) {
		list_del(&listener->link);
		list_add_tail(&told, &listener->link);
		listener->fn(r->revision, listener->arg);
	}
	while ((listener = list_first(&told, struct replica_listener, link))) {
		list_del(&listener->link);
		list_add_tail(&r->listeners, &listener->link);
	}
}

static void take(struct replica *r, struct picture *picture, int64_t revision)
{
	db_set_revision(picture->db, revision);
	picture_free_on(r->config.disk, r->live);
	r->live = picture;
	r->revision = revision;
	replica_odd_listed(r->odd, picture->db);
}

/* What the disk is told of how things are now. */
static struct store_mark make_mark(const struct replica *r)
{
	struct store_mark mark = {.revision = r->revision, .wall = clock_wall()};
	usec_t age = replica_age(r);

	memcpy(mark.collective_id, r->collective_id,
		strnlen(r->collective_id, sizeof(mark.collective_id) - 1));
	r->config.origin(&mark, r->config.arg);
	if (age != USEC_NEVER)
		mark.wall -= usec_min(age, mark.wall);
	return mark;
}

static void on_want_all(void *arg)
{
	struct replica *r = arg;

	r->config.list_again("the copy on disk is made anew", r->config.arg);
}

/* ---- from disk ---- */

static void on_loaded(struct replica_loaded *loaded, void *arg)
{
	struct replica *r = arg;
	char took[NUM_DURATION_MAX];

	replica_load_free(TAKE(r->load));
	if (loaded->rc < 0) {
		if (loaded->rc != -ENOENT)
			log_warning("store", "the copy in %s is not used, everything is listed: %s",
				r->folder, loaded->why);
		r->config.loaded(loaded->why, r->config.arg);
		return;
	}
	r->loaded = true;
	r->mark = loaded->mark;
	r->loaded_keys = loaded->keys;
	r->load_time = loaded->took;
	r->loaded_at = loop_now(r->config.loop);
	take(r, loaded->picture, loaded->mark.revision);
	log_info("store", "%zu keys at revision %" PRId64 " were read from %s in %s", loaded->keys,
		loaded->mark.revision, r->folder, num_format_duration(loaded->took, took));
	replica_disk_begin(r->disk);
	replica_disk_add(r->disk, loaded->contents, loaded->frames, loaded->frames_len);
	replica_disk_complete(r->disk, &loaded->mark);
	r->config.loaded(NULL, r->config.arg);
	tell(r);
}

void replica_load(struct replica *r)
{
	const struct replica_load_config config = {
		.loop = r->config.loop,
		.disk = r->config.disk,
		.folder = r->folder,
		.program = r->program,
		.collective_id = r->collective_id,
		.done = on_loaded,
		.arg = r,
	};

	r->load = replica_load_new(&config);
}

/* ---- a listing ---- */

static bool relative(const struct replica *r, const struct etcd_kv *kv, struct store_kv *ret)
{
	if (kv->key_len < r->prefix_len || memcmp(kv->key, r->prefix, r->prefix_len) != 0)
		return false;
	*ret = (struct store_kv){
		.key = kv->key + r->prefix_len,
		.key_len = kv->key_len - r->prefix_len,
		.value = kv->value,
		.value_len = kv->value_len,
		.create_revision = kv->create_revision,
		.mod_revision = kv->mod_revision,
		.lease = kv->lease,
	};
	return true;
}

static void drop_next(struct replica *r)
{
	picture_free_on(r->config.disk, TAKE(r->next));
	buf_done(&r->contents);
	r->next_keys = 0;
}

static void drop_batch(struct replica *r)
{
	buf_done(&r->batch);
	r->batch_events = 0;
	r->batch_too_large = false;
}

void replica_begin(struct replica *r, int64_t revision UNUSED)
{
	drop_next(r);
	drop_batch(r);
	r->next = picture_new();
	replica_disk_begin(r->disk);
}

static void hand_over(struct replica *r)
{
	size_t len = r->contents.len;
	char *bytes = buf_take(&r->contents);

	replica_disk_add(r->disk, bytes, bytes, len);
}

void replica_kv(struct replica *r, const struct etcd_kv *kv)
{
	struct store_kv own;

	if (!r->next || !relative(r, kv, &own))
		return;
	r->next_keys++;
	/* which are odd is known at the end: what they need may follow */
	if (picture_put(r->next, &own, NULL) == -ENOSPC)
		return;
	if (store_pack_put(&r->contents, &own) < 0)
		return;
	if (r->contents.len >= PIECE)
		hand_over(r);
}

void replica_end(struct replica *r, int64_t revision)
{
	struct store_mark mark;

	if (!r->next)
		return;
	r->listed = r->next_keys;
	take(r, TAKE(r->next), revision);
	if (r->contents.len)
		hand_over(r);
	drop_next(r);
	mark = make_mark(r);
	replica_disk_complete(r->disk, &mark);
	tell(r);
}

/* ---- changes ---- */

void replica_event(struct replica *r, const struct etcd_event *event)
{
	struct store_kv own;
	int rc;

	if (!r->live || r->batch_too_large || !relative(r, &event->kv, &own))
		return;
	if (event->deleted)
		rc = store_pack_delete(&r->batch, own.key, own.key_len);
	else
		rc = store_pack_put(&r->batch, &own);
	r->batch_too_large = rc < 0 || ++r->batch_events > BATCH_EVENTS_MAX;
}

static void apply_put(struct replica *r, const struct store_frame *frame)
{
	struct err why = {""};
	struct store_kv kv;

	if (store_unpack_kv(&kv, frame->bytes, frame->len) < 0)
		return;
	if (picture_put(r->live, &kv, &why) < 0)
		replica_odd_add(r->odd, kv.key, kv.key_len, kv.mod_revision, why.text);
	else
		replica_odd_remove(r->odd, kv.key, kv.key_len);
}

static void apply(struct replica *r)
{
	const char *at = buf_cstr(&r->batch);
	size_t left = r->batch.len;
	struct store_frame frame;

	while (store_next_frame(&at, &left, &frame)) {
		if (frame.tag == 'P') {
			apply_put(r, &frame);
		} else {
			picture_delete(r->live, frame.bytes, frame.len);
			replica_odd_remove(r->odd, frame.bytes, frame.len);
		}
	}
}

void replica_batch(struct replica *r, int64_t revision)
{
	struct store_mark mark;

	if (!r->live || r->next)
		return;
	if (r->batch_too_large) {
		drop_batch(r);
		r->config.list_again(
			"more keys have changed at once than can be followed", r->config.arg);
		return;
	}
	apply(r);
	r->events += r->batch_events;
	r->revision = revision;
	db_set_revision(r->live->db, revision);
	replica_odd_batch(r->odd, r->live->db);
	mark = make_mark(r);
	replica_disk_change(r->disk, buf_cstr(&r->batch), r->batch.len, &mark);
	buf_reset(&r->batch);
	r->batch_events = 0;
	tell(r);
}

/* ---- life ---- */

struct replica *replica_new(const struct replica_config *config)
{
	struct replica *r = xcalloc(1, sizeof(*r));
	const struct replica_disk_config disk = {
		.loop = config->loop,
		.disk = config->disk,
		.folder = config->folder,
		.retry = config->disk_retry,
		.want_all = on_want_all,
		.arg = r,
	};

	r->config = *config;
	r->folder = xstrdup(config->folder);
	r->program = xstrdup(config->program);
	r->prefix = xstrdup(config->prefix);
	r->prefix_len = strlen(r->prefix);
	r->collective_id = xstrdup(config->collective_id);
	buf_init(&r->contents, PIECE + STORE_FRAME_MAX);
	buf_init(&r->batch, BATCH_MAX);
	r->disk = replica_disk_new(&disk);
	r->odd = replica_odd_new(config->loop);
	list_init(&r->listeners);
	return r;
}

void replica_free(struct replica *r)
{
	struct replica_listener *listener;

	if (!r)
		return;
	while ((listener = list_first(&r->listeners, struct replica_listener, link)))
		list_del(&listener->link);
	replica_load_free(r->load);
	replica_disk_free(r->disk);
	drop_next(r);
	drop_batch(r);
	picture_free_on(r->config.disk, r->live);
	replica_odd_free(r->odd);
	free(r->folder);
	free(r->program);
	free(r->prefix);
	free(r->collective_id);
	free(r);
}

/* ---- reading ---- */

bool replica_loading(const struct replica *r)
{
	return r->load != NULL;
}

const struct db *replica_db(const struct replica *r)
{
	return r->live ? r->live->db : NULL;
}

int64_t replica_revision(const struct replica *r)
{
	return r->revision;
}

usec_t replica_age(const struct replica *r)
{
	usec_t age = r->config.age(r->config.arg);

	if (!r->live)
		return USEC_NEVER;
	if (age != USEC_NEVER || !r->loaded)
		return age;
	/* a clock that was set back makes nothing newer than what happened since */
	return usec_max(
		clock_wall() - r->mark.wall, usec_max(loop_now(r->config.loop) - r->loaded_at, 1));
}

const struct store_mark *replica_loaded_from(const struct replica *r)
{
	return r->loaded ? &r->mark : NULL;
}

void replica_listen(struct replica *r, struct replica_listener *listener)
{
	list_add_tail(&r->listeners, &listener->link);
}

void replica_each_other(
	const struct replica *r, void (*fn)(const struct store_kv *kv, void *arg), void *arg)
{
	if (r->live)
		others_each(r->live->others, fn, arg);
}

bool replica_has_registry(const struct replica *r)
{
	return r->live && others_whole(r->live->others);
}

void replica_status(const struct replica *r, struct replica_status *ret)
{
	struct replica_disk_status disk;

	replica_disk_status(r->disk, &disk);
	*ret = (struct replica_status){
		.state = disk.state,
		.trouble = disk.trouble,
		.stored = disk.stored,
		.keys = r->live ? db_keys(r->live->db) : 0,
		.others = r->live ? others_count(r->live->others) : 0,
		.odd = r->live ? db_odd(r->live->db) : 0,
		.loaded = r->loaded_keys,
		.load_time = r->load_time,
		.listed = r->listed,
		.events = r->events,
		.commits = disk.commits,
		.waiting = disk.waiting,
	};
}
