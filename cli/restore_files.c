#include "config.h"
#include "cli/restore_files.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/dump_files.h"
#include "cli/membership.h"

#define KEYS_MAX   ((size_t)64 << 10)
#define EVERYTHING "everything"

static int by_name(const void *a, const void *b)
{
	const json *const *member_a = a, *const *member_b = b;

	return strcmp(json_name(*member_a), json_name(*member_b));
}

/* Somebody else may have filled the folder: a pipe there would be waited for without end. */
static int check_kind(const char *path, struct err *err)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return err_errno(err, -errno, "cannot open %s", path);
	return S_ISREG(st.st_mode) ? 0 : err_set(err, -EINVAL, "%s is not a file", path);
}

static int read_json(const char *folder, const char *name, size_t max, json **ret, struct err *err)
{
	CLEANUP(freep) char *path = file_join(folder, name);
	struct buf b = BUF_INIT(max);
	int rc = check_kind(path, err);

	if (rc == 0)
		rc = file_read(path, &b, err);
	if (rc == 0) {
		rc = json_parse(buf_cstr(&b), b.len, ret, err);
		if (rc < 0)
			err_wrap(err, rc, "%s", path);
	}
	buf_wipe(&b);
	if (rc == 0 && !json_is_object(*ret))
		rc = err_set(err, -EINVAL, "%s: expected an object, found %s", path,
			json_type_name(*ret));
	return rc;
}

/* The members of one part, sorted; a part that is missing is empty. */
static int sort_part(
	const json *main, const char *name, const json ***ret, size_t *ret_n, struct err *err)
{
	const json *part = json_at(main, name), *it;
	size_t n = json_count(part), i = 0;

	if (part && !json_is_object(part))
		return err_set(err, -EINVAL, DUMP_MAIN ": '%s': expected an object, found %s", name,
			json_type_name(part));
	*ret = xcalloc(n + 1, sizeof(**ret));
	*ret_n = n;
	json_foreach(it, part)(*ret)[i++] = it;
	if (n > 1)
		qsort(*ret, n, sizeof(**ret), by_name);
	return 0;
}

int restore_files_read(struct restore_files *ret, const char *folder, struct err *err)
{
	CLEANUP(freep) char *keys = file_join(folder, DUMP_KEYS);
	int rc;

	*ret = (struct restore_files){NULL};
	rc = read_json(folder, DUMP_MAIN, DUMP_MAIN_MAX, &ret->main, err);
	if (rc == 0 && file_exists(keys))
		rc = read_json(folder, DUMP_KEYS, KEYS_MAX, &ret->keys, err);
	if (rc == 0 && !json_at(ret->main, "nodes") && !json_at(ret->main, "nodegroups"))
		rc = err_set(err, -EINVAL,
			"%s/" DUMP_MAIN " is no backup: it has neither nodes nor nodegroups",
			folder);
	if (rc == 0)
		rc = sort_part(ret->main, "nodes", &ret->nodes, &ret->n_nodes, err);
	if (rc == 0)
		rc = sort_part(ret->main, "nodegroups", &ret->groups, &ret->n_groups, err);
	return rc;
}

void restore_files_done(struct restore_files *f)
{
	free(f->nodes);
	free(f->groups);
	json_wipe(f->main);
	json_wipe(f->keys);
}

enum restore_keys restore_files_keys(const struct restore_files *f)
{
	const char *text;

	if (!f->keys)
		return RESTORE_NO_KEYS;
	if (!json_at(f->keys, "collective") || json_str(f->keys, "cryptkey", &text, NULL) < 0)
		return RESTORE_FOREIGN;
	return text_starts(text, "*unencrypted:") ? RESTORE_OPEN : RESTORE_LOCKED;
}

/* ---- who is in which group ---- */

static struct membership *memberships(const struct restore_files *f, size_t *ret_n)
{
	struct membership *list;
	size_t n = 0, room = 0;
	const json *it;

	for (size_t i = 0; i < f->n_nodes; i++)
		room += json_count(json_get(f->nodes[i], "groups"));
	list = xcalloc(room + 1, sizeof(*list));
	for (size_t i = 0; i < f->n_nodes; i++) {
		json_foreach(it, json_get(f->nodes[i], "groups"))
		{
			if (json_text(it))
				list[n++] =
					(struct membership){json_text(it), json_name(f->nodes[i])};
		}
	}
	memberships_sort(list, n);
	*ret_n = n;
	return list;
}

size_t restore_files_check(
	const struct restore_files *f, void (*fn)(const char *text, void *arg), void *arg)
{
	size_t n, problems = 0;
	CLEANUP(freep) struct membership *list = memberships(f, &n);
	const json *it;

	for (size_t i = 0; i < f->n_groups; i++) {
		const char *name = json_name(f->groups[i]);

		if (text_eq(name, EVERYTHING))
			continue;
		json_foreach(it, json_get(f->groups[i], "nodes"))
		{
			const struct membership wanted = {name, json_text(it)};
			CLEANUP(freep) char *text = NULL;

			if (wanted.node && memberships_have(list, n, &wanted))
				continue;
			text = xasprintf("group %s: it lists node %s, which does not list it in "
					 "its groups",
				name, wanted.node ? wanted.node : "(no name)");
			fn(text, arg);
			problems++;
		}
	}
	return problems;
}

void restore_files_strange(const struct restore_files *f,
	void (*fn)(const char *name, size_t entries, void *arg), void *arg)
{
	const json *it;

	json_foreach(it, f->main)
	{
		if (!text_eq(json_name(it), "nodes") && !text_eq(json_name(it), "nodegroups") &&
			json_count(it) > 0)
			fn(json_name(it), json_count(it), arg);
	}
}
