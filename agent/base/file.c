#include "config.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

#define FILE_CHUNK 65536

static void closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

int file_read(const char *path, struct buf *b, struct err *err)
{
	CLEANUP(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return err_errno(err, -errno, "cannot open %s", path);
	for (;;) {
		size_t room = MIN((size_t)FILE_CHUNK, b->max - b->len);
		char over;
		ssize_t n;

		if (!room) {
			n = read(fd, &over, 1);
			if (n > 0)
				return err_set(err, -EMSGSIZE, "%s is larger than %zu bytes", path,
					b->max);
		} else {
			n = read(fd, buf_reserve(b, room), room);
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, -errno, "cannot read %s", path);
		if (n == 0)
			break;
		b->len += (size_t)n;
	}
	if (b->data)
		b->data[b->len] = '\0';
	return 0;
}

static int write_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

static int sync_folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	CLEANUP(freep) char *folder = NULL;
	CLEANUP(closep) int fd = -1;

	folder = slash ? xstrndup(path, (size_t)MAX(slash - path, 1)) : xstrdup(".");
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) < 0)
		return -errno;
	return 0;
}

static int replace(
	const char *path, const void *data, size_t len, mode_t mode, bool sync, struct err *err)
{
	CLEANUP(freep) char *temp = xasprintf("%s.new", path);
	CLEANUP(closep) int fd = -1;
	int rc = 0;

	/* a left-over of an interrupted write may have any mode: never write into it */
	if (unlink(temp) < 0 && errno != ENOENT)
		return err_errno(err, -errno, "cannot replace %s", temp);
	fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_errno(err, -errno, "cannot create %s", temp);
	if (fchmod(fd, mode) < 0)
		rc = -errno;
	if (rc == 0)
		rc = write_all(fd, data, len);
	if (rc == 0 && sync && fsync(fd) < 0)
		rc = -errno;
	if (rc == 0 && rename(temp, path) < 0)
		rc = -errno;
	if (rc < 0) {
		unlink(temp);
		return err_errno(err, rc, "cannot write %s", path);
	}
	if (sync)
		rc = sync_folder_of(path);
	if (rc < 0)
		return err_errno(err, rc, "cannot sync the folder of %s", path);
	return 0;
}

int file_replace(const char *path, const void *data, size_t len, mode_t mode, struct err *err)
{
	return replace(path, data, len, mode, true, err);
}

int file_replace_unsynced(
	const char *path, const void *data, size_t len, mode_t mode, struct err *err)
{
	return replace(path, data, len, mode, false, err);
}

static int remove_one(const char *path, bool sync, struct err *err)
{
	int rc = 0;

	if (unlink(path) < 0) {
		if (errno == ENOENT)
			return 0;
		return err_errno(err, -errno, "cannot remove %s", path);
	}
	if (sync)
		rc = sync_folder_of(path);
	if (rc < 0)
		return err_errno(err, rc, "cannot sync the folder of %s", path);
	return 0;
}

int file_remove(const char *path, struct err *err)
{
	return remove_one(path, true, err);
}

int file_remove_unsynced(const char *path, struct err *err)
{
	return remove_one(path, false, err);
}

int file_make_folder(const char *path, mode_t mode, struct err *err)
{
	CLEANUP(freep) char *copy = xstrdup(path);

	for (char *p = copy + 1;; p++) {
		char saved = *p;

		if (saved != '/' && saved != '\0')
			continue;
		*p = '\0';
		/* mkdir() lets the umask take away from the mode */
		if (mkdir(copy, mode) == 0 ? chmod(copy, mode) < 0 : errno != EEXIST)
			return err_errno(err, -errno, "cannot make the folder %s", copy);
		*p = saved;
		if (!saved)
			return 0;
	}
}

int file_check_secret(const char *path, struct err *err)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return err_errno(err, -errno, "cannot look at %s", path);
	if (st.st_mode & 077)
		return err_set(err, -EACCES,
			"%s can be read or written by others (mode %04o); run: chmod 600 %s", path,
			(unsigned)(st.st_mode & 07777), path);
	return 0;
}

bool file_exists(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0;
}

char *file_join(const char *folder, const char *name)
{
	return xasprintf("%s/%s", folder, name);
}
