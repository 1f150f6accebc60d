/*
 * The sync against scripted gateways that share one small store: whatever happens on the way, the
 * owner's picture ends as the store is.
 */
#include "config.h"

#include "base/b64.h"
#include "base/mem.h"
#include "etcd/sync.h"
#include "tests/lib/suite.h"
#include "tests/unit/test_etcd_setup.h"

#define KEYS 7

static struct setup s;

/* The store: key "/p/0" … has a value where its revision is not 0. */
static struct {
	int64_t revision;
	int64_t mod[KEYS];
	int64_t compacted;
	struct fake_request *streams[FAKES_MAX];
	unsigned ranges, probes, compares;
	int64_t last_start;
	bool mute; /* events are not sent */
	bool too_large;
} store;

/* The owner's picture. */
static struct {
	int64_t mod[KEYS];
	int64_t revision;
	bool listing, live;
	unsigned begins, ends, losts, batches;
	char reason[512];
	struct etcd_sync *sync;
	bool free_at_end;
} mine;

static size_t key_index(const char *key)
{
	ck_assert_int_eq(strncmp(key, "/p/", 3), 0);
	return (size_t)(key[3] - '0');
}

static void on_begin(int64_t revision, void *arg)
{
	(void)revision;
	(void)arg;
	memset(mine.mod, 0, sizeof(mine.mod));
	mine.listing = true;
	mine.begins++;
}

static void on_kv(const struct etcd_kv *kv, void *arg)
{
	(void)arg;
	ck_assert(mine.listing);
	mine.mod[key_index(kv->key)] = kv->mod_revision;
}

static void on_end(int64_t revision, void *arg)
{
	(void)arg;
	ck_assert(mine.listing);
	mine.listing = false;
	mine.revision = revision;
	mine.ends++;
	if (mine.free_at_end)
		etcd_sync_free(TAKE(mine.sync));
}

static void on_event(const struct etcd_event *event, void *arg)
{
	(void)arg;
	ck_assert(!mine.listing);
	ck_assert(event->kv.mod_revision > mine.revision);
	mine.mod[key_index(event->kv.key)] = event->deleted ? 0 : event->kv.mod_revision;
}

static void on_batch(int64_t revision, void *arg)
{
	(void)arg;
	ck_assert(revision > mine.revision);
	mine.revision = revision;
	mine.batches++;
}

static void on_live(int64_t revision, void *arg)
{
	(void)arg;
	ck_assert(!mine.live);
	ck_assert_int_eq(revision, mine.revision);
	mine.live = true;
}

static void on_lost(const char *reason, void *arg)
{
	(void)arg;
	ck_assert(mine.live);
	mine.live = false;
	mine.losts++;
	snprintf(mine.reason, sizeof(mine.reason), "%s", reason);
}

static const struct etcd_sync_ops ops = {
	on_begin, on_kv, on_end, on_event, on_batch, on_live, on_lost};

static int64_t number_after(const char *body, const char *name)
{
	const char *at = strstr(body, name);
	int64_t v = 0;

	for (at = at ? at + strlen(name) : ""; *at >= '0' && *at <= '9'; at++)
		v = v * 10 + (*at - '0');
	return v;
}

static void add_kv(struct buf *b, size_t i, bool first)
{
	char key[] = "/p/0";
	char *text;

	key[3] = (char)('0' + i);
	text = b64_encode(key, 4);
	ck_assert_int_eq(buf_printf(b, "%s{\"key\":\"%s\",\"mod_revision\":\"%" PRId64 "\"}",
				 first ? "" : ",", text, store.mod[i]),
		0);
	free(text);
}

/* Pages as the client asks for them, told apart by the key that they begin with. */
static void answer_range(struct fake *fake, struct fake_request *request, const char *body)
{
	struct buf b = BUF_INIT(65536);
	int64_t limit = number_after(body, "\"limit\":\"");
	int64_t revision = number_after(body, "\"revision\":\"");
	int64_t n = 0;
	size_t i = 0;

	fake->revision = store.revision;
	if (!strstr(body, "range_end")) {
		store.probes++;
		if (revision && revision < store.compacted)
			fake_answer(request, 400,
				"{\"code\":11,\"message\":\"etcdserver: mvcc: required revision "
				"has "
				"been compacted\"}");
		else
			fake_answer(request, 200,
				"{%s,\"kvs\":[{\"key\":\"L3AvMA==\",\"mod_revision\":\"%" PRId64
				"\"}]}",
				fake_header(fake), store.mod[0] ? store.mod[0] : 1);
		return;
	}
	store.ranges++;
	if (store.too_large && limit > 2) {
		char *big = xcalloc(1, (size_t)5 << 20);

		memset(big, ' ', ((size_t)5 << 20) - 1);
		fake_answer(request, 200, "{%s}", big);
		free(big);
		return;
	}
	for (size_t k = 0; k < KEYS; k++) {
		char key[5] = "/p/0";
		char *text;

		key[3] = (char)('0' + k);
		text = b64_encode(key, 5);
		if (strstr(body, text))
			i = k + 1;
		free(text);
	}
	ck_assert_int_eq(buf_printf(&b, "{%s,\"kvs\":[", fake_header(fake)), 0);
	for (; i < KEYS && n < limit; i++)
		if (store.mod[i])
			add_kv(&b, i, n++ == 0);
	ck_assert_int_eq(buf_printf(&b, "]%s}", i < KEYS ? ",\"more\":true" : ""), 0);
	fake_answer(request, 200, "%s", buf_cstr(&b));
	buf_done(&b);
}

/* Nothing is deleted while nobody watches. */
static void answer_compare(struct fake *fake, struct fake_request *request, const char *body)
{
	int64_t at = number_after(body, "\"revision\":\"");
	bool newer = false;

	store.compares++;
	fake->revision = store.revision;
	for (size_t i = 0; i < KEYS; i++)
		newer = newer || store.mod[i] > at;
	fake_answer(request, 200, "{%s%s}", fake_header(fake),
		newer ? ""
		      : ",\"succeeded\":true,\"responses\":["
			"{\"response_range\":{\"count\":\"7\"}},"
			"{\"response_range\":{\"count\":\"7\"}}]");
}

static void send_event(size_t at, size_t i, bool deleted)
{
	struct buf b = BUF_INIT(1024);

	if (!store.streams[at] || store.mute)
		return;
	add_kv(&b, i, true);
	fake_text(store.streams[at], "{\"result\":{%s,\"events\":[{%s\"kv\":%s}]}}\n",
		fake_header(&s.fakes[at]), deleted ? "\"type\":\"DELETE\"," : "", buf_cstr(&b));
	buf_done(&b);
}

static void answer_watch(struct fake *fake, struct fake_request *request, const char *body)
{
	size_t at = (size_t)(fake - s.fakes);

	fake->revision = store.revision;
	store.last_start = number_after(body, "\"start_revision\":\"");
	store.streams[at] = request;
	fake_stream(request);
	fake_text(request, "{\"result\":{%s,\"created\":true}}\n", fake_header(fake));
	if (store.last_start < store.compacted) {
		fake_text(request,
			"{\"result\":{%s,\"canceled\":true,\"compact_revision\":\"%" PRId64
			"\"}}\n",
			fake_header(fake), store.compacted);
		return;
	}
	for (int64_t r = store.last_start; r <= store.revision; r++)
		for (size_t i = 0; i < KEYS; i++)
			if (store.mod[i] == r)
				send_event(at, i, false);
}

static bool serve(struct fake *fake, struct fake_request *request, const char *path,
	const char *body, void *arg)
{
	(void)arg;
	if (strstr(body, "aWRlbnRpdHk="))
		return false;
	if (text_eq(path, "/v3/kv/range"))
		answer_range(fake, request, body);
	else if (text_eq(path, "/v3/kv/txn"))
		answer_compare(fake, request, body);
	else if (text_eq(path, "/v3/watch"))
		answer_watch(fake, request, body);
	else
		return false;
	return true;
}

static void change(size_t i, bool deleted)
{
	store.mod[i] = ++store.revision;
	for (size_t at = 0; at < s.n; at++)
		send_event(at, i, deleted);
	if (deleted)
		store.mod[i] = 0;
}

static void begin(size_t n, usec_t silence, int64_t page)
{
	struct etcd_sync_config config = {
		.prefix = "/p/", .pulse_key = "/p/0", .silence = silence, .page = page};

	memset(&store, 0, sizeof(store));
	memset(&mine, 0, sizeof(mine));
	setup_begin(&s, n);
	store.revision = 10;
	for (size_t i = 0; i < KEYS; i++)
		store.mod[i] = (int64_t)i + 2;
	for (size_t i = 0; i < n; i++)
		s.fakes[i].script = serve;
	setup_client(&s, NULL, NULL);
	mine.sync = etcd_sync_new(s.etcd, s.loop, &config, &ops, NULL);
}

static void finish(void)
{
	etcd_sync_free(mine.sync);
	setup_end(&s);
}

/* Until the picture is the store's and said to be current. */
static void assert_in_step(void)
{
	struct etcd_sync_status status;

	for (int i = 0; i < 15000; i++) {
		if (mine.live && !memcmp(mine.mod, store.mod, sizeof(mine.mod)))
			return;
		run_for(s.loop, USEC_PER_MSEC);
	}
	etcd_sync_status(mine.sync, &status);
	ck_abort_msg("not in step: live %d, revision %" PRId64 " of %" PRId64 ": %s", mine.live,
		mine.revision, store.revision, status.reason);
}

static void lose_stream(void)
{
	fake_kill(&s.fakes[0]);
	store.streams[0] = NULL;
	while (!mine.losts)
		run_for(s.loop, USEC_PER_MSEC);
}

START_TEST(the_picture_follows_the_store)
{
	begin(1, 0, 0);
	assert_in_step();
	change(3, false);
	change(4, true);
	change(4, false);
	change(5, true);
	assert_in_step();
	ck_assert_int_eq(mine.revision, 14);
	ck_assert_uint_eq(mine.batches, 4);
	ck_assert_uint_eq(mine.begins, 1);
	finish();
}
END_TEST

START_TEST(pages_of_any_size_show_the_same)
{
	begin(1, 0, _i);
	assert_in_step();
	ck_assert_uint_eq(mine.begins, 1);
	ck_assert_uint_eq(mine.ends, 1);
	ck_assert_uint_eq(store.ranges, (unsigned)((KEYS + _i - 1) / _i));
	finish();
}
END_TEST

START_TEST(pages_that_are_too_large_become_smaller)
{
	begin(1, 0, 8);
	store.too_large = true;
	assert_in_step();
	ck_assert_uint_eq(mine.ends, 1);
	ck_assert_uint_gt(store.ranges, 4);
	finish();
}
END_TEST

START_TEST(a_watch_that_is_cut_goes_on_elsewhere)
{
	begin(2, 0, 0);
	assert_in_step();
	change(1, false);
	assert_in_step();
	ck_assert_ptr_nonnull(store.streams[0]);
	lose_stream();
	store.mod[2] = ++store.revision;
	assert_in_step();
	ck_assert_uint_eq(mine.begins, 1);
	ck_assert_int_eq(store.last_start, 12);
	ck_assert_uint_eq(store.probes, 2);
	ck_assert_uint_eq(store.compares, 0);
	ck_assert_ptr_nonnull(store.streams[1]);
	finish();
}
END_TEST

START_TEST(what_others_did_elsewhere_does_not_keep_it_from_being_live)
{
	begin(2, 0, 0);
	assert_in_step();
	lose_stream();
	store.revision = 50;
	assert_in_step();
	ck_assert_uint_eq(store.compares, 1);
	ck_assert_int_eq(mine.revision, 50);
	ck_assert_uint_eq(mine.begins, 1);
	finish();
}
END_TEST

START_TEST(a_resumed_watch_that_lacks_something_is_left)
{
	begin(2, 0, 0);
	assert_in_step();
	lose_stream();
	store.mute = true;
	store.mod[2] = ++store.revision;
	while (!store.streams[1])
		run_for(s.loop, USEC_PER_MSEC);
	fake_revive(&s.fakes[0]);
	run_for(s.loop, USEC_PER_SEC);
	ck_assert(!mine.live);
	ck_assert_uint_eq(store.compares, 1);
	store.mute = false;
	assert_in_step();
	ck_assert_ptr_nonnull(store.streams[0]);
	finish();
}
END_TEST

START_TEST(a_compaction_meanwhile_lists_again)
{
	begin(2, 0, 0);
	assert_in_step();
	lose_stream();
	store.revision = 20;
	store.mod[6] = 0;
	/* at the very revision that is resumed from, etcd 3.4 would hide its deletions */
	store.compacted = _i ? 11 : 15;
	assert_in_step();
	ck_assert_uint_eq(mine.begins, 2);
	ck_assert_uint_eq(mine.losts, 1);
	finish();
}
END_TEST

START_TEST(a_silent_watch_is_found_out)
{
	begin(2, USEC_PER_SEC, 0);
	assert_in_step();
	store.mute = true;
	change(0, false);
	run_for(s.loop, 3 * USEC_PER_SEC);
	store.mute = false;
	assert_in_step();
	ck_assert_uint_eq(mine.losts, 1);
	ck_assert_ptr_nonnull(strstr(mine.reason, "silent"));
	ck_assert_ptr_nonnull(store.streams[1]);
	finish();
}
END_TEST

START_TEST(an_own_write_that_does_not_come_back_is_noticed)
{
	begin(2, 0, 0);
	assert_in_step();
	store.mute = true;
	change(3, false);
	etcd_sync_expect(mine.sync, store.revision);
	run_for(s.loop, USEC_PER_SEC);
	ck_assert(mine.live);
	store.mute = false;
	assert_in_step();
	ck_assert_uint_eq(mine.losts, 1);
	finish();
}
END_TEST

START_TEST(a_store_that_went_back_is_read_again)
{
	begin(1, 500 * USEC_PER_MSEC, 0);
	assert_in_step();
	store.revision = 8;
	store.mod[6] = 0;
	assert_in_step();
	ck_assert_uint_eq(mine.begins, 2);
	ck_assert_int_eq(mine.revision, 8);
	ck_assert_uint_eq(s.notices[ETCD_NOTICE_REVISION_BACK], 1);
	finish();
}
END_TEST

START_TEST(another_cluster_is_never_followed)
{
	struct etcd_sync_status status;

	begin(1, 0, 0);
	assert_in_step();
	s.fakes[0].cluster_id = 200;
	fake_kill(&s.fakes[0]);
	fake_revive(&s.fakes[0]);
	store.mod[3] = ++store.revision;
	while (!s.notices[ETCD_NOTICE_FOREIGN])
		run_for(s.loop, USEC_PER_MSEC);
	run_for(s.loop, 500 * USEC_PER_MSEC);
	etcd_sync_status(mine.sync, &status);
	ck_assert(!status.live);
	ck_assert_int_eq(status.revision, 10);
	ck_assert_msg(strstr(status.reason, "not to 64"), "%s", status.reason);
	ck_assert_uint_eq(mine.begins, 1);
	finish();
}
END_TEST

START_TEST(it_begins_when_etcd_comes)
{
	begin(1, 0, 0);
	fake_kill(&s.fakes[0]);
	run_for(s.loop, 300 * USEC_PER_MSEC);
	ck_assert(!mine.live);
	fake_revive(&s.fakes[0]);
	assert_in_step();
	ck_assert_uint_eq(mine.losts, 0);
	finish();
}
END_TEST

START_TEST(a_sync_may_be_freed_in_its_callbacks)
{
	begin(1, 0, 0);
	mine.free_at_end = true;
	while (!mine.ends)
		run_for(s.loop, USEC_PER_MSEC);
	run_for(s.loop, 100 * USEC_PER_MSEC);
	ck_assert(!mine.live);
	ck_assert_ptr_null(store.streams[0]);
	finish();
}
END_TEST

START_TEST(what_is_asked_for_again_is_listed_again)
{
	struct etcd_sync_status status;

	begin(1, 0, 0);
	assert_in_step();
	etcd_sync_again(mine.sync, "because");
	assert_in_step();
	etcd_sync_status(mine.sync, &status);
	ck_assert_uint_eq(status.listings, 2);
	ck_assert_str_eq(status.state, "live");
	ck_assert_str_eq(status.endpoint, s.fakes[0].url);
	ck_assert(status.live && status.current_at > 0);
	ck_assert_str_eq(mine.reason, "because");
	finish();
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("etcd sync");
	TCase *t = tcase_create("sync");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, the_picture_follows_the_store);
	tcase_add_loop_test(t, pages_of_any_size_show_the_same, 1, KEYS + 1);
	tcase_add_test(t, pages_that_are_too_large_become_smaller);
	tcase_add_test(t, a_watch_that_is_cut_goes_on_elsewhere);
	tcase_add_test(t, what_others_did_elsewhere_does_not_keep_it_from_being_live);
	tcase_add_test(t, a_resumed_watch_that_lacks_something_is_left);
	tcase_add_loop_test(t, a_compaction_meanwhile_lists_again, 0, 2);
	tcase_add_test(t, a_silent_watch_is_found_out);
	tcase_add_test(t, an_own_write_that_does_not_come_back_is_noticed);
	tcase_add_test(t, a_store_that_went_back_is_read_again);
	tcase_add_test(t, another_cluster_is_never_followed);
	tcase_add_test(t, it_begins_when_etcd_comes);
	tcase_add_test(t, a_sync_may_be_freed_in_its_callbacks);
	tcase_add_test(t, what_is_asked_for_again_is_listed_again);
	suite_add_tcase(suite, t);
	return suite;
}

SUITE_MAIN(suite)
