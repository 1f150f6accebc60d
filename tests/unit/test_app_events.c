#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/agent.h"
#include "app/events.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "copy/replica.h"
#include "core/roster.h"
#include "io/loop.h"
#include "member/member.h"
#include "model/db.h"
#include "tests/lib/suite.h"

/* A member and a copy that are what the test says: these take the place of the real ones. */
static struct agent agent;
static struct roster *roster;
static struct db *db;
static int64_t copy_at;
static usec_t copy_age;
static bool quorum, leads;
static struct replica_listener *follower;

const char *__wrap_member_name(const struct member *m);
const struct roster *__wrap_member_roster(const struct member *m);
bool __wrap_member_quorum(const struct member *m);
bool __wrap_member_leads(const struct member *m);
struct replica *__wrap_member_replica(struct member *m);
const struct db *__wrap_replica_db(const struct replica *r);
int64_t __wrap_replica_revision(const struct replica *r);
usec_t __wrap_replica_age(const struct replica *r);
void __wrap_replica_listen(struct replica *r, struct replica_listener *listener);

const char *__wrap_member_name(const struct member *m UNUSED)
{
	return "mgt1";
}

const struct roster *__wrap_member_roster(const struct member *m UNUSED)
{
	return roster;
}

bool __wrap_member_quorum(const struct member *m UNUSED)
{
	return quorum;
}

bool __wrap_member_leads(const struct member *m UNUSED)
{
	return leads;
}

struct replica *__wrap_member_replica(struct member *m)
{
	return (struct replica *)(void *)m;
}

const struct db *__wrap_replica_db(const struct replica *r UNUSED)
{
	return db;
}

int64_t __wrap_replica_revision(const struct replica *r UNUSED)
{
	return copy_at;
}

usec_t __wrap_replica_age(const struct replica *r UNUSED)
{
	return copy_age;
}

void __wrap_replica_listen(struct replica *r UNUSED, struct replica_listener *listener)
{
	follower = listener;
}

/* ---- what a follower hears ---- */

static struct buf heard;
static unsigned begun, ended;
static int64_t last_revision;
static uint64_t last_seq;

static void note(const struct event *e)
{
	static const char *const kinds[] = {"leader", "quorum", "member", "manager"};
	int rc = buf_printf(&heard, "%s%lld %s ", e->first ? "first " : "", (long long)e->revision,
		kinds[e->kind]);

	if (e->kind == EVENT_QUORUM)
		rc |= buf_printf(&heard, "%s", e->on ? "on" : "off");
	else if (e->kind == EVENT_MEMBER)
		rc |= buf_printf(&heard, "%s %s", e->name, e->gone ? "gone" : e->on ? "on" : "off");
	else
		rc |= buf_printf(&heard, "%s>%s", e->from, e->to);
	if (e->n_nodes)
		rc |= buf_printf(&heard, " %zu", e->n_nodes);
	ck_assert_int_eq(rc | buf_str(&heard, "\n"), 0);
}

static void on_event(const struct event *e, void *arg UNUSED)
{
	ck_assert_int_ge(e->revision, last_revision);
	ck_assert_uint_eq(e->seq, last_seq + 1);
	last_revision = e->revision;
	last_seq = e->seq;
	note(e);
}

static void on_begun(void *arg UNUSED)
{
	begun++;
}

static void on_ended(void *arg UNUSED)
{
	ended++;
}

static struct events_listener listener = {.fn = on_event, .begun = on_begun, .ended = on_ended};

/* ---- the world ---- */

static struct loop_defer *turns;
static unsigned turns_left;

static void on_turn(void *arg)
{
	if (turns_left-- > 0)
		loop_defer_schedule(turns);
	else
		loop_stop(arg);
}

/* What is deferred, and deferred again as often, is done. */
static void turn(void)
{
	struct err err = {""};

	turns_left = 50;
	loop_defer_schedule(turns);
	ck_assert_int_eq(loop_run(agent.loop, &err), 0);
}

static const char *said(void)
{
	static char text[8192];

	turn();
	snprintf(text, sizeof(text), "%s", buf_cstr(&heard));
	buf_reset(&heard);
	return text;
}

static void member(const char *name, int64_t record, int64_t active, int64_t at)
{
	struct record_info record_info = {.present = record > 0, .valid = true, .mod_rev = record};
	struct key_info key = {.present = active > 0,
		.mod_rev = active,
		.lease = 7,
		.value = "x",
		.instance = "y"};

	roster_record(roster, 0, name, &record_info, record > 0 ? 0 : at);
	roster_active(roster, 0, name, &key, active > 0 ? 0 : at);
	events_changed(agent.events);
}

static void leader(const char *name, int64_t revision)
{
	struct key_info key = {.present = *name,
		.create_rev = revision,
		.mod_rev = revision,
		.lease = 7,
		.value = name,
		.instance = ""};

	roster_leader(roster, &key, *name ? 0 : revision);
	events_changed(agent.events);
}

static void copy(int64_t revision)
{
	copy_at = revision;
	db_set_revision(db, revision);
	follower->fn(revision, follower->arg);
}

static void put(const char *node, const char *manager, int64_t revision)
{
	char key[128];

	snprintf(key, sizeof(key), "nodes/%s/groups", node);
	ck_assert_int_eq(db_put(db, key, strlen(key), "", 0, revision, NULL), 0);
	snprintf(key, sizeof(key), "nodes/%s/collective.manager", node);
	ck_assert_int_eq(db_put(db, key, strlen(key), manager, strlen(manager), revision, NULL), 0);
}

static void setup(void)
{
	struct err err = {""};

	agent = (struct agent){0};
	ck_assert_msg(loop_new(&agent.loop, &err) == 0, "%s", err.text);
	turns = loop_patient_new(agent.loop, on_turn, agent.loop);
	roster = roster_new();
	db = db_new(3);
	quorum = leads = true;
	copy_age = 0;
	begun = ended = 0;
	last_revision = 0;
	last_seq = 0;
	buf_init(&heard, 1 << 16);
	list_init(&listener.link);
	agent.member = (struct member *)(void *)&agent;
	agent.events = events_new(&agent);
	events_listen(agent.events, &listener);
	events_attach(agent.events);
}

static void teardown(void)
{
	events_unlisten(&listener);
	events_free(agent.events);
	roster_free(roster);
	db_free(db);
	loop_defer_free(turns);
	loop_free(agent.loop);
	buf_done(&heard);
}

/* mgt1 leads, mgt2 is active, n1 is mgt2's; the copy is at revision 20. */
static void begin(void)
{
	roster_begin(roster);
	member("mgt1", 3, 4, 0);
	member("mgt2", 5, 6, 0);
	leader("mgt1", 7);
	roster_end(roster, 0, 20);
	put("n1", "mgt2", 10);
	copy(20);
}

static void begun_quietly(void)
{
	begin();
	said();
	ck_assert_uint_eq(begun, 1);
}

START_TEST(the_first_picture_is_told_as_such_when_all_is_known)
{
	put("n1", "mgt2", 10);
	copy(20);
	ck_assert_str_eq(said(), "");
	copy_age = 5;
	begin();
	ck_assert_str_eq(said(), "");
	ck_assert_ptr_null(events_run(agent.events));
	copy_age = 0;
	events_changed(agent.events);
	ck_assert_str_eq(said(), "first 20 quorum on\n"
				 "first 20 member mgt1 on\n"
				 "first 20 member mgt2 on\n"
				 "first 20 leader >mgt1\n"
				 "first 20 manager >mgt2 1\n");
	ck_assert_ptr_nonnull(events_run(agent.events));
	ck_assert_ptr_null(events_find(agent.events, last_seq));
	events_changed(agent.events);
	ck_assert_str_eq(said(), "");
}
END_TEST

START_TEST(news_of_the_registry_comes_in_its_order_once_the_copy_is_there)
{
	begun_quietly();
	leader("mgt2", 31);
	member("mgt3", 29, 30, 0);
	ck_assert_str_eq(said(), "");
	copy(30);
	ck_assert_str_eq(said(), "30 member mgt3 on\n");
	put("n1", "mgt3", 33);
	copy(33);
	ck_assert_str_eq(said(), "31 leader mgt1>mgt2\n33 manager mgt2>mgt3 1\n");
}
END_TEST

START_TEST(what_comes_late_is_raised_to_what_was_told)
{
	begun_quietly();
	leads = false;
	events_changed(agent.events);
	ck_assert_str_eq(said(), "20 leader mgt1>\n");
	put("n1", "mgt1", 40);
	copy(41);
	ck_assert_str_eq(said(), "41 manager mgt2>mgt1 1\n");
	leads = true;
	events_changed(agent.events);
	ck_assert_str_eq(said(), "41 leader >mgt1\n");
}
END_TEST

START_TEST(who_has_no_quorum_knows_no_leader)
{
	begun_quietly();
	quorum = false;
	events_changed(agent.events);
	ck_assert_str_eq(said(), "20 quorum off\n20 leader mgt1>\n");
	quorum = true;
	events_changed(agent.events);
	ck_assert_str_eq(said(), "20 quorum on\n20 leader >mgt1\n");
}
END_TEST

START_TEST(members_that_end_are_told_though_the_copy_has_not_heard_of_it)
{
	begun_quietly();
	member("mgt2", 5, 0, 50);
	ck_assert_str_eq(said(), "20 member mgt2 off\n");
	member("mgt2", 0, 0, 60);
	ck_assert_str_eq(said(), "20 member mgt2 gone\n");
	leader("", 70);
	ck_assert_str_eq(said(), "20 leader mgt1>\n");
}
END_TEST

START_TEST(many_nodes_are_several_events_of_one_revision)
{
	begun_quietly();
	for (int i = 0; i < 2500; i++) {
		char name[32];

		snprintf(name, sizeof(name), "n%d", i);
		put(name, "mgt1", 30);
	}
	copy(30);
	ck_assert_str_eq(said(),
		"30 manager >mgt1 1000\n30 manager >mgt1 1000\n30 manager >mgt1 499\n"
		"30 manager mgt2>mgt1 1\n");
}
END_TEST

/* Everything from the window behind seq, as it was heard. */
static const char *replayed(uint64_t seq)
{
	static char text[8192];
	const struct event *e;

	buf_reset(&heard);
	while ((e = events_find(agent.events, ++seq)))
		note(e);
	snprintf(text, sizeof(text), "%s", buf_cstr(&heard));
	buf_reset(&heard);
	return text;
}

START_TEST(one_who_was_away_goes_on_behind_what_it_knows)
{
	uint64_t seq;

	begun_quietly();
	put("n1", "mgt1", 30);
	copy(30);
	said();
	member("mgt3", 39, 40, 0);
	put("n1", "mgt2", 41);
	copy(41);
	said();
	ck_assert(events_after(agent.events, 20, &seq));
	ck_assert_str_eq(replayed(seq), "30 manager mgt2>mgt1 1\n40 member mgt3 on\n"
					"41 manager mgt1>mgt2 1\n");
	ck_assert(events_after(agent.events, 30, &seq));
	ck_assert_str_eq(replayed(seq), "40 member mgt3 on\n41 manager mgt1>mgt2 1\n");
	ck_assert(events_after(agent.events, 41, &seq));
	ck_assert_str_eq(replayed(seq), "");
	ck_assert(!events_after(agent.events, 19, &seq));
	ck_assert(!events_after(agent.events, 42, &seq));
	copy(50);
	said();
	ck_assert(events_after(agent.events, 45, &seq));
	ck_assert_str_eq(replayed(seq), "");
}
END_TEST

START_TEST(what_falls_out_of_the_window_is_known_to_be_missing)
{
	uint64_t seq;

	begun_quietly();
	for (int i = 0; i < 1000; i++) {
		char name[32];

		snprintf(name, sizeof(name), "m%d", i);
		put(name, "mgt1", 30);
	}
	for (int64_t at = 30; at < 100; at++) {
		for (int i = 0; i < 1000; i++) {
			char name[32];

			snprintf(name, sizeof(name), "m%d", i);
			put(name, at % 2 ? "mgt1" : "mgt2", at);
		}
		copy(at);
		said();
	}
	/* 65 events of a thousand nodes are kept */
	ck_assert(!events_after(agent.events, 33, &seq));
	ck_assert(events_after(agent.events, 34, &seq));
	ck_assert_int_eq(events_find(agent.events, seq + 1)->revision, 35);
	ck_assert_ptr_null(events_find(agent.events, seq));
	ck_assert_ptr_nonnull(events_find(agent.events, events_seq(agent.events)));
	ck_assert_ptr_null(events_find(agent.events, events_seq(agent.events) + 1));
}
END_TEST

START_TEST(a_picture_tells_what_was_told_and_is_shared)
{
	struct events_picture *one, *two;
	const struct event *e;

	begun_quietly();
	put("n1", "mgt1", 30);
	one = events_picture_get(agent.events);
	for (size_t i = 0; (e = events_picture_at(one, i)); i++)
		note(e);
	ck_assert_str_eq(buf_cstr(&heard), "20 leader >mgt1\n20 quorum on\n20 member mgt1 on\n"
					   "20 member mgt2 on\n20 manager >mgt2 1\n");
	ck_assert_uint_eq(events_picture_seq(one), events_seq(agent.events));
	two = events_picture_get(agent.events);
	ck_assert_ptr_eq(one, two);
	events_picture_put(two);
	copy(30);
	said();
	two = events_picture_get(agent.events);
	ck_assert_ptr_ne(one, two);
	events_picture_put(one);
	events_picture_put(two);
}
END_TEST

START_TEST(another_member_begins_anew_and_tells_differences_alone)
{
	CLEANUP(freep) char *run = NULL;

	begun_quietly();
	run = xstrdup(events_run(agent.events));
	events_detach(agent.events);
	ck_assert_uint_eq(ended, 1);
	ck_assert_ptr_null(events_run(agent.events));
	/* an etcd that was put back: its revisions are lower */
	roster_free(roster);
	db_free(db);
	roster = roster_new();
	db = db_new(4);
	last_revision = 0;
	events_attach(agent.events);
	roster_begin(roster);
	member("mgt1", 3, 4, 0);
	leader("mgt1", 7);
	roster_end(roster, 0, 9);
	put("n1", "mgt1", 8);
	copy(9);
	ck_assert_str_eq(said(), "9 member mgt2 gone\n9 manager mgt2>mgt1 1\n");
	ck_assert_uint_eq(begun, 2);
	ck_assert_str_ne(run, events_run(agent.events));
}
END_TEST

static Suite *events_suite(void)
{
	Suite *suite = suite_create("app_events");
	TCase *t = tcase_create("events");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, the_first_picture_is_told_as_such_when_all_is_known);
	tcase_add_test(t, news_of_the_registry_comes_in_its_order_once_the_copy_is_there);
	tcase_add_test(t, what_comes_late_is_raised_to_what_was_told);
	tcase_add_test(t, who_has_no_quorum_knows_no_leader);
	tcase_add_test(t, members_that_end_are_told_though_the_copy_has_not_heard_of_it);
	tcase_add_test(t, many_nodes_are_several_events_of_one_revision);
	tcase_add_test(t, one_who_was_away_goes_on_behind_what_it_knows);
	tcase_add_test(t, what_falls_out_of_the_window_is_known_to_be_missing);
	tcase_add_test(t, a_picture_tells_what_was_told_and_is_shared);
	tcase_add_test(t, another_member_begins_anew_and_tells_differences_alone);
	suite_add_tcase(suite, t);
	return suite;
}

SUITE_MAIN(events_suite)
