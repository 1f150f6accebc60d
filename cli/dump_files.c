#include "config.h"
#include "cli/dump_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/membership.h"

#define SMALL_MAX ((size_t)16 << 20)

/* ---- printing ---- */

static int indent(struct buf *b, unsigned depth)
{
	return buf_printf(b, "\n%*s", (int)(4 * depth), "");
}

static int by_member_name(const void *a, const void *b)
{
	const json *const *member_a = a, *const *member_b = b;

	return strcmp(json_name(*member_a), json_name(*member_b));
}

static int print(struct buf *b, const json *value, unsigned depth);

/* Members of an object sorted by name, or elements of a list as they are. */
static int print_children(struct buf *b, const json *value, unsigned depth)
{
	bool object = json_is_object(value);
	size_t n = json_count(value), i = 0;
	CLEANUP(freep) const json **children = xcalloc(n + 1, sizeof(*children));
	const json *it;
	int rc = buf_str(b, object ? "{" : "[");

	json_foreach(it, value) children[i++] = it;
	if (object)
		qsort(children, n, sizeof(*children), by_member_name);
	for (i = 0; i < n && rc == 0; i++) {
		json *name = object ? json_new_str(json_name(children[i])) : NULL;

		rc = i ? buf_str(b, ",") : 0;
		if (rc == 0)
			rc = indent(b, depth + 1);
		if (rc == 0 && object)
			rc = json_print(name, b);
		if (rc == 0 && object)
			rc = buf_str(b, ": ");
		if (rc == 0)
			rc = print(b, children[i], depth + 1);
		json_free(name);
	}
	if (rc == 0 && n > 0)
		rc = indent(b, depth);
	return rc == 0 ? buf_str(b, object ? "}" : "]") : rc;
}

/* No deeper than what is parsed can be. */
static int print(struct buf *b, const json *value, unsigned depth)
{
	if (depth > JSON_DEPTH_MAX)
		return -EMSGSIZE;
	if (json_is_object(value) || json_is_array(value))
		return print_children(b, value, depth);
	return json_print(value, b);
}

/* ---- what was added ---- */

struct entry {
	char *name;
	size_t order;
	json *group;   /* of a group */
	char *text;    /* of a node, printed */
	char **groups; /* of a node */
	size_t n_groups;
};

struct entries {
	struct entry *at;
	size_t n, cap;
	bool sorted;
};

struct dump_files {
	struct entries nodes, groups;
};

static void entry_done(struct entry *e)
{
	free(e->name);
	json_free(e->group);
	free(e->text);
	for (size_t i = 0; i < e->n_groups; i++)
		free(e->groups[i]);
	free(e->groups);
}

static void entries_done(struct entries *entries)
{
	for (size_t i = 0; i < entries->n; i++)
		entry_done(&entries->at[i]);
	free(entries->at);
}

struct dump_files *dump_files_new(void)
{
	return xcalloc(1, sizeof(struct dump_files));
}

void dump_files_free(struct dump_files *f)
{
	if (!f)
		return;
	entries_done(&f->nodes);
	entries_done(&f->groups);
	free(f);
}

static struct entry *add(struct entries *entries, const char *name)
{
	struct entry *e;

	if (entries->n == entries->cap) {
		entries->cap = entries->cap ? 2 * entries->cap : 256;
		entries->at = xrealloc(entries->at, entries->cap, sizeof(*entries->at));
	}
	e = &entries->at[entries->n];
	*e = (struct entry){.name = xstrdup(name), .order = entries->n++};
	entries->sorted = false;
	return e;
}

void dump_files_group(struct dump_files *f, const char *name, const json *entry)
{
	struct entry *e = add(&f->groups, name);

	e->group = json_is_object(entry) ? json_clone(entry) : NULL;
}

void dump_files_node(struct dump_files *f, const char *name, const json *entry)
{
	struct entry *e = add(&f->nodes, name);
	const json *list = json_get(entry, "groups"), *it;
	struct buf text = BUF_INIT(SMALL_MAX * 2);

	if (!json_is_object(entry))
		return;
	e->groups = xcalloc(json_count(list) + 1, sizeof(char *));
	json_foreach(it, list)
	{
		if (json_text(it))
			e->groups[e->n_groups++] = xstrdup(json_text(it));
	}
	if (print(&text, entry, 2) == 0)
		e->text = buf_take(&text);
	buf_done(&text);
}

static int by_name_and_order(const void *a, const void *b)
{
	const struct entry *entry_a = a, *entry_b = b;
	int order = strcmp(entry_a->name, entry_b->name);

	if (order != 0)
		return order;
	return entry_a->order < entry_b->order ? -1 : entry_a->order > entry_b->order;
}

/* The last entry of each name, where that is not gone. */
static void settle(struct entries *entries)
{
	size_t kept = 0;

	if (entries->sorted)
		return;
	if (entries->n > 1)
		qsort(entries->at, entries->n, sizeof(*entries->at), by_name_and_order);
	for (size_t i = 0; i < entries->n; i++) {
		struct entry *e = &entries->at[i];
		bool last = i + 1 == entries->n || !text_eq(e->name, entries->at[i + 1].name);

		if (last && (e->group || e->text))
			entries->at[kept++] = *e;
		else
			entry_done(e);
	}
	entries->n = kept;
	entries->sorted = true;
}

void dump_files_count(struct dump_files *f, size_t *ret_nodes, size_t *ret_groups)
{
	settle(&f->nodes);
	settle(&f->groups);
	*ret_nodes = f->nodes.n;
	*ret_groups = f->groups.n;
}

/* ---- who is in which group ---- */

static struct membership *memberships(const struct dump_files *f, size_t *ret_n)
{
	struct membership *list;
	size_t n = 0, room = 0;

	for (size_t i = 0; i < f->nodes.n; i++)
		room += f->nodes.at[i].n_groups;
	list = xcalloc(room + 1, sizeof(*list));
	for (size_t i = 0; i < f->nodes.n; i++) {
		const struct entry *e = &f->nodes.at[i];

		for (size_t j = 0; j < e->n_groups; j++)
			list[n++] = (struct membership){e->groups[j], e->name};
	}
	memberships_sort(list, n);
	*ret_n = n;
	return list;
}

/* The nodes of each group, which the agent tells with the nodes only. */
static void add_members(struct dump_files *f)
{
	size_t n, at = 0;
	CLEANUP(freep) struct membership *list = memberships(f, &n);

	for (size_t i = 0; i < f->groups.n; i++) {
		struct entry *e = &f->groups.at[i];
		json *nodes;

		if (json_get(e->group, "noderange") || json_get(e->group, "nodes"))
			continue;
		nodes = json_set(e->group, "nodes", json_new_array());
		while (at < n && strcmp(list[at].group, e->name) < 0)
			at++;
		for (; at < n && text_eq(list[at].group, e->name); at++)
			json_add_str(nodes, list[at].node);
	}
}

/* ---- the files ---- */

static int print_objects(struct buf *b, const char *title, const struct entries *entries)
{
	int rc = buf_printf(b, "\n    \"%s\": {", title);

	for (size_t i = 0; i < entries->n && rc == 0; i++) {
		const struct entry *e = &entries->at[i];

		/* names are such that JSON needs no escapes */
		rc = buf_printf(b, "%s\n        \"%s\": ", i ? "," : "", e->name);
		if (rc == 0)
			rc = e->text ? buf_str(b, e->text) : print(b, e->group, 2);
	}
	if (rc == 0 && entries->n > 0)
		rc = indent(b, 1);
	return rc == 0 ? buf_str(b, "},") : rc;
}

static int print_main(struct buf *b, const struct dump_files *f)
{
	int rc = buf_str(b, "{");

	if (rc == 0)
		rc = print_objects(b, "nodegroups", &f->groups);
	if (rc == 0)
		rc = print_objects(b, "nodes", &f->nodes);
	return rc == 0 ? buf_str(b, "\n    \"usergroups\": {},\n    \"users\": {}\n}\n") : rc;
}

static int write_small(const char *folder, const char *name, const json *value, struct err *err)
{
	CLEANUP(freep) char *path = file_join(folder, name);
	struct buf b = BUF_INIT(SMALL_MAX);
	int rc = print(&b, value, 0);

	if (rc == 0)
		rc = buf_str(&b, "\n");
	if (rc < 0)
		rc = err_errno(err, rc, "cannot write %s", path);
	else
		rc = file_replace(path, b.data, b.len, 0600, err);
	buf_wipe(&b);
	return rc;
}

static int sync_folder(const char *folder)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = fd >= 0 && fsync(fd) == 0 ? 0 : -errno;

	if (fd >= 0)
		close(fd);
	return rc;
}

/* main.json is written first, where it is largest and most likely to fail, and put in place last. */
static int write_all(const struct buf *main_text, const char *folder, const json *members,
	const json *keys, struct err *err)
{
	CLEANUP(freep) char *path = file_join(folder, DUMP_MAIN);
	CLEANUP(freep) char *aside = xasprintf("%s.part", path);
	CLEANUP(freep) char *keys_path = file_join(folder, DUMP_KEYS);
	int rc = file_replace(aside, main_text->data, main_text->len, 0600, err);

	if (rc < 0)
		return rc;
	rc = keys ? write_small(folder, DUMP_KEYS, keys, err) : file_remove(keys_path, err);
	if (rc == 0)
		rc = write_small(folder, DUMP_COLLECTIVE, members, err);
	if (rc == 0 && rename(aside, path) < 0)
		rc = err_errno(err, -errno, "cannot write %s", path);
	if (rc < 0) {
		unlink(aside);
		return rc;
	}
	rc = sync_folder(folder);
	return rc < 0 ? err_errno(err, rc, "cannot sync %s", folder) : 0;
}

int dump_files_write(struct dump_files *f, const char *folder, const json *members,
	const json *keys, struct err *err)
{
	CLEANUP(buf_done) struct buf main_text = BUF_INIT(DUMP_MAIN_MAX);
	int rc;

	settle(&f->nodes);
	settle(&f->groups);
	add_members(f);
	rc = print_main(&main_text, f);
	if (rc < 0)
		return err_errno(err, rc, "cannot write %s/" DUMP_MAIN, folder);
	rc = file_make_folder(folder, 0700, err);
	return rc == 0 ? write_all(&main_text, folder, members, keys, err) : rc;
}
