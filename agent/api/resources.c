/*
 * The happy path: the path is split at '/', the row that fits is found, the visit gets what the path
 * names (scope) and the row's function does the rest, now or later.
 *
 * A path that no row fits is 404 with upstream's words, an operation that has no row there 400. Each
 * row says with its pattern what the parts are: '*' stands for any one part.
 */
#include "config.h"
#include "api/resources.h"

#include <errno.h>
#include <string.h>

#include "api/visit.h"
#include "base/mem.h"
#include "base/text.h"
#include "io/loop.h"
#include "model/db.h"
#include "model/noderange.h"
#include "wire/envelope.h"

/* How long a request waits for an agent that is starting. */
#define WAIT_MAX (10 * USEC_PER_SEC)

struct api_resources {
	struct loop *loop;
	const struct api_database *database;
	struct list visits;
};

enum scope { NOTHING, NODE, RANGE, GROUP };

static const struct row {
	const char *pattern;
	const char *operation;
	enum scope scope; /* of the part that the last '*' stands for */
	visit_fn *serve;
	enum visit_listing listing;
} rows[] = {
	{"nodes", "retrieve", NOTHING, visit_list_nodes, 0},
	{"nodes", "create", NOTHING, visit_create_node, 0},
	{"nodes/*", "retrieve", NODE, visit_list_node_items, 0},
	{"nodes/*", "delete", NODE, visit_delete_nodes, 0},
	{"nodes/*/attributes", "retrieve", NODE, visit_list_attribute_kinds, 0},
	{"nodes/*/attributes/all", "retrieve", NODE, visit_read_node, VISIT_ALL},
	{"nodes/*/attributes/all", "update", NODE, visit_update_nodes, VISIT_ALL},
	{"nodes/*/attributes/current", "retrieve", NODE, visit_read_node, VISIT_CURRENT},
	{"nodes/*/attributes/current", "update", NODE, visit_update_nodes, VISIT_CURRENT},
	{"nodes/*/attributes/rename", "update", NODE, visit_rename_nodes, 0},
	{"nodes/*/attributes/expression", "create", NODE, visit_evaluate, 0},
	{"nodes/*/deployment", "retrieve", NODE, visit_list_deployment, 0},
	{"nodes/*/deployment/lock", "retrieve", NODE, visit_read_lock, 0},
	{"nodes/*/deployment/lock", "update", NODE, visit_update_lock, 0},
	{"noderange", "retrieve", NOTHING, visit_list_nothing, 0},
	{"noderange", "create", NOTHING, visit_create_range, 0},
	{"noderange/*", "retrieve", RANGE, visit_list_range_items, 0},
	{"noderange/*", "delete", RANGE, visit_delete_nodes, 0},
	{"noderange/*/nodes", "retrieve", RANGE, visit_list_range_nodes, 0},
	{"noderange/*/abbreviate", "create", NOTHING, visit_abbreviate, 0},
	{"noderange/*/attributes", "retrieve", RANGE, visit_list_attribute_kinds, 0},
	{"noderange/*/attributes/all", "retrieve", RANGE, visit_read_node, VISIT_ALL},
	{"noderange/*/attributes/all", "update", RANGE, visit_update_nodes, VISIT_ALL},
	{"noderange/*/attributes/current", "retrieve", RANGE, visit_read_node, VISIT_CURRENT},
	{"noderange/*/attributes/current", "update", RANGE, visit_update_nodes, VISIT_CURRENT},
	{"noderange/*/attributes/rename", "update", RANGE, visit_rename_nodes, 0},
	{"noderange/*/attributes/expression", "create", RANGE, visit_evaluate, 0},
	{"noderange/*/deployment", "retrieve", RANGE, visit_list_deployment, 0},
	{"noderange/*/deployment/lock", "retrieve", RANGE, visit_read_lock, 0},
	{"noderange/*/deployment/lock", "update", RANGE, visit_update_lock, 0},
	{"nodegroups", "retrieve", NOTHING, visit_list_groups, 0},
	{"nodegroups", "create", NOTHING, visit_create_group, 0},
	{"nodegroups/*", "retrieve", GROUP, visit_list_group_items, 0},
	/* one that is not there is deleted with success */
	{"nodegroups/*", "delete", NOTHING, visit_delete_group, 0},
	{"nodegroups/*/attributes", "retrieve", GROUP, visit_list_group_attribute_kinds, 0},
	{"nodegroups/*/attributes/all", "retrieve", GROUP, visit_read_group, VISIT_ALL},
	{"nodegroups/*/attributes/all", "update", NOTHING, visit_update_group, VISIT_ALL},
	{"nodegroups/*/attributes/current", "retrieve", GROUP, visit_read_group, VISIT_CURRENT},
	{"nodegroups/*/attributes/current", "update", NOTHING, visit_update_group, VISIT_CURRENT},
	{"nodegroups/*/attributes/check", "update", GROUP, visit_check_group, 0},
	{"nodegroups/*/attributes/rename", "update", NOTHING, visit_rename_group, 0},
	{"users", "retrieve", NOTHING, visit_list_nothing, 0},
	{"usergroups", "retrieve", NOTHING, visit_list_nothing, 0},
};

/* ---- a visit ---- */

static void stop_waiting(struct visit *visit)
{
	loop_timer_free(TAKE(visit->patience));
	loop_defer_free(TAKE(visit->begin));
	free(TAKE(visit->operation));
}

static void forget(struct visit *visit)
{
	stop_waiting(visit);
	if (visit->write)
		visit->database->forget(visit->write, visit->database->arg);
	visit_write_free(visit);
	visit_stream_free(visit);
	free(visit->failure);
	list_del(&visit->link);
	mem_wipe(visit->path, strlen(visit->path));
	free(visit->path);
	free(visit);
}

void visit_done(struct visit *visit)
{
	struct api_request *req = visit->req;

	forget(visit);
	api_request_done(req);
}

void visit_fail(struct visit *visit, int rc, const char *text)
{
	struct api_request *req = visit->req;

	forget(visit);
	api_request_error(req, rc == -ENOENT ? 404 : rc == -EINVAL ? 400 : 500, text);
}

static void on_cancelled(void *arg)
{
	visit_done(arg);
}

static void on_drained(void *arg)
{
	struct visit *visit = arg;

	if (visit->more)
		loop_defer_schedule(visit->more);
}

const struct db *visit_db(struct visit *visit)
{
	struct api_age age = {0};
	struct err why = {""};
	const struct db *db = visit->database->read(&age, &why, visit->database->arg);

	if (!db)
		visit_fail(visit, -EIO, why.text);
	else if (!age.current)
		api_request_stale(visit->req, age.age, age.revision);
	return db;
}

void visit_reply(struct visit *visit, json *value)
{
	api_request_reply(visit->req, value);
}

void visit_reply_about(struct visit *visit, const char *node, const char *name, json *value)
{
	json *frame = json_new_object();
	json *inner = frame;

	if (visit->by_node)
		inner = json_set(
			json_set(frame, "databynode", json_new_object()), node, json_new_object());
	json_set(inner, name, value);
	visit_reply(visit, frame);
}

bool visit_nodes(struct visit *visit, const struct db *db, struct bitset *ret)
{
	struct noderange_source source = db_noderange_source(db);
	struct err err = {""};
	uint32_t node;

	if (!visit->by_node) {
		/* the row's scope was found to be there, a moment ago */
		if (db_node_find(db, visit->scope, &node))
			bitset_add(ret, node);
		return true;
	}
	if (noderange_evaluate(&source, visit->scope, ret, &err) == 0)
		return true;
	err_wrap(&err, -ENOENT, "Target not found - Invalid Noderange");
	visit_fail(visit, -ENOENT, err.text);
	return false;
}

/* ---- paths ---- */

static int split(struct visit *visit)
{
	char *at = visit->path;

	while (*at == '/') {
		*at++ = '\0';
		if (!*at)
			break;
		if (visit->n_parts == VISIT_PARTS_MAX)
			return -E2BIG;
		visit->parts[visit->n_parts++] = at;
		at += strcspn(at, "/");
	}
	return 0;
}

/* *ret_last is the place of the last '*', or -1. */
static bool fits(const struct visit *visit, const char *pattern, int *ret_last)
{
	size_t i = 0;

	*ret_last = -1;
	for (const char *p = pattern;; p++, i++) {
		size_t len = strcspn(p, "/");

		if (i == visit->n_parts)
			return false;
		if (len == 1 && *p == '*')
			*ret_last = (int)i;
		else if (strlen(visit->parts[i]) != len || memcmp(p, visit->parts[i], len) != 0)
			return false;
		p += len;
		if (!*p)
			return i + 1 == visit->n_parts;
	}
}

/* /noderange/X/nodes/n1/… is /nodes/n1/…. */
static void shorten(struct visit *visit)
{
	if (visit->n_parts < 4 || !text_eq(visit->parts[0], "noderange") ||
		!text_eq(visit->parts[2], "nodes"))
		return;
	memmove(visit->parts, visit->parts + 2, (visit->n_parts - 2) * sizeof(*visit->parts));
	visit->n_parts -= 2;
}

/* What the path names must be there. */
static bool enter(struct visit *visit, const struct row *row)
{
	char shown[TEXT_PRINTABLE_MAX];
	const struct db *db;
	struct err text;
	uint32_t found;

	visit->by_node = row->scope == RANGE;
	visit->listing = row->listing;
	if (row->scope != NODE && row->scope != GROUP)
		return true;
	db = visit_db(visit);
	if (!db)
		return false;
	text_printable(visit->scope, strlen(visit->scope), shown);
	if (row->scope == NODE && !db_node_find(db, visit->scope, &found)) {
		err_set(&text, 0, "Target not found - Invalid Node: ['nodes', '%s']", shown);
		visit_fail(visit, -ENOENT, text.text);
		return false;
	}
	if (row->scope == GROUP && !db_group_find(db, visit->scope, &found)) {
		err_set(&text, 0, "Target not found - Invalid nodegroup: %s not found", shown);
		visit_fail(visit, -ENOENT, text.text);
		return false;
	}
	return true;
}

static void refuse(struct visit *visit, const char *operation, bool known)
{
	char shown[TEXT_PRINTABLE_MAX];
	struct err text;
	bool top = false;

	for (size_t i = 0; i < ARRAY_SIZE(rows) && visit->n_parts > 0 && !top; i++) {
		const char *rest = text_after(rows[i].pattern, visit->parts[0]);

		top = rest && (!*rest || *rest == '/');
	}
	if (known) {
		err_set(&text, 0, "Bad Request - operation '%s' is not possible here",
			text_printable(operation, strlen(operation), shown));
		visit_fail(visit, -EINVAL, text.text);
	} else {
		visit_fail(visit, -ENOENT,
			top ? "Target not found - Invalid element requested" : "Target not found");
	}
}

static void dispatch(struct visit *visit, const char *operation)
{
	bool known = false;
	int last;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (!fits(visit, rows[i].pattern, &last))
			continue;
		known = true;
		if (!text_eq(rows[i].operation, operation))
			continue;
		visit->doing = rows[i].pattern;
		loop_doing(visit->resources->loop, visit->doing);
		visit->scope = last < 0 ? "" : visit->parts[last];
		if (enter(visit, &rows[i]))
			rows[i].serve(visit);
		return;
	}
	refuse(visit, operation, known);
}

/* ---- waiting for the database ---- */

static bool soon(const struct api_resources *resources)
{
	const struct api_database *database = resources->database;

	return database->soon && database->soon(database->arg);
}

static void on_begin(void *arg)
{
	struct visit *visit = arg;
	CLEANUP(freep) char *operation = TAKE(visit->operation);

	stop_waiting(visit);
	dispatch(visit, operation);
}

static void wait_for_database(struct visit *visit, const char *operation)
{
	struct loop *loop = visit->resources->loop;
	usec_t patience = visit->database->patience;

	visit->doing = "a request that has waited";
	visit->operation = xstrdup(operation);
	visit->begin = loop_patient_new(loop, on_begin, visit);
	visit->patience = loop_timer_new(loop, "request", on_begin, visit);
	loop_timer_after(visit->patience, patience ? patience : WAIT_MAX);
}

void api_resources_moved(struct api_resources *resources)
{
	struct visit *visit;

	if (soon(resources))
		return;
	list_foreach (visit, &resources->visits, link) {
		if (visit->begin)
			loop_defer_schedule(visit->begin);
	}
}

void api_resources_serve(struct api_resources *resources, struct api_request *req,
	const char *operation, const char *path, const json *parameters)
{
	static const struct api_request_hooks hooks = {
		.cancelled = on_cancelled, .drained = on_drained};
	struct visit *visit = xcalloc(1, sizeof(*visit));

	visit->resources = resources;
	visit->req = req;
	visit->database = resources->database;
	visit->parameters = parameters;
	visit->path = xstrdup(path);
	visit->scope = "";
	list_add_tail(&resources->visits, &visit->link);
	api_request_watch(req, &hooks, visit);
	if (split(visit) < 0) {
		visit_fail(visit, -ENOENT, "Target not found - Invalid element requested");
		return;
	}
	shorten(visit);
	if (soon(resources))
		wait_for_database(visit, operation);
	else
		dispatch(visit, operation);
}

struct loop *api_resources_loop(const struct api_resources *resources)
{
	return resources->loop;
}

struct api_resources *api_resources_new(struct loop *loop, const struct api_database *database)
{
	struct api_resources *resources = xcalloc(1, sizeof(*resources));

	resources->loop = loop;
	resources->database = database;
	list_init(&resources->visits);
	return resources;
}

void api_resources_free(struct api_resources *resources)
{
	struct visit *visit;

	if (!resources)
		return;
	while ((visit = list_first(&resources->visits, struct visit, link)))
		visit_done(visit);
	free(resources);
}
