/*
 * Units being put together. Texts go into chunks, so that a unit of a few keys costs a few
 * allocations; what belongs to the plan (the values of its requests) is pointed at.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "model/plan_private.h"

#define CHUNK_BYTES 512
/* What a compare or an operation costs besides its texts; rounded up. */
#define ENTRY_BYTES 64

struct chunk {
	struct chunk *next;
	size_t used, size;
	char text[];
};

struct unit *unit_new(void)
{
	return xcalloc(1, sizeof(struct unit));
}

void unit_free(struct unit *unit)
{
	struct chunk *chunk, *next;

	if (!unit)
		return;
	for (chunk = unit->texts; chunk; chunk = next) {
		next = chunk->next;
		free(chunk);
	}
	free(unit->compares);
	free(unit->ops);
	free(unit->fails);
	free(unit);
}

static char *reserve(struct unit *unit, size_t len)
{
	struct chunk *chunk = unit->texts;

	if (!chunk || chunk->size - chunk->used < len) {
		size_t size = MAX(len, CHUNK_BYTES);

		chunk = xmalloc(sizeof(*chunk) + size);
		chunk->next = unit->texts;
		chunk->used = 0;
		chunk->size = size;
		unit->texts = chunk;
	}
	chunk->used += len;
	return chunk->text + chunk->used - len;
}

char *unit_copy(struct unit *unit, const char *text, size_t len)
{
	char *copy = reserve(unit, len + 1);

	if (len)
		memcpy(copy, text, len);
	copy[len] = '\0';
	return copy;
}

const char *unit_key(
	struct unit *unit, const char *folder, const char *object, const char *attribute)
{
	size_t folder_len = strlen(folder), object_len = strlen(object), len = strlen(attribute);
	char *key = reserve(unit, folder_len + object_len + len + 2);

	memcpy(key, folder, folder_len);
	memcpy(key + folder_len, object, object_len);
	key[folder_len + object_len] = '/';
	memcpy(key + folder_len + object_len + 1, attribute, len + 1);
	return key;
}

void unit_compare(struct unit *unit, enum plan_compare_kind kind, const char *key, int64_t revision)
{
	struct plan_unit *view = &unit->view;

	if (view->n_compares == unit->cap_compares) {
		unit->cap_compares = unit->cap_compares ? 2 * unit->cap_compares : 4;
		unit->compares =
			xrealloc(unit->compares, unit->cap_compares, sizeof(*unit->compares));
		view->compares = unit->compares;
	}
	unit->compares[view->n_compares++] =
		(struct plan_compare){.kind = kind, .key = key, .revision = revision};
	view->bytes += 2 * strlen(key) + ENTRY_BYTES;
}

/* Bytes of a value in etcd: sealing adds a frame and base64. */
static size_t cost(const struct plan_op *op)
{
	return strlen(op->key) + op->len + ENTRY_BYTES +
	       (op->coat == PLAN_CLEAR_TEXT ? 0 : op->len / 2 + 256);
}

static void add(struct unit *unit, const struct plan_op *op)
{
	struct plan_unit *view = &unit->view;

	for (size_t i = 0; i < view->n_ops; i++) {
		if (!text_eq(unit->ops[i].key, op->key))
			continue;
		view->bytes -= cost(&unit->ops[i]);
		unit->ops[i] = *op;
		view->bytes += cost(op);
		return;
	}
	if (view->n_ops == unit->cap_ops) {
		unit->cap_ops = unit->cap_ops ? 2 * unit->cap_ops : 4;
		unit->ops = xrealloc(unit->ops, unit->cap_ops, sizeof(*unit->ops));
		view->ops = unit->ops;
	}
	unit->ops[view->n_ops++] = *op;
	view->bytes += cost(op);
}

void unit_put(struct unit *unit, const char *key, const char *value, size_t len,
	enum plan_coat coat, const char *from)
{
	const struct plan_op op = {.kind = PLAN_PUT,
		.key = key,
		.value = value,
		.len = len,
		.coat = coat,
		.from = from};

	add(unit, &op);
}

void unit_delete(struct unit *unit, const char *key)
{
	const struct plan_op op = {.kind = PLAN_DELETE, .key = key, .value = ""};

	add(unit, &op);
}

void unit_delete_prefix(struct unit *unit, const char *prefix)
{
	const struct plan_op op = {.kind = PLAN_DELETE_PREFIX, .key = prefix, .value = ""};

	add(unit, &op);
}

int unit_check(const struct unit *unit, struct err *err)
{
	const struct plan_unit *view = &unit->view;

	if (view->n_compares > PLAN_UNIT_COMPARES_MAX || view->n_ops > PLAN_UNIT_OPS_MAX)
		return err_set(err, -E2BIG,
			"%s would take %zu changes at once, more than %d: change fewer attributes "
			"at a time",
			view->object, MAX(view->n_ops, view->n_compares), PLAN_UNIT_OPS_MAX);
	if (view->bytes > PLAN_UNIT_BYTES_MAX)
		return err_set(err, -E2BIG,
			"%s would take %zu bytes at once, more than %zu: change fewer attributes "
			"at a time",
			view->object, view->bytes, PLAN_UNIT_BYTES_MAX);
	return 0;
}

struct rubble {
	struct unit *unit;
	bool some;
};

static void clear_away(const char *key, size_t len, int64_t revision, bool usable, void *arg)
{
	struct rubble *rubble = arg;

	(void)revision;
	(void)usable;
	rubble->some = true;
	/* a key with a NUL in it can't be named, and stays where it is */
	if (strlen(key) == len)
		unit_delete(rubble->unit, unit_copy(rubble->unit, key, len));
}

void plan_compare_none(const struct db *db, const char *prefix, struct unit *unit)
{
	struct rubble rubble = {.unit = unit};

	db_each_key(db, prefix, clear_away, &rubble);
	if (rubble.some)
		unit_compare(unit, PLAN_UNCHANGED, prefix, db_revision(db));
	else
		unit_compare(unit, PLAN_NONE, prefix, 0);
}
