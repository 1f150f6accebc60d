#include "config.h"
#include "app/hooks_find.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"

/* Entries of a folder that are looked at. */
#define ENTRIES_MAX 1024
#define LINKS_MAX   40

static void add(char ***list, size_t *n, char *text)
{
	*list = xrealloc(*list, *n + 1, sizeof(**list));
	(*list)[(*n)++] = text;
}

static void list_free(char **list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(list[i]);
	free(list);
}

void hooks_programs_done(struct hooks_programs *programs)
{
	list_free(programs->paths, programs->n);
	list_free(programs->refused, programs->n_refused);
	*programs = (struct hooks_programs){0};
}

/* ---- who may write to it ---- */

static int check_owner(const char *path, const struct stat *st, struct err *err)
{
	bool sticky = S_ISDIR(st->st_mode) && (st->st_mode & S_ISVTX);

	if (st->st_uid != 0 && st->st_uid != geteuid())
		return err_set(err, -EPERM,
			"%s belongs to user %lu: it must be root's or the agent's user's, chown "
			"root %s",
			path, (unsigned long)st->st_uid, path);
	if (!S_ISLNK(st->st_mode) && (st->st_mode & (S_IWGRP | S_IWOTH)) && !sticky)
		return err_set(
			err, -EPERM, "%s may be written by others: chmod go-w %s", path, path);
	return 0;
}

/* ---- the way to it ---- */

struct way {
	char *done; /* "" for "/"; without links */
	char *rest;
	int links;
};

static void way_done(struct way *way)
{
	free(way->done);
	free(way->rest);
}

static int follow(struct way *way, const char *link, struct err *err)
{
	char target[PATH_MAX];
	ssize_t len = readlink(link, target, sizeof(target) - 1);
	char *rest;

	if (len < 0)
		return err_errno(err, -errno, "%s", link);
	if (++way->links > LINKS_MAX)
		return err_errno(err, -ELOOP, "%s", link);
	target[len] = '\0';
	rest = xasprintf("%s/%s", target, way->rest);
	free(way->rest);
	way->rest = rest;
	if (*target == '/')
		*way->done = '\0';
	return 0;
}

static int step(struct way *way, const char *name, struct stat *st, struct err *err)
{
	CLEANUP(freep) char *at = NULL;
	int rc;

	if (text_eq(name, ".") || !*name)
		return 0;
	if (text_eq(name, "..")) {
		char *slash = strrchr(way->done, '/');

		if (slash)
			*slash = '\0';
		return 0;
	}
	at = xasprintf("%s/%s", way->done, name);
	if (lstat(at, st) < 0)
		return errno == ENOENT ? err_set(err, -ENOLINK, "%s is not there", at)
				       : err_errno(err, -errno, "%s", at);
	rc = check_owner(at, st, err);
	if (rc == 0 && S_ISLNK(st->st_mode))
		return follow(way, at, err);
	if (rc == 0) {
		free(way->done);
		way->done = TAKE(at);
	}
	return rc;
}

/* Goes from the root to where the path leads, through folders and links of which none may be anybody
 * else's. *ret is new: the same without links; *st is what is there. -ENOLINK: something is not. */
static int go(const char *path, char **ret, struct stat *st, struct err *err)
{
	CLEANUP(way_done) struct way way = {xstrdup(""), xstrdup(path), 0};
	int rc;

	if (*path != '/')
		return err_set(err, -EINVAL, "%s does not begin with /", path);
	if (lstat("/", st) < 0)
		return err_errno(err, -errno, "/");
	rc = check_owner("/", st, err);
	while (rc == 0 && *way.rest) {
		size_t len = strcspn(way.rest, "/");
		CLEANUP(freep) char *name = xstrndup(way.rest, len);
		const char *rest = way.rest + len + (way.rest[len] == '/');

		memmove(way.rest, rest, strlen(rest) + 1);
		rc = step(&way, name, st, err);
	}
	if (rc < 0)
		return rc;
	if (lstat(*way.done ? way.done : "/", st) < 0)
		return err_errno(err, -errno, "%s", path);
	*ret = TAKE(way.done);
	return 0;
}

/* 0: it may be run, *ret is what is to be run, new; -ENOENT: it is not there. */
static int check(const char *path, char **ret, struct err *err)
{
	CLEANUP(freep) char *resolved = NULL;
	struct stat st;
	int rc;

	if (lstat(path, &st) < 0)
		return errno == ENOENT || errno == ENOTDIR ? -ENOENT
							   : err_errno(err, -errno, "%s", path);
	rc = go(path, &resolved, &st, err);
	if (rc < 0)
		return rc == -ENOLINK ? err_wrap(err, rc, "%s leads to nothing", path) : rc;
	if (!S_ISREG(st.st_mode))
		return err_set(err, -EINVAL, "%s is not a file", path);
	if (!(st.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)))
		return err_set(err, -EACCES, "%s is not executable: chmod +x %s", path, path);
	*ret = TAKE(resolved);
	return 0;
}

/* Takes the text. As many as are worth being read. */
static void refuse(struct hooks_programs *programs, char *text)
{
	if (programs->n_refused < HOOKS_REFUSED_MAX)
		add(&programs->refused, &programs->n_refused, text);
	else
		free(text);
}

static void consider(struct hooks_programs *programs, const char *path)
{
	struct err err = {""};
	char *resolved = NULL;
	int rc = check(path, &resolved, &err);

	if (rc == 0)
		add(&programs->paths, &programs->n, resolved);
	else if (rc != -ENOENT)
		refuse(programs, xstrdup(err.text));
}

/* ---- folders ---- */

static bool is_name(const char *name)
{
	static const char *const left_behind[] = {
		".rpmsave", ".rpmnew", ".rpmorig", ".bak", ".old", ".orig", ".swp"};
	size_t len = strlen(name);

	if (!isalnum((unsigned char)*name) || strstr(name, ".dpkg-") || strstr(name, ".ucf-"))
		return false;
	for (const char *c = name; *c; c++) {
		if (!isalnum((unsigned char)*c) && !strchr("-_.", *c))
			return false;
	}
	for (size_t i = 0; i < ARRAY_SIZE(left_behind); i++) {
		size_t end = strlen(left_behind[i]);

		if (len > end && strcmp(name + len - end, left_behind[i]) == 0)
			return false;
	}
	return true;
}

static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void consider_folder(struct hooks_programs *programs, const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	char **names = NULL;
	size_t n = 0;

	if (!dir)
		return;
	for (int i = 0; i < ENTRIES_MAX && (entry = readdir(dir)); i++) {
		if (is_name(entry->d_name))
			add(&names, &n, xstrdup(entry->d_name));
	}
	closedir(dir);
	if (n)
		qsort(names, n, sizeof(*names), by_bytes);
	for (size_t i = 0; i < n; i++) {
		CLEANUP(freep) char *path = file_join(folder, names[i]);

		if (programs->n < HOOKS_PROGRAMS_MAX)
			consider(programs, path);
		else
			refuse(programs,
				xasprintf("%s is one more than the %d programs that an event may "
					  "have",
					path, HOOKS_PROGRAMS_MAX));
	}
	list_free(names, n);
}

static bool may_use(struct hooks_programs *programs, const char *folder)
{
	CLEANUP(freep) char *resolved = NULL;
	struct err err = {""};
	struct stat st;

	if (stat(folder, &st) < 0 || !S_ISDIR(st.st_mode))
		return false;
	if (go(folder, &resolved, &st, &err) == 0)
		return true;
	refuse(programs, xstrdup(err.text));
	return false;
}

void hooks_find(const char *folder, const char *event, struct hooks_programs *ret)
{
	CLEANUP(freep) char *one = file_join(folder, event);
	CLEANUP(freep) char *many = xasprintf("%s.d", one);

	*ret = (struct hooks_programs){0};
	if (!may_use(ret, folder))
		return;
	consider(ret, one);
	if (may_use(ret, many))
		consider_folder(ret, many);
}
