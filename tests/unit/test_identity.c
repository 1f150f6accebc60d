#include "config.h"
#include "tests/unit/test_identity.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/writes.h"
#include "identity/address.h"
#include "identity/certmaker.h"
#include "identity/identity.h"
#include "identity/install.h"
#include "io/loop.h"
#include "io/worker.h"
#include "tests/lib/suite.h"
#include "tests/unit/test_fixture.h"

static int make_certificate(struct identity *id, const char *folder)
{
	const struct certmaker_config config = {
		.identity = id, .config_dir = folder, .now = TEST_NOW};

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
	struct bundle *bundle = test_bundle_new();
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
		.now = TEST_NOW,
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

static Suite *suite(void)
{
	Suite *s = suite_create("identity");
	TCase *t = tcase_create("files");

	tcase_add_test(t, an_identity_is_made_and_read_again);
	tcase_add_test(t, a_founding_is_taken_up_again);
	tcase_add_test(t, a_certificate_is_the_identitys_when_it_is_on_disk);
	tcase_add_test(t, a_host_has_an_address);
	suite_add_tcase(s, t);
	suite_add_tcase(s, install_case());
	return s;
}

SUITE_MAIN(suite)
