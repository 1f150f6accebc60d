#include "config.h"
#include "base/writes.h"

#include "base/file.h"
#include "base/list.h"
#include "base/mem.h"

enum write_kind { WRITE_FOLDER, WRITE_REPLACE, WRITE_REMOVE };

struct one_write {
	struct list link;
	enum write_kind kind;
	char *path;
	mode_t mode;
	void *data;
	size_t len;
};

struct writes {
	struct list all;
	int rc; /* negative: failed before it began */
	char *why;
};

struct writes *writes_new(void)
{
	struct writes *writes = xcalloc(1, sizeof(*writes));

	list_init(&writes->all);
	return writes;
}

struct writes *writes_failed(int rc, const char *why)
{
	struct writes *writes = writes_new();

	writes->rc = rc;
	writes->why = xstrdup(why);
	return writes;
}

void writes_free(struct writes *writes)
{
	struct one_write *one;

	if (!writes)
		return;
	while ((one = list_first(&writes->all, struct one_write, link))) {
		list_del(&one->link);
		if (one->data)
			mem_wipe(one->data, one->len);
		free(one->data);
		free(one->path);
		free(one);
	}
	free(writes->why);
	free(writes);
}

static struct one_write *add(
	struct writes *writes, enum write_kind kind, const char *path, mode_t mode)
{
	struct one_write *one = xcalloc(1, sizeof(*one));

	one->kind = kind;
	one->path = xstrdup(path);
	one->mode = mode;
	list_add_tail(&writes->all, &one->link);
	return one;
}

void writes_folder(struct writes *writes, const char *path, mode_t mode)
{
	add(writes, WRITE_FOLDER, path, mode);
}

void writes_replace(
	struct writes *writes, const char *path, const void *data, size_t len, mode_t mode)
{
	struct one_write *one = add(writes, WRITE_REPLACE, path, mode);

	one->data = xmemdup(data, len);
	one->len = len;
}

void writes_remove(struct writes *writes, const char *path)
{
	add(writes, WRITE_REMOVE, path, 0);
}

static int carry_out(const struct one_write *one, struct err *err)
{
	switch (one->kind) {
	case WRITE_FOLDER:
		return file_make_folder(one->path, one->mode, err);
	case WRITE_REPLACE:
		return file_replace(one->path, one->data, one->len, one->mode, err);
	case WRITE_REMOVE:
		break;
	}
	return file_remove(one->path, err);
}

int writes_carry_out(const struct writes *writes, struct err *err)
{
	const struct one_write *one;
	int rc = 0;

	if (writes->rc < 0)
		return err_set(err, writes->rc, "%s", writes->why);
	list_foreach (one, &writes->all, link) {
		rc = carry_out(one, err);
		if (rc < 0)
			break;
	}
	return rc;
}
