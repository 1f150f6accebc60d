#include "config.h"
#include "identity/install.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"

#define STAGE	  "cfg/joining"
#define DECIDED	  "cfg/joined"
#define STAMP	  "stamp"
#define STAMP_MAX 64

/* What is replaced (new) or moved away (no new content), in the order of rolling forward. */
static const struct {
	const char *staged;
	const char *target;
	mode_t mode;
	bool stays; /* kept in the backup, but not replaced */
} files[] = {
	{"srvcert.pem", INSTALL_CERTIFICATE, 0644, false},
	{"myname", INSTALL_NAME, 0644, false},
	{"collective", INSTALL_BUNDLE, 0600, false},
	{NULL, INSTALL_KEY, 0600, true},
	{NULL, INSTALL_INVITATIONS, 0600, false},
};

static int sync_folder(const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = 0;

	if (fd < 0 || fsync(fd) < 0)
		rc = err_errno(err, -errno, "cannot sync %s", path);
	if (fd >= 0)
		close(fd);
	return rc;
}

static int remove_folder(const char *path, struct err *err)
{
	DIR *dir = opendir(path);
	struct dirent *entry;

	if (!dir)
		return errno == ENOENT ? 0 : err_errno(err, -errno, "cannot open %s", path);
	while ((entry = readdir(dir))) {
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			unlinkat(dirfd(dir), entry->d_name, 0);
	}
	closedir(dir);
	if (rmdir(path) < 0)
		return err_errno(err, -errno, "cannot remove %s", path);
	return 0;
}

static int stage_file(
	const char *folder, const char *name, const char *text, mode_t mode, struct err *err)
{
	CLEANUP(freep) char *path = file_join(folder, name);

	return file_replace(path, text, strlen(text), mode, err);
}

static int stage(
	const char *folder, const struct install *install, const char *stamp, struct err *err)
{
	const char *const text[] = {install->certificate, install->name, install->bundle};
	CLEANUP(freep) char *name_line = xasprintf("%s\n", install->name);
	int rc;

	rc = remove_folder(folder, err);
	if (rc == 0)
		rc = file_make_folder(folder, 0700, err);
	for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(text); i++)
		rc = stage_file(folder, files[i].staged,
			text[i] == install->name ? name_line : text[i], files[i].mode, err);
	if (rc == 0)
		rc = stage_file(folder, STAMP, stamp, 0600, err);
	return rc;
}

static char *backup_of(const char *config_dir, const char *stamp)
{
	return xasprintf("%s/cfg/before-join-%s", config_dir, stamp);
}

static int keep_old(const char *config_dir, const char *backup, struct err *err)
{
	bool kept = false;

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		CLEANUP(freep) char *from = file_join(config_dir, files[i].target);
		const char *slash = strrchr(files[i].target, '/');
		CLEANUP(freep) char *to = file_join(backup, slash ? slash + 1 : files[i].target);
		int rc;

		if (!file_exists(from))
			continue;
		rc = file_make_folder(backup, 0700, err);
		if (rc < 0)
			return rc;
		if (link(from, to) < 0)
			return err_errno(err, -errno, "cannot keep %s as %s", from, to);
		kept = true;
	}
	return kept ? sync_folder(backup, err) : 0;
}

static int put_in_place(const char *config_dir, const char *decided, struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		CLEANUP(freep) char *target = file_join(config_dir, files[i].target);
		CLEANUP(freep)
		char *staged = files[i].staged ? file_join(decided, files[i].staged) : NULL;
		int rc = 0;

		if (files[i].stays || (staged && !file_exists(staged)))
			continue; /* or done before an interruption */
		if (!staged)
			rc = file_remove(target, err);
		else if (rename(staged, target) < 0)
			rc = err_errno(err, -errno, "cannot put %s in place", target);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* The stamp of a folder; -ENOENT where it has none (any more). */
static int read_stamp(const char *folder, struct buf *stamp)
{
	CLEANUP(freep) char *path = file_join(folder, STAMP);

	return file_read(path, stamp, NULL);
}

/* A folder without a stamp is in place as a whole: only the folder itself is left to be removed. */
static int roll_forward(const char *config_dir, char **ret_backup, struct err *err)
{
	CLEANUP(freep) char *staging = file_join(config_dir, STAGE);
	CLEANUP(freep) char *decided = file_join(config_dir, DECIDED);
	CLEANUP(freep) char *stamp_path = file_join(decided, STAMP);
	CLEANUP(freep) char *cfg = file_join(config_dir, "cfg");
	CLEANUP(freep) char *backup = NULL;
	struct buf stamp = BUF_INIT(STAMP_MAX);
	int rc = read_stamp(decided, &stamp);

	if (rc == 0) {
		backup = backup_of(config_dir, buf_cstr(&stamp));
		rc = put_in_place(config_dir, decided, err);
		if (rc == 0)
			rc = sync_folder(config_dir, err);
		if (rc == 0)
			rc = sync_folder(cfg, err);
		/* from here on the backup is not to be taken for that of an undecided join */
		if (rc == 0)
			rc = file_remove(stamp_path, err);
		if (rc == 0 && file_exists(backup))
			*ret_backup = TAKE(backup);
	} else {
		rc = rc == -ENOENT ? 0 : err_errno(err, rc, "cannot read %s", stamp_path);
	}
	/* in one step no longer decided: half a folder must not be taken for a decision */
	if (rc == 0 && rename(decided, staging) < 0)
		rc = err_errno(err, -errno, "cannot rename %s", decided);
	if (rc == 0)
		rc = remove_folder(staging, err);
	buf_done(&stamp);
	return rc;
}

/* A join that was not decided: what was staged for it goes, and the backup it had begun. */
static int drop_undecided(const char *config_dir, struct err *err)
{
	CLEANUP(freep) char *staging = file_join(config_dir, STAGE);
	CLEANUP(freep) char *backup = NULL;
	struct buf stamp = BUF_INIT(STAMP_MAX);
	int rc = 0;

	if (read_stamp(staging, &stamp) == 0) {
		backup = backup_of(config_dir, buf_cstr(&stamp));
		rc = remove_folder(backup, err);
	}
	if (rc == 0)
		rc = remove_folder(staging, err);
	buf_done(&stamp);
	return rc;
}

/* A stamp that no backup folder has yet: two joins may be complete within one second. */
static char *free_stamp(const char *cfg, const char *stamp)
{
	char *found = xstrdup(stamp);

	for (unsigned n = 2; n < 1000; n++) {
		CLEANUP(freep) char *folder = xasprintf("%s/before-join-%s", cfg, found);

		if (!file_exists(folder))
			break;
		free(found);
		found = xasprintf("%s-%u", stamp, n);
	}
	return found;
}

int install_commit(const char *config_dir, const struct install *install, const char *stamp,
	char **ret_backup, struct err *err)
{
	CLEANUP(freep) char *cfg = file_join(config_dir, "cfg");
	CLEANUP(freep) char *staging = file_join(config_dir, STAGE);
	CLEANUP(freep) char *decided = file_join(config_dir, DECIDED);
	CLEANUP(freep) char *unused = free_stamp(cfg, stamp);
	CLEANUP(freep) char *backup = backup_of(config_dir, unused);
	struct err ignored;
	int rc;

	*ret_backup = NULL;
	rc = drop_undecided(config_dir, err);
	if (rc == 0)
		rc = stage(staging, install, unused, err);
	if (rc == 0)
		rc = keep_old(config_dir, backup, err);
	if (rc == 0 && rename(staging, decided) < 0)
		rc = err_errno(err, -errno, "cannot rename %s to %s", staging, decided);
	if (rc < 0) {
		/* what can't be cleared away now is cleared away at the next start */
		(void)!drop_undecided(config_dir, &ignored);
		return rc;
	}
	rc = sync_folder(cfg, err);
	if (rc == 0)
		rc = roll_forward(config_dir, ret_backup, err);
	return rc;
}

int install_recover(const char *config_dir, char **ret_backup, struct err *err)
{
	CLEANUP(freep) char *decided = file_join(config_dir, DECIDED);
	int rc;

	*ret_backup = NULL;
	rc = drop_undecided(config_dir, err);
	if (rc < 0 || !file_exists(decided))
		return rc;
	rc = roll_forward(config_dir, ret_backup, err);
	if (rc < 0)
		return err_wrap(err, rc, "cannot complete the interrupted join in %s", decided);
	return 1;
}
