/*
 * What is worked out and not stored: expressions on nodes, and lists of nodes made short.
 */
#include "config.h"
#include "api/visit.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "model/db.h"
#include "model/noderange.h"

#define SYNTAX                                                                                     \
	"Bad Request - Bad confluent expression syntax (must use \"{{\" and \"}}\" if not "        \
	"desiring confluent expansion)"

static const char *expression(const struct visit *visit)
{
	return json_text(json_get(visit->parameters, "expression"));
}

static void emit_evaluated(struct visit *visit, const struct db *db, const char *name)
{
	struct buf text = BUF_INIT(ATTRIBUTE_VALUE_MAX);
	struct err err = {""};
	uint32_t node;

	if (db_node_find(db, name, &node) &&
		db_node_evaluate(db, node, expression(visit), &text, &err) == 0) {
		json *value = json_new_str(buf_cstr(&text));

		visit_reply_about(visit, name, "value", value);
	}
	buf_done(&text);
}

/* The first node on which it is broken tells why, before anything is sent. */
static bool evaluates(struct visit *visit, const struct db *db, const struct bitset *nodes)
{
	struct buf text = BUF_INIT(ATTRIBUTE_VALUE_MAX);
	struct err err = {""};
	uint32_t node;
	int rc = 0;

	if (bitset_next(nodes, 0, &node))
		rc = db_node_evaluate(db, node, expression(visit), &text, &err);
	buf_done(&text);
	if (rc == 0)
		return true;
	err_wrap(&err, -EINVAL, SYNTAX);
	visit_fail(visit, -EINVAL, err.text);
	return false;
}

void visit_evaluate(struct visit *visit)
{
	CLEANUP(bitset_done) struct bitset nodes = BITSET_INIT;
	const struct db *db;

	if (!expression(visit)) {
		visit_fail(visit, -EINVAL, "Bad Request - expression must be a text");
		return;
	}
	db = visit_db(visit);
	if (db && visit_nodes(visit, db, &nodes) && evaluates(visit, db, &nodes))
		visit_stream_nodes(visit, db, &nodes, emit_evaluated);
}

/* ---- abbreviation ---- */

/* The names of the parameter, a list or a comma text, new; NULL where it is neither. */
static const char **names_of(const json *nodes, char **ret_pool, size_t *ret_n)
{
	size_t n = json_count(nodes), at = 0;
	const char **names;
	const json *it;

	*ret_pool = NULL;
	if (json_text(nodes)) {
		char *p = *ret_pool = xstrdup(json_text(nodes));

		n = 1;
		for (const char *c = p; *c; c++)
			n += *c == ',';
		names = xcalloc(n + 1, sizeof(*names));
		for (char *name; (name = strsep(&p, ","));) {
			if (*name)
				names[at++] = name;
		}
		*ret_n = at;
		return names;
	}
	if (!json_is_array(nodes))
		return NULL;
	names = xcalloc(n + 1, sizeof(*names));
	json_foreach(it, nodes)
	{
		if (!json_text(it)) {
			free(names);
			return NULL;
		}
		names[at++] = json_text(it);
	}
	*ret_n = at;
	return names;
}

void visit_abbreviate(struct visit *visit)
{
	CLEANUP(freep) const char **names = NULL;
	CLEANUP(freep) char *pool = NULL, *text = NULL;
	CLEANUP(freep) struct noderange_group *groups = NULL;
	const struct db *db = visit_db(visit);
	struct noderange_source source;
	size_t n = 0, n_groups;
	json *frame;

	if (!db)
		return;
	names = names_of(json_get(visit->parameters, "nodes"), &pool, &n);
	if (!names) {
		visit_fail(visit, -EINVAL,
			"Bad Request - Must be given list of nodes under key named nodes");
		return;
	}
	source = db_noderange_source(db);
	n_groups = db_noderange_groups(db, &groups);
	text = noderange_abbreviate_names(&source, names, n, groups, n_groups);
	frame = json_new_object();
	json_set_str(frame, "noderange", text);
	visit_reply(visit, frame);
	visit_done(visit);
}
