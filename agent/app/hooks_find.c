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
			"%s belongs to user %lu: it must be root's or the agent's user's", path,
			(unsigned long)st->st_uid);
	if (!S_ISLNK(st->st_mode) && (st->st_mode & (S_IWGRP | S_IWOTH)) && !sticky)
		return err_set(
			err, -EPERM, "%s may be written by others: chmod go-w %s", path, path);
	return 0;
}

/* All folders above a resolved path. */
static int check_way(const char *resolved, struct err *err)
{
	CLEANUP(freep) char *path = xstrdup(resolved);
	struct stat st;
	char *slash;

	while ((slash = strrchr(path, '/'))) {
		const char *at = slash == path ? "/" : path;
		int rc;

		*slash = '\0';
		if (lstat(at, &st) < 0)
			return err_errno(err, -errno, "%s", at);
		rc = check_owner(at, &st, err);
		if (rc < 0)
			return rc;
	}
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
	rc = check_owner(path, &st, err);
	if (rc < 0)
		return rc;
	resolved = realpath(path, NULL);
	if (!resolved || stat(resolved, &st) < 0)
		return err_errno(err, errno == ENOENT ? -ENOLINK : -errno, "%s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, -EINVAL, "%s is not a file", path);
	if (!(st.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)))
		return err_set(err, -EACCES, "%s is not executable: chmod +x %s", path, path);
	rc = check_owner(resolved, &st, err);
	if (rc == 0)
		rc = check_way(resolved, err);
	if (rc == 0)
		*ret = TAKE(resolved);
	return rc;
}

static void consider(struct hooks_programs *programs, const char *path)
{
	struct err err = {""};
	char *resolved = NULL;
	int rc = check(path, &resolved, &err);

	if (rc == 0)
		add(&programs->paths, &programs->n, resolved);
	else if (rc != -ENOENT)
		add(&programs->refused, &programs->n_refused, xstrdup(err.text));
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
			add(&programs->refused, &programs->n_refused,
				xasprintf("%s is one more than the %d programs that an event may "
					  "have",
					path, HOOKS_PROGRAMS_MAX));
	}
	list_free(names, n);
}

static bool may_use(struct hooks_programs *programs, const char *folder)
{
	CLEANUP(freep) char *resolved = realpath(folder, NULL);
	CLEANUP(freep) char *inside = NULL;
	struct err err = {""};

	if (!resolved)
		return false;
	/* itself, and those above it */
	inside = file_join(resolved, "");
	if (check_way(inside, &err) == 0)
		return true;
	add(&programs->refused, &programs->n_refused, xstrdup(err.text));
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
