/* libs: api io model wire base; pkg: CJSON EVENT SSL CURL */
/*
 * Requests for resources: each line is one {"operation":…,"path":…,"parameters":…}, served from a small
 * database. Every request must end, every plan be one that a keeper can carry out; what is written is
 * put into the database, so that later lines meet it.
 */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "api/conn.h"
#include "api/resources.h"
#include "base/mem.h"
#include "io/loop.h"
#include "model/db.h"
#include "model/plan.h"
#include "wire/envelope.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LINES_MAX 16

struct api_write {
	struct plan *plan;
	api_written_fn *done;
	void *arg;
};

static struct world {
	struct db *db;
	int64_t revision;
	struct api_write *write;
} w;

static void put(const char *key, const char *value, size_t len)
{
	(void)!db_put(w.db, key, strlen(key), value, len, ++w.revision, NULL);
	db_set_revision(w.db, w.revision);
}

static void fill(void)
{
	static const char *const keys[][2] = {
		{"groups/rack1/noderange", ""},
		{"groups/rack1/location.room", "x"},
		{"groups/dyn/noderange", "n1-n2"},
		{"nodes/n1/groups", "rack1"},
		{"nodes/n1/id.index", "1"},
		{"nodes/n1/info.note", "N-{node}"},
		{"nodes/n2/groups", "rack1"},
		{"nodes/n2/groups.bad", "odd"},
		{"nodes/orphan/info.note", "no node"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		put(keys[i][0], keys[i][1], strlen(keys[i][1]));
}

static const struct db *read_db(struct api_age *age, struct err *why UNUSED, void *arg UNUSED)
{
	*age = (struct api_age){.current = true};
	return w.db;
}

static struct api_write *write_db(
	struct plan *plan, api_written_fn *done, void *done_arg, void *arg UNUSED)
{
	if (w.write)
		abort();
	w.write = xcalloc(1, sizeof(*w.write));
	*w.write = (struct api_write){plan, done, done_arg};
	return w.write;
}

static void forget(struct api_write *write, void *arg UNUSED)
{
	write->done = NULL;
}

static void apply(const struct plan_unit *unit)
{
	for (size_t i = 0; i < unit->n_ops; i++) {
		const struct plan_op *op = &unit->ops[i];

		/* a key that does not belong there would be written to etcd */
		if (!db_is_ours(op->key, strlen(op->key)))
			abort();
		if (op->kind == PLAN_PUT && op->coat == PLAN_CLEAR_TEXT)
			put(op->key, op->value, op->len);
		else if (op->kind == PLAN_DELETE)
			db_delete(w.db, op->key, strlen(op->key));
	}
	w.revision++;
	db_set_revision(w.db, w.revision);
}

static void finish_write(void)
{
	struct api_write *write = w.write;
	struct plan_outcome outcome;
	struct plan_unit *unit;
	enum plan_step step;
	unsigned steps = 0;

	if (!write)
		return;
	plan_give_numbers(write->plan, 100);
	while ((step = plan_next(write->plan, w.db, &unit)) != PLAN_DONE && steps++ < 5000) {
		if (step == PLAN_UNIT) {
			apply(unit);
			plan_applied(write->plan, unit, w.revision);
		} else if (step == PLAN_WAIT && steps > 4000) {
			/* deletes of whole prefixes are not carried out here */
			plan_stop(write->plan, "enough");
		}
	}
	plan_outcome(write->plan, &outcome);
	if (write->done)
		write->done(outcome.why ? -1 : 0, outcome.why ? outcome.why : "", write->plan,
			write->arg);
	plan_free(write->plan);
	free(write);
	w.write = NULL;
}

static void ask(struct api_resources *resources, const char *line, size_t len)
{
	struct envelope e;
	json *message = NULL;
	struct api_request *req;

	if (json_parse(line, len, &message, NULL) < 0)
		return;
	if (envelope_parse(message, &e, NULL) < 0 || e.kind != ENVELOPE_REQUEST || *e.path != '/') {
		json_free(message);
		return;
	}
	req = xcalloc(1, sizeof(*req));
	list_init(&req->link);
	req->kind = e.kind;
	req->message = message;
	api_resources_serve(resources, req, e.operation, e.path, e.body);
	finish_write();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct api_database database = {
		.read = read_db, .write = write_db, .forget = forget};
	const char *at = (const char *)data, *end = at + size;
	struct api_resources *resources;
	struct loop *loop;

	if (loop_new(&loop, NULL) < 0)
		abort();
	w = (struct world){.db = db_new(7)};
	fill();
	resources = api_resources_new(loop, &database);
	for (int i = 0; i < LINES_MAX && at < end; i++) {
		const char *eol = memchr(at, '\n', (size_t)(end - at));
		size_t len = (size_t)((eol ? eol : end) - at);

		ask(resources, at, len);
		at += len + 1;
	}
	api_resources_free(resources);
	loop_free(loop);
	db_free(w.db);
	return 0;
}
