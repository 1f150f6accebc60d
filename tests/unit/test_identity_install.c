#include "config.h"
#include "tests/unit/test_identity.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/writes.h"
#include "identity/identity.h"
#include "identity/install.h"
#include "tests/unit/test_fixture.h"

#define STEPS_MAX 120
#define DIED	  42
/* More than putting a founding in place has. */
#define FOUNDING_STEPS 30

/* ---- the calls that change the disk, counted ---- */

static bool no_links;
static int fuse = -1; /* the process ends before the call that finds 0 here */

static void burn(void)
{
	if (fuse >= 0 && fuse-- == 0)
		_exit(DIED);
}

int __real_rename(const char *from, const char *to);
int __real_link(const char *from, const char *to);
int __real_unlink(const char *path);
int __real_fsync(int fd);
int __real_mkdir(const char *path, mode_t mode);
int __real_rmdir(const char *path);
int __wrap_rename(const char *from, const char *to);
int __wrap_link(const char *from, const char *to);
int __wrap_unlink(const char *path);
int __wrap_fsync(int fd);
int __wrap_mkdir(const char *path, mode_t mode);
int __wrap_rmdir(const char *path);

int __wrap_rename(const char *from, const char *to)
{
	burn();
	return __real_rename(from, to);
}

int __wrap_link(const char *from, const char *to)
{
	burn();
	if (no_links) {
		errno = ENOSPC;
		return -1;
	}
	return __real_link(from, to);
}

int __wrap_unlink(const char *path)
{
	burn();
	return __real_unlink(path);
}

int __wrap_fsync(int fd)
{
	burn();
	return __real_fsync(fd);
}

int __wrap_mkdir(const char *path, mode_t mode)
{
	burn();
	return __real_mkdir(path, mode);
}

int __wrap_rmdir(const char *path)
{
	burn();
	return __real_rmdir(path);
}

/* ---- a member's folder ---- */

static const struct install fresh = {
	.certificate = "new certificate\n", .name = "new", .bundle = "new bundle\n"};

static void put(const char *folder, const char *name, const char *text)
{
	CLEANUP(freep) char *path = file_join(folder, name);

	ck_assert_int_eq(file_replace(path, text, strlen(text), 0600, NULL), 0);
}

static char *get(const char *folder, const char *name)
{
	CLEANUP(freep) char *path = file_join(folder, name);
	struct buf b = BUF_INIT(BUNDLE_TEXT_MAX);

	if (file_read(path, &b, NULL) < 0)
		return NULL;
	return buf_take(&b);
}

static void expect(const char *folder, const char *name, const char *text)
{
	CLEANUP(freep) char *there = get(folder, name);

	ck_assert_msg(text_eq(there, text), "%s/%s: expected '%s', found '%s'", folder, name,
		text ? text : "(none)", there ? there : "(none)");
}

static char *old_member(void)
{
	char *folder = test_folder_new();
	CLEANUP(freep) char *cfg = file_join(folder, "cfg");

	ck_assert_int_eq(mkdir(cfg, 0755), 0);
	put(folder, INSTALL_KEY, "key\n");
	put(folder, INSTALL_CERTIFICATE, "old certificate\n");
	put(folder, INSTALL_NAME, "old\n");
	put(folder, INSTALL_BUNDLE, "old bundle\n");
	put(folder, INSTALL_INVITATIONS, "old invitations\n");
	return folder;
}

static void expect_old(const char *folder)
{
	expect(folder, INSTALL_CERTIFICATE, "old certificate\n");
	expect(folder, INSTALL_NAME, "old\n");
	expect(folder, INSTALL_BUNDLE, "old bundle\n");
	expect(folder, INSTALL_INVITATIONS, "old invitations\n");
	expect(folder, "cfg/before-join-stamp/srvcert.pem", NULL);
}

static void expect_new(const char *folder)
{
	expect(folder, INSTALL_CERTIFICATE, "new certificate\n");
	expect(folder, INSTALL_NAME, "new\n");
	expect(folder, INSTALL_BUNDLE, "new bundle\n");
	expect(folder, INSTALL_INVITATIONS, NULL);
	expect(folder, "cfg/before-join-stamp/srvcert.pem", "old certificate\n");
	expect(folder, "cfg/before-join-stamp/myname", "old\n");
	expect(folder, "cfg/before-join-stamp/collective", "old bundle\n");
	expect(folder, "cfg/before-join-stamp/invitations", "old invitations\n");
}

START_TEST(a_join_replaces_and_keeps_the_old)
{
	char *folder = old_member();
	CLEANUP(freep) char *backup = NULL;
	CLEANUP(freep) char *bundle = file_join(folder, INSTALL_BUNDLE);
	struct err err = {""};
	struct stat st;

	ck_assert_msg(install_commit(folder, &fresh, "stamp", &backup, &err) == 0, "%s", err.text);
	expect_new(folder);
	expect(folder, INSTALL_KEY, "key\n");
	expect(folder, "cfg/before-join-stamp/privkey.pem", "key\n");
	ck_assert_ptr_nonnull(strstr(backup, "cfg/before-join-stamp"));
	ck_assert_int_eq(stat(bundle, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	test_folder_remove(folder);
}
END_TEST

START_TEST(two_joins_within_one_second_keep_what_each_replaced)
{
	char *folder = old_member();
	char *backup[2] = {NULL, NULL};
	struct err err = {""};

	for (int i = 0; i < 2; i++)
		ck_assert_msg(install_commit(folder, &fresh, "stamp", &backup[i], &err) == 0, "%s",
			err.text);
	expect(folder, "cfg/before-join-stamp/srvcert.pem", "old certificate\n");
	expect(folder, "cfg/before-join-stamp-2/srvcert.pem", "new certificate\n");
	ck_assert_ptr_nonnull(strstr(backup[1], "cfg/before-join-stamp-2"));
	free(backup[0]);
	free(backup[1]);
	test_folder_remove(folder);
}
END_TEST

START_TEST(a_join_that_cannot_keep_the_old_changes_nothing)
{
	char *folder = old_member();
	CLEANUP(freep) char *backup = NULL;
	CLEANUP(freep) char *staging = file_join(folder, "cfg/joining");
	CLEANUP(freep) char *kept = file_join(folder, "cfg/before-join-stamp");
	struct err err = {""};

	no_links = true;
	ck_assert_int_eq(install_commit(folder, &fresh, "stamp", &backup, &err), -ENOSPC);
	no_links = false;
	ck_assert_ptr_nonnull(strstr(err.text, "cannot keep"));
	expect_old(folder);
	ck_assert(!file_exists(staging));
	ck_assert(!file_exists(kept));
	ck_assert_int_eq(install_recover(folder, &backup, &err), 0);
	expect_old(folder);
	test_folder_remove(folder);
}
END_TEST

START_TEST(a_first_join_has_nothing_to_keep)
{
	char *folder = test_folder_new();
	char *backup = NULL;
	struct err err = {""};

	ck_assert_msg(install_commit(folder, &fresh, "stamp", &backup, &err) == 0, "%s", err.text);
	ck_assert_ptr_null(backup);
	expect(folder, INSTALL_BUNDLE, "new bundle\n");
	expect(folder, INSTALL_NAME, "new\n");
	test_folder_remove(folder);
}
END_TEST

/* The process dies before the _i-th call that changes the disk: afterwards everything is old, or
 * everything is new, and the next start tells which. */
START_TEST(dying_at_any_step_leaves_old_or_new)
{
	char *folder = old_member();
	CLEANUP(freep) char *backup = NULL;
	CLEANUP(freep) char *staging = file_join(folder, "cfg/joining");
	CLEANUP(freep) char *decided = file_join(folder, "cfg/joined");
	CLEANUP(freep) char *bundle = NULL;
	struct err err = {""};
	int status;
	int rc;
	pid_t pid = fork();

	if (pid == 0) {
		fuse = _i;
		rc = install_commit(folder, &fresh, "stamp", &backup, NULL);
		_exit(rc == 0 ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	ck_assert_int_ne(WEXITSTATUS(status), 1);
	rc = install_recover(folder, &backup, &err);
	ck_assert_msg(rc >= 0, "%s", err.text);
	if (WEXITSTATUS(status) == 0)
		ck_assert_int_eq(rc, 0);
	bundle = get(folder, INSTALL_BUNDLE);
	if (rc == 1 || WEXITSTATUS(status) == 0)
		ck_assert_str_eq(bundle, fresh.bundle);
	if (text_eq(bundle, fresh.bundle))
		expect_new(folder);
	else
		expect_old(folder);
	ck_assert(!file_exists(staging));
	ck_assert(!file_exists(decided));
	test_folder_remove(folder);
}
END_TEST

static void keep_by_hand(const char *folder)
{
	static const char *const kept[] = {
		"privkey.pem", "srvcert.pem", "cfg/myname", "cfg/collective", "cfg/invitations"};
	CLEANUP(freep) char *backup = file_join(folder, "cfg/before-join-stamp");

	ck_assert_int_eq(mkdir(backup, 0700), 0);
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
		const char *slash = strrchr(kept[i], '/');
		CLEANUP(freep) char *from = file_join(folder, kept[i]);
		CLEANUP(freep) char *to = file_join(backup, slash ? slash + 1 : kept[i]);

		ck_assert_int_eq(link(from, to), 0);
	}
}

/* The same for a start that dies while it completes what was decided. */
START_TEST(completing_can_die_too)
{
	char *folder = old_member();
	CLEANUP(freep) char *backup = NULL;
	CLEANUP(freep) char *decided = file_join(folder, "cfg/joined");
	int status;
	pid_t pid;

	ck_assert_int_eq(mkdir(decided, 0700), 0);
	put(decided, "srvcert.pem", fresh.certificate);
	put(decided, "myname", "new\n");
	put(decided, "collective", fresh.bundle);
	put(decided, "stamp", "stamp");
	keep_by_hand(folder);
	pid = fork();
	if (pid == 0) {
		fuse = _i;
		_exit(install_recover(folder, &backup, NULL) == 1 ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_ne(WEXITSTATUS(status), 1);
	ck_assert_int_ge(install_recover(folder, &backup, NULL), 0);
	expect_new(folder);
	ck_assert(!file_exists(decided));
	test_folder_remove(folder);
}
END_TEST

static bool holds_bundle(const char *folder, const char *name, const char *id)
{
	CLEANUP(freep) char *text = get(folder, name);
	CLEANUP(bundle_freep) struct bundle *bundle = NULL;
	struct err err = {""};

	if (!text)
		return false;
	ck_assert_msg(bundle_parse(&bundle, text, strlen(text), &err) == 0, "%s", err.text);
	return text_eq(bundle->id, id);
}

/* The keys of a collective that etcd has agreed to are on disk at any moment, at one place or the
 * other. */
START_TEST(dying_while_a_founding_is_put_in_place_loses_no_keys)
{
	const struct identity id = {.name = "mgt1"};
	char *folder = test_folder_new();
	CLEANUP(bundle_freep) struct bundle *bundle = NULL;
	CLEANUP(writes_freep) struct writes *save = NULL;
	CLEANUP(writes_freep) struct writes *commit = NULL;
	struct err err = {""};
	int status;
	pid_t pid;

	ck_assert_int_eq(bundle_found(&bundle, USEC_PER_SEC, &err), 0);
	bundle_add_endpoint(bundle, "http://192.0.2.1:2379");
	bundle->prefix = xstrdup("/confluent/");
	ck_assert_int_eq(identity_founding_save(folder, bundle, &save, &err), 0);
	ck_assert_int_eq(writes_carry_out(save, &err), 0);
	ck_assert_int_eq(identity_founding_commit(&id, folder, bundle, &commit, &err), 0);
	pid = fork();
	if (pid == 0) {
		fuse = _i;
		_exit(writes_carry_out(commit, NULL) == 0 ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	ck_assert_int_ne(WEXITSTATUS(status), 1);
	if (_i == FOUNDING_STEPS - 1)
		ck_assert_int_eq(WEXITSTATUS(status), 0);
	if (WEXITSTATUS(status) == 0 || !holds_bundle(folder, "cfg/founding", bundle->id))
		ck_assert(holds_bundle(folder, INSTALL_BUNDLE, bundle->id));
	test_folder_remove(folder);
}
END_TEST

TCase *install_case(void)
{
	TCase *tc = tcase_create("install");

	tcase_add_test(tc, a_join_replaces_and_keeps_the_old);
	tcase_add_test(tc, two_joins_within_one_second_keep_what_each_replaced);
	tcase_add_test(tc, a_join_that_cannot_keep_the_old_changes_nothing);
	tcase_add_test(tc, a_first_join_has_nothing_to_keep);
	tcase_add_loop_test(tc, dying_at_any_step_leaves_old_or_new, 0, STEPS_MAX);
	tcase_add_loop_test(tc, completing_can_die_too, 0, STEPS_MAX / 3);
	tcase_add_loop_test(
		tc, dying_while_a_founding_is_put_in_place_loses_no_keys, 0, FOUNDING_STEPS);
	return tc;
}
