/*
 * The replica: what can be read is one revision, the copy on disk follows, and what becomes of it when
 * the disk or the reading process fails. This program is its own reading process.
 */
#include "config.h"

#include <errno.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "io/loop.h"
#include "io/worker.h"
#include "model/db.h"
#include "tests/unit/test_copy.h"

struct loop *loop;
struct worker *disk;
struct replica *replica;
static struct replica_listener listener;
static char folder[64];
char copy[80];
const char *program, *collective;
static struct err err;

struct said said;
static usec_t age;

static void on_line(enum log_level level, const char *module, const char *text, void *arg)
{
	(void)arg;
	if (level > LOG_LEVEL_WARNING || strcmp(module, "loop") == 0)
		return;
	said.complaints++;
	snprintf(said.complaint, sizeof(said.complaint), "%s", text);
}

static void on_origin(struct store_mark *mark, void *arg)
{
	(void)arg;
	mark->cluster_id = 99;
	mark->raft_term = 3;
}

static usec_t on_age(void *arg)
{
	(void)arg;
	return age;
}

static void on_loaded(const char *failure, void *arg)
{
	(void)arg;
	ck_assert(!said.loaded);
	said.loaded = true;
	snprintf(said.failure, sizeof(said.failure), "%s", failure ? failure : "");
}

static void on_list_again(const char *reason, void *arg)
{
	(void)reason;
	(void)arg;
	said.list_again++;
}

static void on_told(int64_t revision, void *arg)
{
	(void)arg;
	if (revision != replica_revision(replica))
		abort();
	said.told = revision;
	said.tellings++;
}

static void stop(void *arg)
{
	(void)arg;
	loop_stop(loop);
}

void turn(usec_t delay)
{
	struct loop_timer *timer = loop_timer_new(loop, "test", stop, NULL);

	loop_timer_after(timer, delay);
	if (loop_run(loop, &err) < 0)
		abort();
	loop_timer_free(timer);
}

void start(void)
{
	const struct replica_config config = {
		.loop = loop,
		.disk = disk,
		.folder = copy,
		.program = program,
		.prefix = PREFIX,
		.collective_id = collective,
		.disk_retry = RETRY,
		.origin = on_origin,
		.age = on_age,
		.loaded = on_loaded,
		.list_again = on_list_again,
	};

	memset(&said, 0, sizeof(said));
	age = USEC_NEVER;
	replica = replica_new(&config);
	listener = (struct replica_listener){.fn = on_told};
	replica_listen(replica, &listener);
}

void load(void)
{
	replica_load(replica);
	WAIT(said.loaded);
}

void restart(void)
{
	replica_free(replica);
	start();
	load();
}

static void setup(void)
{
	snprintf(folder, sizeof(folder), "/tmp/test_replica.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(copy, sizeof(copy), "%s/copy", folder);
	program = "/proc/self/exe";
	collective = "c1";
	log_set_sink(on_line, NULL);
	ck_assert_int_eq(loop_new(&loop, &err), 0);
	ck_assert_int_eq(worker_new(&disk, loop, &err), 0);
	start();
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void teardown(void)
{
	replica_free(replica);
	worker_free(disk);
	loop_free(loop);
	nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static struct etcd_kv kv(const char *key, const char *value, int64_t revision)
{
	return (struct etcd_kv){.key = key,
		.key_len = strlen(key),
		.value = value,
		.value_len = strlen(value),
		.create_revision = revision,
		.mod_revision = revision};
}

void list_one(const char *key, const char *value, int64_t revision)
{
	const struct etcd_kv one = kv(key, value, revision);

	replica_kv(replica, &one);
}

void event(const char *key, const char *value, int64_t revision)
{
	const struct etcd_event one = {
		.deleted = !value, .kv = kv(key, value ? value : "", revision)};

	replica_event(replica, &one);
}

void list_two_nodes(int64_t revision)
{
	replica_begin(replica, revision);
	list_one(PREFIX "members/a", "{}", 2);
	list_one(PREFIX "nodes/n1/groups", "g", 3);
	list_one(PREFIX "nodes/n1/location.rack", "r1", 4);
	list_one(PREFIX "nodes/n2/groups", "", 5);
	replica_end(replica, revision);
}

bool node_exists(const char *name)
{
	uint32_t node;

	return db_node_find(replica_db(replica), name, &node);
}

struct replica_status status(void)
{
	struct replica_status s;

	replica_status(replica, &s);
	return s;
}

bool stored(int64_t revision)
{
	return status().stored == revision && strcmp(status().state, "current") == 0;
}

START_TEST(a_listing_takes_its_place_as_a_whole)
{
	const struct db *before;

	ck_assert_ptr_null(replica_db(replica));
	ck_assert(replica_age(replica) == USEC_NEVER);
	replica_begin(replica, 10);
	list_one(PREFIX "nodes/n1/groups", "", 3);
	ck_assert_ptr_null(replica_db(replica));
	ck_assert_uint_eq(said.tellings, 0);
	replica_end(replica, 10);
	ck_assert(node_exists("n1"));
	ck_assert_int_eq(said.told, 10);
	before = replica_db(replica);
	replica_begin(replica, 20);
	list_one(PREFIX "nodes/n2/groups", "", 11);
	ck_assert_ptr_eq(replica_db(replica), before);
	ck_assert(node_exists("n1") && !node_exists("n2"));
	/* that listing came to nothing */
	replica_begin(replica, 30);
	list_one(PREFIX "nodes/n3/groups", "", 21);
	ck_assert(node_exists("n1"));
	replica_end(replica, 30);
	ck_assert(!node_exists("n1") && !node_exists("n2") && node_exists("n3"));
	ck_assert_int_eq(replica_revision(replica), 30);
	ck_assert_int_eq(db_revision(replica_db(replica)), 30);
}
END_TEST

START_TEST(changes_count_when_their_revision_is_complete)
{
	list_two_nodes(10);
	event(PREFIX "nodes/n3/groups", "", 11);
	event(PREFIX "nodes/n1/groups", NULL, 11);
	turn(0);
	ck_assert(node_exists("n1") && !node_exists("n3"));
	ck_assert_int_eq(replica_revision(replica), 10);
	replica_batch(replica, 11);
	ck_assert(!node_exists("n1") && node_exists("n3"));
	ck_assert_int_eq(said.told, 11);
	ck_assert_uint_eq(status().odd, 1); /* n1 is gone, its attribute is not */
}
END_TEST

static unsigned others;

static void count_other(const struct store_kv *other, void *arg)
{
	(void)arg;
	ck_assert_uint_eq(other->key_len, strlen(other->key));
	ck_assert_str_eq(other->key, "members/a");
	ck_assert_str_eq(other->value, "{}");
	ck_assert_int_eq(other->mod_revision, 2);
	others++;
}

START_TEST(a_restart_finds_what_was_known_last)
{
	const struct store_mark *mark;
	usec_t before;

	load();
	ck_assert(*said.failure);
	ck_assert_uint_eq(said.complaints, 0); /* there never was one */
	list_two_nodes(10);
	WAIT(stored(10));
	event(PREFIX "nodes/n3/groups", "", 11);
	event(PREFIX "nodes/n2/groups", NULL, 11);
	age = 0;
	replica_batch(replica, 11);
	before = clock_wall();
	restart();
	ck_assert_str_eq(said.failure, "");
	ck_assert_int_eq(said.told, 11);
	ck_assert(node_exists("n1") && !node_exists("n2") && node_exists("n3"));
	mark = replica_loaded_from(replica);
	ck_assert_ptr_nonnull(mark);
	ck_assert_int_eq(mark->revision, 11);
	ck_assert_uint_eq(mark->cluster_id, 99);
	ck_assert_uint_eq(mark->raft_term, 3);
	ck_assert(mark->wall <= before && mark->wall > before - 10 * USEC_PER_SEC);
	ck_assert(replica_age(replica) > 0 && replica_age(replica) < 60 * USEC_PER_SEC);
	age = 0;
	ck_assert(replica_age(replica) == 0);
	others = 0;
	replica_each_other(replica, count_other, NULL);
	ck_assert_uint_eq(others, 1);
	/* and a new file is made of it, which the next changes go to */
	WAIT(stored(11));
	event(PREFIX "nodes/n4/groups", "", 12);
	replica_batch(replica, 12);
	WAIT(stored(12));
	restart();
	ck_assert_int_eq(replica_revision(replica), 12);
	ck_assert(node_exists("n4"));
}
END_TEST

START_TEST(an_end_while_the_file_is_filled_leaves_the_former_one)
{
	list_two_nodes(10);
	WAIT(stored(10));
	replica_begin(replica, 20);
	list_one(PREFIX "nodes/n9/groups", "", 15);
	restart();
	ck_assert_int_eq(replica_revision(replica), 10);
	ck_assert(node_exists("n1") && !node_exists("n9"));
}
END_TEST

START_TEST(changes_that_come_while_the_file_is_filled_follow_it)
{
	list_two_nodes(10);
	event(PREFIX "nodes/n3/groups", "", 11);
	replica_batch(replica, 11);
	ck_assert_int_eq(status().stored, 0);
	WAIT(stored(11));
	restart();
	ck_assert(node_exists("n3"));
}
END_TEST

START_TEST(more_than_can_be_followed_is_listed_again)
{
	list_two_nodes(10);
	for (int i = 0; i < 20001; i++) {
		char key[64];

		snprintf(key, sizeof(key), PREFIX "nodes/m%d/groups", i);
		event(key, "", 11);
	}
	replica_batch(replica, 11);
	ck_assert_uint_eq(said.list_again, 1);
	ck_assert_int_eq(replica_revision(replica), 10);
	ck_assert(!node_exists("m0"));
	replica_begin(replica, 11);
	list_one(PREFIX "nodes/m1/groups", "", 11);
	replica_end(replica, 11);
	event(PREFIX "nodes/m2/groups", "", 12);
	replica_batch(replica, 12);
	ck_assert_int_eq(replica_revision(replica), 12);
	ck_assert(node_exists("m1") && node_exists("m2"));
}
END_TEST

START_TEST(odd_keys_are_told_once_and_few_at_a_time)
{
	char key[64];

	list_two_nodes(10);
	/* the key that makes the node comes behind */
	event(PREFIX "nodes/n7/location.rack", "r", 11);
	event(PREFIX "nodes/n7/groups", "", 11);
	replica_batch(replica, 11);
	ck_assert_uint_eq(said.complaints, 0);
	event(PREFIX "nodes/n7/no.such.thing", "r", 12);
	replica_batch(replica, 12);
	ck_assert_uint_eq(said.complaints, 1);
	ck_assert_ptr_nonnull(strstr(said.complaint, "nodes/n7/no.such.thing"));
	event(PREFIX "nodes/n7/groups", "g", 13);
	replica_batch(replica, 13);
	ck_assert_uint_eq(said.complaints, 1);
	for (int i = 0; i < 300; i++) {
		snprintf(key, sizeof(key), PREFIX "nodes/n7/no.such.thing%d", i);
		event(key, "x", 14 + i);
		replica_batch(replica, 14 + i);
	}
	ck_assert_uint_eq(said.complaints, 11); /* ten a minute, and how many there are */
	ck_assert_uint_eq(status().odd, 301);
	WAIT(strcmp(status().state, "current") == 0);
	restart();
	ck_assert_uint_eq(status().odd, 301);
	ck_assert_uint_le(said.complaints, 11);
}
END_TEST

static void unlink_it(int64_t revision, void *arg)
{
	struct replica_listener *it = arg;

	(void)revision;
	list_del(&it->link);
	said.list_again++; /* counted here */
}

START_TEST(a_listener_may_leave_while_it_is_told)
{
	struct replica_listener one = {.fn = unlink_it, .arg = &one};
	struct replica_listener two = {.fn = unlink_it, .arg = &one};

	replica_listen(replica, &one);
	replica_listen(replica, &two);
	list_two_nodes(10);
	ck_assert_uint_eq(said.list_again, 2);
	event(PREFIX "nodes/n3/groups", "", 11);
	replica_batch(replica, 11);
	ck_assert_uint_eq(said.list_again, 3);
	ck_assert_uint_eq(said.tellings, 2);
	list_del(&two.link);
}
END_TEST

static Suite *replica_suite(void)
{
	Suite *s = suite_create("replica");
	TCase *t = tcase_create("replica");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_listing_takes_its_place_as_a_whole);
	tcase_add_test(t, changes_count_when_their_revision_is_complete);
	tcase_add_test(t, a_restart_finds_what_was_known_last);
	tcase_add_test(t, an_end_while_the_file_is_filled_leaves_the_former_one);
	tcase_add_test(t, changes_that_come_while_the_file_is_filled_follow_it);
	tcase_add_test(t, more_than_can_be_followed_is_listed_again);
	tcase_add_test(t, odd_keys_are_told_once_and_few_at_a_time);
	tcase_add_test(t, a_listener_may_leave_while_it_is_told);
	add_disk_tests(t);
	suite_add_tcase(s, t);
	return s;
}

int main(int argc, char **argv)
{
	SRunner *runner;
	int failed;

	if (argc == 3 && strcmp(argv[1], "--read-copy") == 0)
		return store_read(argv[2], STDOUT_FILENO);
	runner = srunner_create(replica_suite());
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
