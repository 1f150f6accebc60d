/*
 * One watch against a scripted gateway: the happy path, and every way it can end.
 */
#include "config.h"

#include "etcd/watch.h"
#include "tests/lib/suite.h"
#include "tests/unit/test_etcd_setup.h"

static struct setup s;

static struct {
	struct etcd_watch *watch;
	struct fake_request *stream;
	unsigned streams;
	bool created, ended;
	int64_t head, applied;
	char events[512];
	enum etcd_watch_end why;
	char text[1024];
	bool free_in_event, free_at_end;
} w;

static void on_created(int64_t head, void *arg)
{
	(void)arg;
	w.created = true;
	w.head = head;
}

static void on_event(const struct etcd_event *event, void *arg)
{
	size_t len = strlen(w.events);

	(void)arg;
	snprintf(w.events + len, sizeof(w.events) - len, "%s%s%" PRId64, event->deleted ? "-" : "+",
		event->kv.key, event->kv.mod_revision);
	if (w.free_in_event) {
		etcd_watch_free(w.watch);
		w.watch = NULL;
	}
}

static void on_batch(int64_t revision, void *arg)
{
	(void)arg;
	w.applied = revision;
}

static void on_ended(enum etcd_watch_end why, const char *text, void *arg)
{
	(void)arg;
	ck_assert(!w.ended);
	w.ended = true;
	w.why = why;
	snprintf(w.text, sizeof(w.text), "%s", text);
	if (w.free_at_end) {
		etcd_watch_free(w.watch);
		w.watch = NULL;
	}
}

static const struct etcd_watch_ops ops = {
	.created = on_created, .event = on_event, .batch = on_batch, .ended = on_ended};

/* Keeps the stream's request for the test to answer. */
static bool take_watch(struct fake *fake, struct fake_request *request, const char *path,
	const char *body, void *arg)
{
	(void)fake;
	(void)body;
	(void)arg;
	if (!text_eq(path, "/v3/watch"))
		return false;
	w.stream = request;
	w.streams++;
	return true;
}

static void begin(size_t n)
{
	memset(&w, 0, sizeof(w));
	setup_begin(&s, n);
	for (size_t i = 0; i < n; i++)
		s.fakes[i].script = take_watch;
	setup_client(&s, NULL, NULL);
	w.watch = etcd_watch_new(s.etcd, "/p/", 11, &ops, NULL);
	while (!w.stream)
		run_for(s.loop, USEC_PER_MSEC);
}

static void finish(void)
{
	etcd_watch_free(w.watch);
	setup_end(&s);
}

static void send_created(void)
{
	fake_stream(w.stream);
	fake_text(w.stream, "{\"result\":{%s,\"created\":true}}\n", fake_header(&s.fakes[0]));
	run_until(s.loop, &w.created, "the watch was created");
}

static void wait_ended(enum etcd_watch_end why, const char *said)
{
	run_until(s.loop, &w.ended, "the watch ended");
	ck_assert_msg(w.why == why, "ended with %d: %s", w.why, w.text);
	ck_assert_msg(strstr(w.text, said), "'%s' does not say '%s'", w.text, said);
	ck_assert_msg(strstr(w.text, s.fakes[0].url), "'%s' names no endpoint", w.text);
}

static void wait_applied(int64_t revision)
{
	for (int i = 0; i < 5000 && w.applied < revision && !w.ended; i++)
		run_for(s.loop, USEC_PER_MSEC);
	ck_assert_msg(w.applied == revision, "applied %" PRId64 ", %s", w.applied, w.text);
}

/* {"result":…} with events "+a11" (put) or "-a11" (deleted), blank-separated. */
static const char *message(const char *events, bool fragment)
{
	static char text[2048];
	size_t len = (size_t)snprintf(
		text, sizeof(text), "{\"result\":{%s,\"events\":[", fake_header(&s.fakes[0]));

	for (const char *p = events; *p; p++) {
		static const char *const keys[] = {"YQ==", "Yg==", "Yw=="};

		len += (size_t)snprintf(text + len, sizeof(text) - len,
			"%s{%s\"kv\":{\"key\":\"%s\",\"mod_revision\":\"%.2s\"}}",
			p == events ? "" : ",", *p == '-' ? "\"type\":\"DELETE\"," : "",
			keys[p[1] - 'a'], p + 2);
		p += 3;
		if (!p[1])
			break;
	}
	snprintf(text + len, sizeof(text) - len, "]%s}}\n", fragment ? ",\"fragment\":true" : "");
	return text;
}

START_TEST(events_come_in_order_and_once)
{
	begin(1);
	ck_assert_str_eq(s.fakes[0].body,
		"{\"create_request\":{\"key\":\"L3Av\",\"range_end\":\"L3Aw\","
		"\"start_revision\":\"11\",\"progress_notify\":true,"
		"\"fragment\":true}}");
	ck_assert_ptr_nonnull(strstr(s.fakes[0].headers, "Grpc-Metadata-hasleader: true"));
	send_created();
	ck_assert_int_eq(w.head, 10);
	fake_text(w.stream, "%s", message("+a10+b11-c11", false));
	wait_applied(11);
	fake_text(w.stream, "%s", message("+a12+b13", true));
	fake_text(w.stream, "%s", message("+c13", false));
	fake_text(w.stream, "{\"result\":{%s}}\n", fake_header(&s.fakes[0]));
	fake_text(w.stream, "%s", message("-a15", false));
	wait_applied(15);
	ck_assert_str_eq(w.events, "+b11-c11+a12+b13+c13-a15");
	ck_assert_str_eq(etcd_watch_endpoint(w.watch), s.fakes[0].url);
	finish();
}
END_TEST

START_TEST(events_come_whole_wherever_the_body_is_cut)
{
	char text[2048];
	size_t len;

	begin(1);
	send_created();
	snprintf(text, sizeof(text), "%s", message("+a11-b12", false));
	len = strlen(text);
	for (size_t i = 0; i < len; i++) {
		fake_piece(w.stream, text + i, 1);
		run_for(s.loop, 0);
	}
	wait_applied(12);
	ck_assert_str_eq(w.events, "+a11-b12");
	finish();
}
END_TEST

START_TEST(what_comes_while_it_is_held_waits_and_so_does_the_end)
{
	begin(1);
	etcd_watch_hold(w.watch, true);
	send_created();
	for (char c = '1'; c < '4'; c++) {
		char events[] = "+a1x";

		events[3] = c;
		fake_text(w.stream, "%s", message(events, false));
	}
	fake_end(w.stream);
	run_for(s.loop, 30 * USEC_PER_MSEC);
	ck_assert_str_eq(w.events, "");
	ck_assert(!w.ended);
	etcd_watch_hold(w.watch, false);
	wait_ended(ETCD_WATCH_FAILED, "closed");
	ck_assert_str_eq(w.events, "+a11+a12+a13");
	finish();
}
END_TEST

static bool hold_at_once;

static void hold_when_created(int64_t head, void *arg)
{
	(void)arg;
	w.created = true;
	w.head = head;
	etcd_watch_hold(w.watch, hold_at_once);
}

START_TEST(what_came_in_the_same_piece_waits_too)
{
	static const struct etcd_watch_ops holding = {.created = hold_when_created,
		.event = on_event,
		.batch = on_batch,
		.ended = on_ended};

	begin(1);
	etcd_watch_free(w.watch);
	hold_at_once = true;
	w.stream = NULL;
	w.watch = etcd_watch_new(s.etcd, "/p/", 11, &holding, NULL);
	while (!w.stream)
		run_for(s.loop, USEC_PER_MSEC);
	fake_stream(w.stream);
	fake_text(w.stream, "{\"result\":{%s,\"created\":true}}\n%s", fake_header(&s.fakes[0]),
		message("+a11+b12", false));
	run_until(s.loop, &w.created, "the watch was created");
	run_for(s.loop, 30 * USEC_PER_MSEC);
	ck_assert_str_eq(w.events, "");
	etcd_watch_hold(w.watch, false);
	wait_applied(12);
	fake_text(w.stream, "%s", message("-a13", false));
	wait_applied(13);
	ck_assert_str_eq(w.events, "+a11+b12-a13");
	finish();
}
END_TEST

static const struct {
	const char *text; /* sent after `created`; NULL: no created either */
	enum etcd_watch_end why;
	const char *said;
} ends[] = {
	{"{\"error\":{\"grpc_code\":14,\"http_code\":503,\"message\":\"etcdserver: no leader\"}}",
		ETCD_WATCH_FAILED, "no leader"},
	{"{\"error\":{\"code\":14,\"message\":\"etcdserver: no leader\"}}\n", ETCD_WATCH_FAILED,
		"no leader"},
	{"{\"result\":{\"header\":{\"cluster_id\":\"100\",\"raft_term\":\"2\"},\"canceled\":true,"
	 "\"compact_revision\":\"26\"}}\n",
		ETCD_WATCH_COMPACTED, "compacted up to 26"},
	{"{\"result\":{\"header\":{\"cluster_id\":\"100\",\"raft_term\":\"2\"},\"canceled\":true}}"
	 "\n",
		ETCD_WATCH_FAILED, "canceled by etcd"},
	{"{\"result\":{\"header\":{\"cluster_id\":\"100\",\"raft_term\":\"2\"},\"watch_id\":\"-1\","
	 "\"created\":true,\"canceled\":true,\"cancel_reason\":\"rpc error: code = "
	 "PermissionDenied desc = etcdserver: permission denied\"}}\n",
		ETCD_WATCH_REFUSED, "permission denied"},
	{"{\"result\":{\"header\":{\"cluster_id\":\"100\",\"raft_term\":\"2\"},\"watch_id\":\"-1\","
	 "\"created\":true,\"canceled\":true,\"cancel_reason\":\"rpc error: code = "
	 "Unauthenticated desc = etcdserver: invalid auth token\"}}\n",
		ETCD_WATCH_FAILED, "invalid auth token"},
	{"{\"result\":{\"header\":{\"cluster_id\":\"5\",\"raft_term\":\"2\"}}}\n",
		ETCD_WATCH_REFUSED, "another"},
	{"{\"result\":{\"header\":{\"cluster_id\":\"100\",\"raft_term\":\"1\"}}}\n",
		ETCD_WATCH_FAILED, "lags"},
	{"nonsense\n", ETCD_WATCH_FAILED, "expected a JSON object"},
	{"{\"result\":{\"events\":3}}\n", ETCD_WATCH_FAILED, "watch"},
	{"{\"what\":1}\n", ETCD_WATCH_FAILED, "result"},
};

START_TEST(each_end_in_the_stream_is_told)
{
	const char *said = ends[_i].why == ETCD_WATCH_REFUSED && !strcmp(ends[_i].said, "another")
				   ? "not to 64"
				   : ends[_i].said;

	begin(1);
	send_created();
	fake_text(w.stream, "%s", ends[_i].text);
	wait_ended(ends[_i].why, said);
	finish();
}
END_TEST

START_TEST(refusals_before_the_first_message_are_understood)
{
	static const struct {
		int status;
		const char *body;
		enum etcd_watch_end why;
		const char *said;
	} rows[] = {
		{503,
			"{\"error\":{\"grpc_code\":14,\"http_code\":503,\"message\":\"etcdserver: "
			"no "
			"leader\"}}",
			ETCD_WATCH_FAILED, "no leader"},
		{400,
			"CommonName of client sending a request against gateway will be ignored "
			"and not "
			"used as expected\n",
			ETCD_WATCH_REFUSED, "without a CN"},
		{404, "Not Found\n", ETCD_WATCH_FAILED, "gateway"},
		{404, "{\"code\":5, \"message\":\"Not Found\"}", ETCD_WATCH_FAILED, "gateway"},
		{401, "{\"code\":16, \"message\":\"etcdserver: invalid auth token\"}",
			ETCD_WATCH_FAILED, "token"},
		{200, "<html>hello</html>", ETCD_WATCH_FAILED, "no stream"},
		{200, "", ETCD_WATCH_FAILED, "closed the stream"},
	};

	begin(1);
	fake_answer(w.stream, rows[_i].status, "%s", rows[_i].body);
	wait_ended(rows[_i].why, rows[_i].said);
	finish();
}
END_TEST

START_TEST(a_clean_end_and_a_cut_are_failures)
{
	begin(1);
	send_created();
	if (_i)
		fake_cut(w.stream);
	else
		fake_end(w.stream);
	wait_ended(ETCD_WATCH_FAILED, _i ? "closed the connection" : "closed the stream");
	ck_assert_uint_eq(s.notices[ETCD_NOTICE_BAD], 1);
	finish();
}
END_TEST

START_TEST(events_out_of_order_end_it)
{
	begin(1);
	send_created();
	fake_text(w.stream, "%s", message("+a12+b11", false));
	wait_ended(ETCD_WATCH_FAILED, "revision 11 after 12");
	ck_assert_str_eq(w.events, "");
	finish();
}
END_TEST

START_TEST(a_watch_that_is_not_created_in_time_ends)
{
	begin(1);
	if (_i)
		fake_stream(w.stream);
	wait_ended(ETCD_WATCH_FAILED, "not created in time");
	finish();
}
END_TEST

START_TEST(what_is_expected_must_come)
{
	begin(1);
	send_created();
	etcd_watch_expect(w.watch, 10, 0);
	etcd_watch_expect(w.watch, 12, 5 * USEC_PER_SEC);
	etcd_watch_expect(w.watch, 13, 5 * USEC_PER_SEC + 300 * USEC_PER_MSEC);
	fake_text(w.stream, "%s", message("+a12", false));
	wait_applied(12);
	etcd_watch_expect(w.watch, 14, 200 * USEC_PER_MSEC);
	/* who waits for 14 waits for 13 and 14 */
	etcd_watch_expect(w.watch, 14, 60 * USEC_PER_SEC);
	fake_text(w.stream, "%s", message("+a13", false));
	wait_applied(13);
	wait_ended(ETCD_WATCH_SILENT, "silent, though there was a change at revision 14 or later");
	finish();
}
END_TEST

START_TEST(what_is_expected_may_come_slowly)
{
	char text[2048];

	begin(1);
	send_created();
	etcd_watch_expect(w.watch, 12, USEC_PER_SEC);
	etcd_watch_expect(w.watch, 13, USEC_PER_SEC);
	snprintf(text, sizeof(text), "%s", message("+a11+b12", false));
	for (size_t i = 0; i < 10; i++) {
		fake_piece(w.stream, text + i, 1);
		run_for(s.loop, 150 * USEC_PER_MSEC);
	}
	ck_assert_msg(!w.ended, "%s", w.text);
	fake_text(w.stream, "%s", text + 10);
	wait_applied(12);
	/* what comes behind it has its time from here on */
	run_for(s.loop, 200 * USEC_PER_MSEC);
	ck_assert_msg(!w.ended, "%s", w.text);
	wait_ended(ETCD_WATCH_SILENT, "revision 13 or later");
	finish();
}
END_TEST

START_TEST(notices_of_progress_bring_nothing_that_is_expected)
{
	begin(1);
	send_created();
	etcd_watch_expect(w.watch, 12, 300 * USEC_PER_MSEC);
	for (int i = 0; i < 12 && !w.ended; i++) {
		fake_text(w.stream, "{\"result\":{%s}}\n", fake_header(&s.fakes[0]));
		run_for(s.loop, 100 * USEC_PER_MSEC);
	}
	ck_assert(w.ended);
	wait_ended(ETCD_WATCH_SILENT, "silent");
	finish();
}
END_TEST

START_TEST(what_is_known_already_is_left_out)
{
	begin(1);
	send_created();
	fake_text(w.stream, "%s", message("+a11", false));
	wait_applied(11);
	etcd_watch_expect(w.watch, 14, 600 * USEC_PER_MSEC);
	/* a part of one that is known by the time it is whole */
	fake_text(w.stream, "%s", message("+b12", true));
	run_for(s.loop, 20 * USEC_PER_MSEC);
	etcd_watch_skip(w.watch, 14);
	fake_text(w.stream, "%s", message("+c12-a13-b14", false));
	fake_text(w.stream, "%s", message("+a16", false));
	wait_applied(16);
	ck_assert_str_eq(w.events, "+a11+a16");
	run_for(s.loop, 700 * USEC_PER_MSEC);
	ck_assert_msg(!w.ended, "%s", w.text);
	etcd_watch_skip(w.watch, 14);
	fake_text(w.stream, "%s", message("+b17", false));
	wait_applied(17);
	finish();
}
END_TEST

START_TEST(a_watch_may_be_freed_in_its_callbacks)
{
	begin(1);
	w.free_in_event = _i == 0;
	w.free_at_end = _i == 1;
	send_created();
	fake_text(w.stream, "%s", message("+a12+b13", false));
	if (_i == 1)
		fake_end(w.stream);
	while (w.watch)
		run_for(s.loop, USEC_PER_MSEC);
	ck_assert_str_eq(w.events, _i ? "+a12+b13" : "+a12");
	ck_assert(_i || !w.ended);
	finish();
}
END_TEST

START_TEST(the_next_watch_goes_elsewhere)
{
	begin(2);
	send_created();
	fake_cut(w.stream);
	run_until(s.loop, &w.ended, "the watch ended");
	etcd_watch_free(w.watch);
	w.ended = false;
	w.stream = NULL;
	w.watch = etcd_watch_new(s.etcd, "/p/", 11, &ops, NULL);
	while (!w.stream)
		run_for(s.loop, USEC_PER_MSEC);
	ck_assert_str_eq(etcd_watch_endpoint(w.watch), s.fakes[1].url);
	finish();
}
END_TEST

/* As one whose process is stopped: it takes everything and answers nothing. */
START_TEST(a_watch_leaves_an_endpoint_that_fails_in_calls)
{
	struct failure hangs = {.path = "/v3/kv/range"};
	const struct etcd_call_options options = {
		.timeout = 50 * USEC_PER_MSEC, .retry = ETCD_RETRY_NEVER};

	begin(2);
	send_created();
	setup_script(&s, 0, &hangs);
	setup_get(&s, &options);
	setup_wait(&s);
	assert_outcome(&s, ETCD_UNKNOWN);
	wait_ended(ETCD_WATCH_FAILED, "the endpoint has failed");
	finish();
}
END_TEST

START_TEST(nobody_to_watch_at)
{
	memset(&w, 0, sizeof(w));
	setup_begin(&s, 1);
	setup_client(&s, NULL, NULL);
	fake_kill(&s.fakes[0]);
	w.watch = etcd_watch_new(s.etcd, "/p/", 11, &ops, NULL);
	run_until(s.loop, &w.ended, "the watch ended");
	ck_assert_int_eq(w.why, ETCD_WATCH_FAILED);
	ck_assert_ptr_nonnull(strstr(w.text, "cannot connect"));
	finish();
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("etcd watch");
	TCase *t = tcase_create("watch");

	tcase_set_timeout(t, 30);
	tcase_add_test(t, events_come_in_order_and_once);
	tcase_add_test(t, events_come_whole_wherever_the_body_is_cut);
	tcase_add_test(t, what_comes_while_it_is_held_waits_and_so_does_the_end);
	tcase_add_test(t, what_came_in_the_same_piece_waits_too);
	tcase_add_loop_test(t, each_end_in_the_stream_is_told, 0, ARRAY_SIZE(ends));
	tcase_add_loop_test(t, refusals_before_the_first_message_are_understood, 0, 7);
	tcase_add_loop_test(t, a_clean_end_and_a_cut_are_failures, 0, 2);
	tcase_add_test(t, events_out_of_order_end_it);
	tcase_add_loop_test(t, a_watch_that_is_not_created_in_time_ends, 0, 2);
	tcase_add_test(t, what_is_expected_must_come);
	tcase_add_test(t, what_is_expected_may_come_slowly);
	tcase_add_test(t, notices_of_progress_bring_nothing_that_is_expected);
	tcase_add_test(t, what_is_known_already_is_left_out);
	tcase_add_loop_test(t, a_watch_may_be_freed_in_its_callbacks, 0, 2);
	tcase_add_test(t, the_next_watch_goes_elsewhere);
	tcase_add_test(t, a_watch_leaves_an_endpoint_that_fails_in_calls);
	tcase_add_test(t, nobody_to_watch_at);
	suite_add_tcase(suite, t);
	return suite;
}

SUITE_MAIN(suite)
