/*
 * nodes and candidates: who looks after which nodes, and who may. Read from this member's copy.
 *
 *     {"operation":"nodes"}                     {"managers":[{"name":NAME or "","nodes":N,
 *                                                 "noderange":TEXT,"state":WORD,"draining":BOOL},…]}
 *     {"operation":"nodes","member":NAME}       {"nodes":[NAME,…]}
 *     {"operation":"nodes","unmanaged":true}    the same, of nodes without a manager
 *     {"operation":"candidates","noderange":TEXT}
 *                                               {"candidates":[{"node","candidates":[NAME,…] or null,
 *                                                 "available":[NAME,…],"manager","text","unknown",
 *                                                 "error"},…]}
 *
 * each in as many frames as it takes, then {"end":{…}}. What `nodes` tells is of one revision; what
 * `candidates` tells of a node is so when it is told.
 */
#include "config.h"
#include "command/command.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/server.h"
#include "app/agent.h"
#include "base/mem.h"
#include "base/text.h"
#include "command/commands.h"
#include "command/tell.h"
#include "core/roster.h"
#include "member/member.h"
#include "model/attribute.h"
#include "model/candidates.h"
#include "model/db.h"
#include "model/natsort.h"
#include "model/noderange.h"
#include "record/orders.h"

#define CATCH_UP 16 /* nodes in one go: one may take half a millisecond */

static const struct roster_member *valid_member(const struct agent *agent, const char *name)
{
	const struct roster_member *m = roster_find(member_roster(agent->member), name);

	return m && m->present && m->valid ? m : NULL;
}

/* ---- nodes ---- */

/* A manager: of a member, of a name that is no member's, or of nobody (""). */
struct manager {
	char *name;
	struct tell_names nodes;
};

struct nodes {
	struct command *cmd;
	struct tell *tell;
	bool caught_up;
	char *wanted; /* NULL: all of them */
	struct manager *managers;
	size_t n, room, at, at_node;
	struct tell_fold fold;
};

static void nodes_free(void *arg)
{
	struct nodes *w = arg;

	tell_free(w->tell);
	for (size_t i = 0; i < w->n; i++) {
		free(w->managers[i].name);
		tell_names_done(&w->managers[i].nodes);
	}
	free(w->managers);
	free(w->fold.text);
	free(w->wanted);
	free(w);
}

static void add_manager(
	struct nodes *w, const struct db *db, const char *name, const struct bitset *nodes)
{
	CLEANUP(freep) uint32_t *sorted = NULL;
	size_t n = nodes ? db_sorted(db, nodes, &sorted) : 0;
	struct manager *manager;

	if (w->n == w->room) {
		w->room = w->room * 2 + 16;
		w->managers = xrealloc(w->managers, w->room, sizeof(*w->managers));
	}
	manager = &w->managers[w->n++];
	manager->name = xstrdup(name);
	tell_names_of(&manager->nodes, db, sorted, n);
}

struct gathering {
	struct nodes *w;
	const struct db *db;
};

static bool gather(const char *name, const struct bitset *nodes, void *arg)
{
	struct gathering *g = arg;

	if (!bitset_empty(nodes) && !valid_member(g->w->cmd->agent, name))
		add_manager(g->w, g->db, name, nodes);
	return true;
}

/* Natural order, nobody last. */
static int compare_managers(const void *a, const void *b)
{
	const char *x = ((const struct manager *)a)->name, *y = ((const struct manager *)b)->name;

	if (!*x != !*y)
		return !*x ? 1 : -1;
	return natsort_compare(x, y);
}

/* All of them, as they are at this moment. */
static void take_all(struct nodes *w, const struct db *db)
{
	const struct roster *roster = member_roster(w->cmd->agent->member);
	const struct roster_member *members[ROSTER_MAX];
	struct gathering g = {w, db};
	unsigned n = roster_list(roster, 0, NULL, members, ROSTER_MAX);

	for (unsigned i = 0; i < MIN(n, ROSTER_MAX); i++)
		add_manager(w, db, members[i]->name, db_managed_by(db, members[i]->name));
	db_managed_each(db, gather, &g);
	qsort(w->managers, w->n, sizeof(*w->managers), compare_managers);
}

static int take(struct nodes *w, const struct db *db, struct err *err)
{
	char shown[TEXT_PRINTABLE_MAX];
	const struct bitset *nodes;

	if (!w->wanted) {
		take_all(w, db);
		return 0;
	}
	nodes = db_managed_by(db, w->wanted);
	if (*w->wanted && bitset_empty(nodes) && !valid_member(w->cmd->agent, w->wanted))
		return err_set(err, -ENOENT,
			"%s is no member of the collective, and no node's manager",
			text_printable(w->wanted, strlen(w->wanted), shown));
	add_manager(w, db, w->wanted, nodes);
	return 0;
}

/* What is told is as it was when it began. */
static int begin(struct nodes *w, struct err *err)
{
	const struct db *db = command_db(w->cmd, err);
	int rc;

	if (!db)
		return -ENOENT;
	if (!db_managed_catch_up(db, CATCH_UP))
		return -EAGAIN;
	rc = take(w, db, err);
	w->caught_up = rc == 0;
	return rc < 0 ? rc : -EAGAIN;
}

static int manager_row(json **ret, struct err *err, void *arg)
{
	struct nodes *w = arg;
	const struct roster_member *m;
	struct manager *manager;

	if (!w->caught_up)
		return begin(w, err);
	if (w->at == w->n)
		return 0;
	manager = &w->managers[w->at];
	if (!tell_fold(&w->fold, manager->nodes.at, manager->nodes.n))
		return -EAGAIN;
	m = valid_member(w->cmd->agent, manager->name);
	*ret = json_new_object();
	json_set_str(*ret, "name", manager->name);
	json_set_number(*ret, "nodes", (int64_t)manager->nodes.n);
	json_set_str(*ret, "noderange", w->fold.text);
	json_set_str(*ret, "state",
		!*manager->name ? "nobody"
		: !m		? "unknown"
		: m->is_active	? "online"
				: "offline");
	json_set_bool(
		*ret, "draining", m && orders_drain(w->cmd->agent->orders, manager->name) != NULL);
	free(w->fold.text);
	w->fold = (struct tell_fold){NULL};
	tell_names_done(&manager->nodes);
	w->at++;
	return 1;
}

static int node_row(json **ret, struct err *err, void *arg)
{
	struct nodes *w = arg;

	if (!w->caught_up)
		return begin(w, err);
	if (w->at_node == w->managers[0].nodes.n)
		return 0;
	*ret = json_new_str(w->managers[0].nodes.at[w->at_node++]);
	return 1;
}

static void nodes_end(void *arg)
{
	struct nodes *w = arg;
	json *end, *frame = command_end(w->cmd, &end);

	command_reply(w->cmd, frame);
}

static void nodes_go(struct command *cmd)
{
	static const struct tell_ops managers = {"managers", "nodes", manager_row, nodes_end};
	static const struct tell_ops nodes = {"nodes", "nodes", node_row, nodes_end};
	struct nodes *w = cmd->work;

	w->tell = tell_new(cmd, w);
	tell_rows(w->tell, w->wanted ? &nodes : &managers);
}

void command_nodes(struct commands *c, struct api_request *req, const json *message)
{
	struct err err = {""};
	const char *name;
	bool unmanaged;
	struct nodes *w;

	if (json_str_or(message, "member", NULL, &name, &err) < 0 ||
		json_bool_or(message, "unmanaged", false, &unmanaged, &err) < 0) {
		api_request_error(req, 400, err.text);
		return;
	}
	if (!command_needs_member(c, req))
		return;
	if (unmanaged && name) {
		api_request_error(req, 400, "'member' and 'unmanaged' exclude each other");
		return;
	}
	w = xcalloc(1, sizeof(*w));
	w->cmd = command_new(c, req);
	w->wanted = xstrdup_null(unmanaged ? "" : name);
	w->cmd->work = w;
	w->cmd->work_free = nodes_free;
	command_when_readable(w->cmd, nodes_go);
}

/* ---- candidates ---- */

struct who_may {
	struct command *cmd;
	struct tell *tell;
	char *noderange;
	struct tell_names nodes, members;
	size_t at;
	/* of the copy as it is now */
	struct candidates *cache;
	const struct db *db; /* never looked into */
	int64_t revision;
	const char *last_text; /* the same pointer for equal texts */
	struct buf unknown;    /* of that */
};

static void who_may_free(void *arg)
{
	struct who_may *w = arg;

	tell_free(w->tell);
	candidates_free(w->cache);
	tell_names_done(&w->nodes);
	tell_names_done(&w->members);
	buf_done(&w->unknown);
	free(w->noderange);
	free(w);
}

/* Those members that have a record, in natural order. */
static void take_members(struct who_may *w)
{
	const struct roster_member *members[ROSTER_MAX];
	const char *names[ROSTER_MAX];
	unsigned n =
		roster_list(member_roster(w->cmd->agent->member), 0, NULL, members, ROSTER_MAX);

	n = MIN(n, ROSTER_MAX);
	for (unsigned i = 0; i < n; i++)
		names[i] = members[i]->name;
	natsort_sort(names, n);
	tell_names_init(&w->members, names, n);
}

static void keep_up(struct who_may *w, const struct db *db)
{
	if (w->cache && w->db == db && w->revision == db_revision(db))
		return;
	candidates_free(w->cache);
	w->cache = candidates_new(db, w->members.at, w->members.n);
	w->db = db;
	w->revision = db_revision(db);
	w->last_text = NULL;
}

/* Names in the text that are no members'. */
static void tell_unknown(struct who_may *w, json *row, const char *text)
{
	CLEANUP(bitset_done) struct bitset set = BITSET_INIT;

	if (w->last_text != text) {
		buf_reset(&w->unknown);
		w->last_text = text;
		if (candidates_evaluate(
			    w->db, w->members.at, w->members.n, text, &set, &w->unknown, NULL) < 0)
			buf_reset(&w->unknown);
	}
	if (w->unknown.len)
		json_set_str(row, "unknown", buf_cstr(&w->unknown));
}

static void tell_members(struct who_may *w, json *row, const struct bitset *set)
{
	const struct agent *agent = w->cmd->agent;
	json *all = json_set(row, "candidates", json_new_array());
	json *available = json_set(row, "available", json_new_array());
	uint32_t i;

	bitset_foreach(i, set)
	{
		const char *name = w->members.at[i];
		const struct roster_member *m = valid_member(agent, name);

		json_add_str(all, name);
		if (m && m->is_active && !orders_drain(agent->orders, name))
			json_add_str(available, name);
	}
}

static int candidates_row(json **ret, struct err *err, void *arg)
{
	struct who_may *w = arg;
	const struct db *db = command_db(w->cmd, err);
	const char *text = "", *why = NULL;
	const struct bitset *set;
	uint32_t node;

	if (!db)
		return -ENOENT;
	if (w->at == w->nodes.n)
		return 0;
	if (!db_managed_catch_up(db, CATCH_UP))
		return -EAGAIN;
	if (!db_node_find(db, w->nodes.at[w->at++], &node))
		return -EAGAIN;
	keep_up(w, db);
	set = candidates_of(w->cache, node, &text, &why);
	*ret = json_new_object();
	json_set_str(*ret, "node", db_node_name(db, node));
	if (set)
		tell_members(w, *ret, set);
	else
		json_set_null(*ret, "candidates");
	json_set_str(*ret, "manager", db_managed_text(db, node));
	json_set_str(*ret, "text", text);
	if (why)
		json_set_str(*ret, "error", why);
	else if (set)
		tell_unknown(w, *ret, text);
	return 1;
}

static void candidates_end(void *arg)
{
	struct who_may *w = arg;
	json *end, *frame = command_end(w->cmd, &end);

	json_set_number(end, "nodes", (int64_t)w->nodes.n);
	command_reply(w->cmd, frame);
}

/* The message as upstream has it for nodes of a noderange. */
static int take_nodes(struct who_may *w, struct err *err)
{
	CLEANUP(bitset_done) struct bitset set = BITSET_INIT;
	CLEANUP(freep) uint32_t *sorted = NULL;
	const struct db *db = command_db(w->cmd, err);
	struct noderange_source source;
	struct err why = {""};
	size_t n;

	if (!db)
		return -ENOENT;
	source = db_noderange_source(db);
	if (noderange_evaluate(&source, w->noderange, &set, &why) < 0)
		return err_set(err, -ENOENT, "Target not found - Invalid Noderange: %s", why.text);
	n = db_sorted(db, &set, &sorted);
	tell_names_of(&w->nodes, db, sorted, n);
	return 0;
}

static void candidates_go(struct command *cmd)
{
	static const struct tell_ops ops = {
		"candidates", "candidates", candidates_row, candidates_end};
	struct who_may *w = cmd->work;
	struct err err = {""};

	if (take_nodes(w, &err) < 0) {
		command_fail(cmd, err.text);
		return;
	}
	take_members(w);
	w->tell = tell_new(cmd, w);
	tell_rows(w->tell, &ops);
}

void command_candidates(struct commands *c, struct api_request *req, const json *message)
{
	const char *noderange = command_argument(req, message, "noderange");
	struct who_may *w;

	if (!noderange || !command_needs_member(c, req))
		return;
	w = xcalloc(1, sizeof(*w));
	w->cmd = command_new(c, req);
	w->noderange = xstrdup(noderange);
	buf_init(&w->unknown, ATTRIBUTE_VALUE_MAX);
	w->cmd->work = w;
	w->cmd->work_free = who_may_free;
	command_when_readable(w->cmd, candidates_go);
}
