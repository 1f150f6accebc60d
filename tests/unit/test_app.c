#include "config.h"
#include "tests/unit/test_app.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/writes.h"
#include "identity/address.h"
#include "identity/certmaker.h"
#include "identity/identity.h"
#include "identity/install.h"
#include "io/loop.h"
#include "io/worker.h"
#include "log/odd.h"
#include "log/report.h"
#include "member/etcdconf.h"
#include "member/state.h"
#include "record/records.h"
#include "record/view.h"
#include "tests/lib/suite.h"

#define NOW (1800000000 * USEC_PER_SEC)

char *test_folder_new(void)
{
	char *folder = xstrdup("/tmp/test_app.XXXXXX");

	ck_assert_ptr_nonnull(mkdtemp(folder));
	return folder;
}

void test_folder_remove(char *folder)
{
	CLEANUP(freep) char *command = xasprintf("rm -rf '%s'", folder);

	ck_assert_int_eq(system(command), 0);
	free(folder);
}

static struct bundle *make_bundle(void)
{
	struct bundle *bundle = NULL;

	ck_assert_int_eq(bundle_found(&bundle, NOW, NULL), 0);
	bundle_add_endpoint(bundle, "http://192.0.2.1:2379");
	bundle->prefix = xstrdup("/confluent/");
	return bundle;
}

static const struct member_record sample = {
	.name = "mgt2",
	.address = "192.0.2.2",
	.port = 13001,
	.nonvoting = true,
	.key = "sha256:0000000000000000000000000000000000000000000000000000000000000000",
	.joined = NOW,
	.invited_by = "mgt1",
	.version = "0.1.0",
};

START_TEST(a_record_says_what_was_written)
{
	CLEANUP(bundle_freep) struct bundle *bundle = make_bundle();
	CLEANUP(freep) char *text = NULL;
	struct member_record r;

	ck_assert_int_eq(member_record_encode(&sample, bundle, &text, NULL), 0);
	ck_assert_int_eq(member_record_decode(&r, "mgt2", text, strlen(text), bundle, NULL), 0);
	ck_assert_str_eq(r.name, sample.name);
	ck_assert_str_eq(r.address, sample.address);
	ck_assert_int_eq(r.port, sample.port);
	ck_assert(r.nonvoting);
	ck_assert_str_eq(r.key, sample.key);
	ck_assert(r.joined == sample.joined);
	ck_assert_str_eq(r.invited_by, sample.invited_by);
}
END_TEST

START_TEST(a_record_that_no_member_wrote_is_none)
{
	CLEANUP(bundle_freep) struct bundle *bundle = make_bundle();
	CLEANUP(bundle_freep) struct bundle *other = make_bundle();
	CLEANUP(freep) char *text = NULL;
	CLEANUP(freep) char *tampered = NULL;
	struct member_record r;
	char *role;

	ck_assert_int_eq(member_record_encode(&sample, bundle, &text, NULL), 0);
	ck_assert_int_eq(
		member_record_decode(&r, "mgt3", text, strlen(text), bundle, NULL), -EBADMSG);
	ck_assert_int_eq(
		member_record_decode(&r, "mgt2", text, strlen(text), other, NULL), -ENOKEY);
	tampered = xstrdup(text);
	role = strstr(tampered, "192.0.2.2");
	role[8] = '3';
	ck_assert_int_eq(member_record_decode(&r, "mgt2", tampered, strlen(tampered), bundle, NULL),
		-EBADMSG);
	for (size_t len = 0; len < strlen(text); len++)
		ck_assert_int_lt(member_record_decode(&r, "mgt2", text, len, bundle, NULL), 0);
	ck_assert_int_lt(member_record_decode(&r, "mgt2", "{}", 2, bundle, NULL), 0);
	ck_assert_int_lt(member_record_decode(&r, "a b", text, strlen(text), bundle, NULL), 0);
}
END_TEST

START_TEST(active_and_collective_records_round_trip)
{
	struct active_record active = {
		.address = "192.0.2.2", .version = "0.1.0", .boot = "b", .since = NOW};
	struct collective_record collective = {.id = "abc-1", .by = "mgt1", .founded = NOW};
	CLEANUP(freep) char *a = active_record_encode(&active);
	CLEANUP(freep) char *c = collective_record_encode(&collective);
	static const char newer[] = "{\"id\":\"x\",\"format\":2,\"founded\":1,\"by\":\"a\"}";

	memset(&active, 0, sizeof(active));
	memset(&collective, 0, sizeof(collective));
	ck_assert_int_eq(active_record_decode(&active, a, strlen(a), NULL), 0);
	ck_assert_str_eq(active.boot, "b");
	ck_assert(active.since == NOW);
	ck_assert_int_eq(collective_record_decode(&collective, c, strlen(c), NULL), 0);
	ck_assert_str_eq(collective.id, "abc-1");
	ck_assert_int_eq(collective_record_decode(&collective, newer, strlen(newer), NULL),
		-EPROTONOSUPPORT);
}
END_TEST

START_TEST(keys_become_facts)
{
	CLEANUP(bundle_freep) struct bundle *bundle = make_bundle();
	struct etcd_kv kv = {.key = "k",
		.key_len = 1,
		.value = "mgt1",
		.value_len = 4,
		.create_revision = 3,
		.mod_revision = 5,
		.lease = 7};
	struct view_leader leader;
	struct view_active active;
	struct view_member member;

	view_leader(&leader, &kv);
	ck_assert(leader.info.present);
	ck_assert_str_eq(leader.info.value, "mgt1");
	ck_assert_int_eq(leader.info.lease, 7);
	kv.value = "a b\n";
	view_leader(&leader, &kv);
	ck_assert(leader.info.present);
	ck_assert_str_eq(leader.info.value, "");
	view_leader(&leader, NULL);
	ck_assert(!leader.info.present);
	view_active(&active, &kv);
	ck_assert(active.info.present);
	ck_assert_str_eq(active.info.instance, "");
	view_member(&member, "mgt2", &kv, bundle, sample.key);
	ck_assert(member.info.present);
	ck_assert(!member.info.valid);
	ck_assert_str_ne(member.why.text, "");
}
END_TEST

START_TEST(state_is_remembered_for_this_boot_and_collective)
{
	char *folder = test_folder_new();
	struct state *state = NULL;
	struct state *second = NULL;
	struct state_etcd etcd = {.cluster_id = UINT64_MAX, .revision = 12, .raft_term = 7};
	struct state_lease lease = {.id = INT64_MAX, .ttl = 6};
	struct err err = {""};
	CLEANUP(freep) char *path = file_join(folder, "lease");
	CLEANUP(freep) char *held = NULL;
	CLEANUP(freep) char *line = NULL;

	ck_assert_msg(state_open(&state, folder, &err) == 0, "%s", err.text);
	ck_assert_int_eq(state_open(&second, folder, &err), -EALREADY);
	ck_assert_ptr_nonnull(strstr(err.text, "already running"));
	ck_assert_int_eq(state_lease(state, "id", "mgt1").id, 0);
	ck_assert_int_eq(state_save_lease(state, "id", "mgt1", &lease, &err), 0);
	ck_assert(state_lease(state, "id", "mgt1").id == INT64_MAX);
	ck_assert_int_eq(state_lease(state, "id", "mgt1").ttl, 6);
	ck_assert_int_eq(state_lease(state, "id2", "mgt1").id, 0);
	ck_assert_int_eq(state_lease(state, "id", "mgt2").id, 0);
	line = xasprintf("%.35sX id mgt1 5 6\n", state_boot_id(state));
	ck_assert_int_eq(file_replace(path, line, strlen(line), 0600, &err), 0);
	ck_assert_int_eq(state_lease(state, "id", "mgt1").id, 0);
	lease.id = 0;
	ck_assert_int_eq(state_save_lease(state, "id", "mgt1", &lease, &err), 0);
	ck_assert(!file_exists(path));
	ck_assert_int_eq(state_save_etcd(state, "id", &etcd, &err), 0);
	ck_assert(state_etcd(state, "id").cluster_id == UINT64_MAX);
	ck_assert_int_eq(state_etcd(state, "id").revision, 12);
	ck_assert_uint_eq(state_etcd(state, "id").raft_term, 7);
	ck_assert_int_eq(state_etcd(state, "other").revision, 0);
	ck_assert_ptr_null(state_hold(state, "id"));
	ck_assert_int_eq(state_save_hold(state, "id", "it went back", &err), 0);
	held = state_hold(state, "id");
	ck_assert_str_eq(held, "it went back");
	ck_assert_ptr_null(state_hold(state, "i"));
	ck_assert_int_eq(state_save_hold(state, "id", NULL, &err), 0);
	ck_assert_ptr_null(state_hold(state, "id"));
	state_close(state);
	test_folder_remove(folder);
}
END_TEST

static int make_certificate(struct identity *id, const char *folder)
{
	const struct certmaker_config config = {.identity = id, .config_dir = folder, .now = NOW};

	return certmaker_run(&config, NULL);
}

START_TEST(an_identity_is_made_and_read_again)
{
	char *folder = test_folder_new();
	CLEANUP(freep) char *warning = NULL;
	CLEANUP(freep) char *key_path = file_join(folder, INSTALL_KEY);
	struct identity *id = NULL;
	struct err err = {""};
	char hash[PRIVKEY_HASH_LEN + 1];
	struct stat st;
	mode_t mask = umask(0);

	ck_assert_int_eq(identity_load(&id, folder, "mgt1", &warning, &err), 0);
	ck_assert_ptr_null(id->key);
	ck_assert_int_eq(make_certificate(id, folder), 0);
	memcpy(hash, id->key_hash, sizeof(hash));
	identity_free(id);
	umask(mask);
	ck_assert_int_eq(stat(key_path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	ck_assert_int_eq(identity_load(&id, folder, "mgt1", &warning, &err), 0);
	ck_assert_str_eq(id->key_hash, hash);
	ck_assert_str_eq(id->facts->subject, "mgt1");
	identity_free(id);
	ck_assert_int_eq(chmod(key_path, 0644), 0);
	ck_assert_int_eq(identity_load(&id, folder, "mgt1", &warning, &err), -EACCES);
	ck_assert_ptr_nonnull(strstr(err.text, "chmod 600"));
	test_folder_remove(folder);
}
END_TEST

static void carry_out(struct writes *writes)
{
	struct err err = {""};

	ck_assert_msg(writes_carry_out(writes, &err) == 0, "%s", err.text);
	writes_free(writes);
}

START_TEST(a_founding_is_taken_up_again)
{
	char *folder = test_folder_new();
	struct bundle *bundle = make_bundle();
	CLEANUP(freep) char *id_text = xstrdup(bundle->id);
	CLEANUP(freep) char *warning = NULL;
	struct bundle *again = NULL;
	struct identity *id = NULL;
	struct writes *writes;
	struct err err = {""};

	ck_assert_int_eq(identity_load(&id, folder, "mgt1", &warning, &err), 0);
	ck_assert_int_eq(make_certificate(id, folder), 0);
	ck_assert_int_eq(identity_founding_load(folder, &again, &err), 0);
	ck_assert_ptr_null(again);
	ck_assert_int_eq(identity_founding_save(folder, bundle, &writes, &err), 0);
	carry_out(writes);
	ck_assert_int_eq(identity_founding_load(folder, &again, &err), 0);
	ck_assert_ptr_nonnull(again);
	ck_assert_str_eq(again->id, id_text);
	bundle_free(again);
	ck_assert_int_eq(identity_founding_commit(id, folder, bundle, &writes, &err), 0);
	ck_assert_ptr_null(id->bundle);
	carry_out(writes);
	identity_founded(id, bundle);
	again = NULL;
	ck_assert_int_eq(identity_founding_load(folder, &again, &err), 0);
	ck_assert_ptr_null(again);
	ck_assert_int_eq(make_certificate(id, folder), 0);
	ck_assert_int_eq(cert_check_issuer(id->certificate, id->bundle->ca_certificate, &err), 0);
	identity_free(id);
	ck_assert_int_eq(identity_load(&id, folder, NULL, &warning, &err), 0);
	ck_assert_str_eq(id->name, "mgt1");
	ck_assert_str_eq(id->bundle->id, id_text);
	identity_free(id);
	test_folder_remove(folder);
}
END_TEST

START_TEST(etcd_comes_from_the_file_or_the_bundle)
{
	static const char text[] = "etcd: { endpoints = [\"http://192.0.2.9:1\"]; };";
	char *folder = test_folder_new();
	CLEANUP(bundle_freep) struct bundle *bundle = make_bundle();
	CLEANUP(conf_freep) struct conf *given = NULL;
	CLEANUP(conf_freep) struct conf *plain = conf_new();
	struct conf_problems problems;
	struct etcdconf *ec = NULL;
	struct err err = {""};

	ck_assert_int_eq(conf_parse_string(&given, text, strlen(text), "t", &problems), 0);
	bundle->etcd_ca = xstrdup("pem\n");
	ck_assert_int_eq(etcdconf_make(&ec, plain, bundle, folder, "etcd", &err), 0);
	ck_assert_str_eq(ec->endpoints[0], "http://192.0.2.1:2379");
	ck_assert(file_exists(ec->ca));
	etcdconf_discard(ec);
	ck_assert_int_eq(etcdconf_make(&ec, given, bundle, folder, "etcd", &err), 0);
	ck_assert_str_eq(ec->endpoints[0], "http://192.0.2.9:1");
	etcdconf_free(ec);
	ck_assert_int_eq(etcdconf_check_reachable(plain->etcd.endpoints.url, 1, plain, false, &err),
		-EADDRNOTAVAIL);
	ck_assert_ptr_nonnull(strstr(err.text, "allow_loopback"));
	test_folder_remove(folder);
}
END_TEST

START_TEST(odd_keys_are_told_once)
{
	struct odd *odd = odd_new();

	ck_assert(odd_add(odd, "a", 1));
	ck_assert(!odd_add(odd, "a", 1));
	ck_assert(odd_add(odd, "a", 2));
	ck_assert(odd_add(odd, "b", 1));
	odd_begin(odd);
	ck_assert(!odd_add(odd, "b", 1));
	odd_end(odd);
	ck_assert_uint_eq(odd_count(odd), 1);
	odd_remove(odd, "b");
	odd_remove(odd, "c");
	ck_assert_uint_eq(odd_count(odd), 0);
	for (int i = 0; i < 2 * ODD_MAX; i++) {
		CLEANUP(freep) char *key = xasprintf("k%d", i);

		odd_add(odd, key, 1);
	}
	ck_assert_uint_eq(odd_count(odd), ODD_MAX);
	odd_free(odd);
}
END_TEST

START_TEST(a_host_has_an_address)
{
	struct address_list list;

	address_list_init(&list, "mgt1.example", NULL, 0);
	ck_assert_str_eq(list.at[0], "mgt1.example");
	address_list_done(&list);
	address_list_init(&list, NULL, (const char *const[]){"http://127.0.0.1:2379"}, 1);
	ck_assert_uint_ge(list.n, 1);
	ck_assert_str_eq(list.at[0], "127.0.0.1");
	address_list_done(&list);
	address_list_init(&list, NULL, NULL, 0);
	ck_assert_uint_ge(list.n, 1);
	address_list_done(&list);
}
END_TEST

struct made {
	struct loop *loop;
	struct identity *id;
	int calls, rc;
	char why[ERR_TEXT_MAX];
};

static void on_made(int rc, const char *why, void *arg)
{
	struct made *made = arg;

	made->calls++;
	made->rc = rc;
	snprintf(made->why, sizeof(made->why), "%s", why);
	loop_stop(made->loop);
}

static void begin_certificate(struct made *made, struct worker *worker, const char *folder)
{
	const char *const addresses[] = {"192.0.2.7"};
	const struct certmaker_config config = {
		.worker = worker,
		.identity = made->id,
		.config_dir = folder,
		.new_key = true,
		.addresses = addresses,
		.address_count = 1,
		.now = NOW,
	};

	certmaker_new(&config, on_made, made);
}

START_TEST(a_certificate_is_the_identitys_when_it_is_on_disk)
{
	char *folder = test_folder_new();
	CLEANUP(freep) char *warning = NULL;
	CLEANUP(freep) char *blocker = file_join(folder, INSTALL_CERTIFICATE ".new");
	CLEANUP(freep) char *key_before = NULL;
	struct made made = {0};
	struct worker *worker = NULL;
	struct identity *read = NULL;
	struct err err = {""};

	ck_assert_msg(loop_new(&made.loop, &err) == 0, "%s", err.text);
	ck_assert_msg(worker_new(&worker, made.loop, &err) == 0, "%s", err.text);
	ck_assert_int_eq(identity_load(&made.id, folder, "mgt1", &warning, &err), 0);
	begin_certificate(&made, worker, folder);
	ck_assert_ptr_null(made.id->key);
	ck_assert_int_eq(loop_run(made.loop, &err), 0);
	ck_assert_int_eq(made.rc, 0);
	ck_assert_ptr_nonnull(made.id->certificate);
	key_before = xstrdup(made.id->key_hash);
	/* a certificate that can't be written: the key in memory is the one in the file all the same */
	ck_assert_int_eq(mkdir(blocker, 0700), 0);
	begin_certificate(&made, worker, folder);
	ck_assert_int_eq(loop_run(made.loop, &err), 0);
	ck_assert_int_eq(made.calls, 2);
	ck_assert_int_lt(made.rc, 0);
	ck_assert_ptr_nonnull(strstr(made.why, "cannot make a certificate: "));
	ck_assert_str_ne(made.id->key_hash, key_before);
	ck_assert_int_eq(identity_load(&read, folder, "mgt1", &warning, &err), 0);
	ck_assert_str_eq(read->key_hash, made.id->key_hash);
	identity_free(read);
	identity_free(made.id);
	worker_free(worker);
	loop_free(made.loop);
	test_folder_remove(folder);
}
END_TEST

static char said[1024];

static void on_line(enum log_level level, const char *module, const char *text, void *arg)
{
	size_t len = strlen(said);

	(void)arg;
	snprintf(
		said + len, sizeof(said) - len, "%s %s: %s\n", log_level_name(level), module, text);
}

static void on_end(void *arg)
{
	loop_stop(arg);
}

START_TEST(what_flaps_is_told_a_few_times_and_then_how_it_ended)
{
	struct loop *loop = NULL;
	struct report *report;
	struct loop_timer *end;
	struct err err = {""};

	said[0] = '\0';
	log_set_sink(on_line, NULL);
	ck_assert_msg(loop_new(&loop, &err) == 0, "%s", err.text);
	report = report_new(loop, "etcd", 100 * USEC_PER_MSEC);
	end = loop_timer_new(loop, "end", on_end, loop);
	for (int i = 0; i < 5; i++) {
		report_change(report, true, "bad");
		report_change(report, false, "good");
	}
	ck_assert_str_eq(said, "warning etcd: bad\ninfo etcd: good\n"
			       "warning etcd: bad\ninfo etcd: good\n");
	said[0] = '\0';
	loop_timer_after(end, 200 * USEC_PER_MSEC);
	ck_assert_int_eq(loop_run(loop, &err), 0);
	ck_assert_str_eq(said, "info etcd: good (5 changes before that were left out)\n");
	report_change(report, true, "bad");
	ck_assert_ptr_nonnull(strstr(said, "warning etcd: bad\n"));
	loop_timer_free(end);
	report_free(report);
	loop_free(loop);
	log_set_sink(NULL, NULL);
}
END_TEST

static Suite *app_suite(void)
{
	Suite *suite = suite_create("app");
	TCase *tc = tcase_create("parts");

	tcase_add_test(tc, a_record_says_what_was_written);
	tcase_add_test(tc, a_record_that_no_member_wrote_is_none);
	tcase_add_test(tc, active_and_collective_records_round_trip);
	tcase_add_test(tc, keys_become_facts);
	tcase_add_test(tc, state_is_remembered_for_this_boot_and_collective);
	tcase_add_test(tc, an_identity_is_made_and_read_again);
	tcase_add_test(tc, a_founding_is_taken_up_again);
	tcase_add_test(tc, a_certificate_is_the_identitys_when_it_is_on_disk);
	tcase_add_test(tc, etcd_comes_from_the_file_or_the_bundle);
	tcase_add_test(tc, odd_keys_are_told_once);
	tcase_add_test(tc, what_flaps_is_told_a_few_times_and_then_how_it_ended);
	tcase_add_test(tc, a_host_has_an_address);
	suite_add_tcase(suite, tc);
	suite_add_tcase(suite, install_case());
	suite_add_tcase(suite, roll_case());
	return suite;
}

SUITE_MAIN(app_suite)
