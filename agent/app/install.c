#include "config.h"
#include "app/install.h"

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

static int keep_old(
	const char *config_dir, const char *target, const char *backup, bool *kept, struct err *err)
{
	CLEANUP(freep) char *from = file_join(config_dir, target);
	const char *slash = strrchr(target, '/');
	CLEANUP(freep) char *to = file_join(backup, slash ? slash + 1 : target);
	int rc;

	if (!file_exists(from))
		return 0;
	rc = file_make_folder(backup, 0700, err);
	if (rc < 0)
		return rc;
	if (link(from, to) < 0 && errno != EEXIST)
		return err_errno(err, -errno, "cannot keep %s as %s", from, to);
	*kept = true;
	return 0;
}

static int roll_forward(const char *config_dir, char **ret_backup, struct err *err)
{
	CLEANUP(freep) char *staging = file_join(config_dir, STAGE);
	CLEANUP(freep) char *decided = file_join(config_dir, DECIDED);
	CLEANUP(freep) char *stamp_path = file_join(decided, STAMP);
	CLEANUP(freep) char *cfg = file_join(config_dir, "cfg");
	CLEANUP(freep) char *backup = NULL;
	struct buf stamp = BUF_INIT(STAMP_MAX);
	bool kept = false;
	int rc;

	rc = file_read(stamp_path, &stamp, err);
	if (rc == 0)
		backup = xasprintf("%s/before-join-%s", cfg, buf_cstr(&stamp));
	for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(files); i++) {
		CLEANUP(freep) char *target = file_join(config_dir, files[i].target);
		CLEANUP(freep)
		char *staged = files[i].staged ? file_join(decided, files[i].staged) : NULL;

		if (staged && !file_exists(staged))
			continue; /* done before an interruption */
		rc = keep_old(config_dir, files[i].target, backup, &kept, err);
		if (rc < 0)
			break;
		if (!staged)
			rc = files[i].stays ? 0 : file_remove(target, err);
		else if (rename(staged, target) < 0)
			rc = err_errno(err, -errno, "cannot put %s in place", target);
	}
	if (rc == 0 && (kept || file_exists(backup))) {
		rc = sync_folder(backup, err);
		*ret_backup = TAKE(backup);
	}
	if (rc == 0)
		rc = sync_folder(config_dir, err);
	if (rc == 0)
		rc = sync_folder(cfg, err);
	/* in one step no longer decided: half a folder must not be taken for a decision */
	if (rc == 0 && rename(decided, staging) < 0)
		rc = err_errno(err, -errno, "cannot rename %s", decided);
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
	struct err ignored;
	int rc;

	*ret_backup = NULL;
	rc = stage(staging, install, unused, err);
	if (rc == 0 && rename(staging, decided) < 0)
		rc = err_errno(err, -errno, "cannot rename %s to %s", staging, decided);
	if (rc < 0) {
		remove_folder(staging, &ignored);
		return rc;
	}
	rc = sync_folder(cfg, err);
	if (rc == 0)
		rc = roll_forward(config_dir, ret_backup, err);
	return rc;
}

int install_recover(const char *config_dir, char **ret_backup, struct err *err)
{
	CLEANUP(freep) char *staging = file_join(config_dir, STAGE);
	CLEANUP(freep) char *decided = file_join(config_dir, DECIDED);
	int rc;

	*ret_backup = NULL;
	rc = remove_folder(staging, err);
	if (rc < 0 || !file_exists(decided))
		return rc;
	rc = roll_forward(config_dir, ret_backup, err);
	if (rc < 0)
		return err_wrap(err, rc, "cannot complete the interrupted join in %s", decided);
	return 1;
}
