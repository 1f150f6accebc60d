/*
 * Candidates are a noderange over members: a source whose numbers are places of members, and one more
 * number, `nowhere`, for every node that is none. So operators, groups and filters mean what they do
 * elsewhere, and no text costs more than the members and the names in it.
 *
 * What can go wrong: the text (said with its place), an expression that is broken, and ceilings.
 */
#include "config.h"
#include "model/candidates.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/name.h"
#include "base/text.h"
#include "model/db_private.h"
#include "model/natsort.h"
#include "model/noderange.h"

#define ATTRIBUTE "collective.managercandidates"

#define UNKNOWN_BYTES_MAX (CANDIDATES_UNKNOWN_MAX * (NAME_MAX_LEN + 1))

/* ---- the members ---- */

struct named {
	const char *name;
	uint32_t place;
};

struct members {
	const char *const *names;
	uint32_t n;
	struct named *by_name; /* in code point order */
	uint32_t *ranks;       /* natural order by place, `nowhere` last */
};

static int compare_named(const void *a, const void *b)
{
	return strcmp(((const struct named *)a)->name, ((const struct named *)b)->name);
}

static int compare_naturally(const void *a, const void *b)
{
	return natsort_compare(((const struct named *)a)->name, ((const struct named *)b)->name);
}

static void members_init(struct members *members, const char *const *names, size_t n)
{
	*members = (struct members){.names = names, .n = (uint32_t)MIN(n, (size_t)BITSET_MAX - 1)};
	members->by_name = xcalloc((size_t)members->n + 1, sizeof(*members->by_name));
	members->ranks = xcalloc((size_t)members->n + 1, sizeof(*members->ranks));
	for (uint32_t i = 0; i < members->n; i++)
		members->by_name[i] = (struct named){names[i], i};
	qsort(members->by_name, members->n, sizeof(*members->by_name), compare_naturally);
	for (uint32_t i = 0; i < members->n; i++)
		members->ranks[members->by_name[i].place] = i;
	members->ranks[members->n] = members->n;
	qsort(members->by_name, members->n, sizeof(*members->by_name), compare_named);
}

static void members_done(struct members *members)
{
	free(members->by_name);
	free(members->ranks);
}

static bool member_find(const struct members *members, const char *name, uint32_t *ret)
{
	const struct named key = {.name = name};
	const struct named *found = bsearch(
		&key, members->by_name, members->n, sizeof(*members->by_name), compare_named);

	if (found)
		*ret = found->place;
	return found != NULL;
}

/* ---- the source ---- */

#define UNKNOWN_PLACES ((size_t)2 * CANDIDATES_UNKNOWN_MAX)

struct unknown {
	struct buf names; /* comma separated */
	size_t n;
	struct place {
		uint32_t at, len; /* in names; len 0: there is none */
	} places[UNKNOWN_PLACES]; /* by hash */
};

#define UNKNOWN_INIT                                                                               \
	{                                                                                          \
		.names = BUF_INIT(UNKNOWN_BYTES_MAX)                                               \
	}

#define NO_NODE UINT32_MAX

struct scope {
	const struct db *db;
	const struct members *members;
	uint32_t *nodes;		  /* their numbers, or NO_NODE, by place */
	struct noderange_source database; /* as one */
	struct bitset all;		  /* places of members */
	struct unknown *unknown;
};

static bool find_node(const void *arg, const char *name, uint32_t *ret)
{
	const struct scope *scope = arg;
	uint32_t node;

	if (member_find(scope->members, name, ret))
		return true;
	*ret = scope->members->n; /* nowhere */
	return db_node_find(scope->db, name, &node);
}

static bool find_group(
	const void *arg, const char *name, struct bitset *members, const char **noderange)
{
	const struct scope *scope = arg;
	const struct bitset *nodes;
	uint32_t group;

	if (!db_group_find(scope->db, name, &group))
		return false;
	nodes = db_group_members(scope->db, group);
	for (uint32_t i = 0; i < scope->members->n; i++) {
		if (scope->nodes[i] != NO_NODE && bitset_has(nodes, scope->nodes[i]))
			bitset_add(members, i);
	}
	*noderange = db_group_noderange(scope->db, group);
	return true;
}

static const struct bitset *all_members(const void *arg)
{
	return &((const struct scope *)arg)->all;
}

static const char *name_of(const void *arg, uint32_t place)
{
	const struct members *members = ((const struct scope *)arg)->members;

	return place < members->n ? members->names[place] : "";
}

static const uint32_t *ranks_of(const void *arg)
{
	return ((const struct scope *)arg)->members->ranks;
}

static int may_filter(const void *arg, const char *name, struct err *err)
{
	const struct scope *scope = arg;

	return scope->database.may_filter(scope->database.arg, name, err);
}

/* A member that is no node has nothing set. */
static bool some_value(const void *arg, uint32_t place, const char *name,
	bool (*fn)(const char *value, void *fn_arg), void *fn_arg, uint64_t *spent)
{
	const struct scope *scope = arg;

	if (place >= scope->members->n || scope->nodes[place] == NO_NODE)
		return false;
	return scope->database.some_value(
		scope->database.arg, scope->nodes[place], name, fn, fn_arg, spent);
}

/* Where the name is, or belongs. */
static struct place *place_of(const struct scope *scope, const char *name, size_t len)
{
	struct unknown *unknown = scope->unknown;
	size_t i = (size_t)db_hash(scope->db, name, len) % UNKNOWN_PLACES;

	for (; unknown->places[i].len; i = (i + 1) % UNKNOWN_PLACES) {
		const struct place *place = &unknown->places[i];

		if (place->len == len && memcmp(unknown->names.data + place->at, name, len) == 0)
			break;
	}
	return &unknown->places[i];
}

static bool missing(const void *arg, const char *name)
{
	const struct scope *scope = arg;
	struct unknown *unknown = scope->unknown;
	size_t len = strlen(name);
	struct place *place;

	if (!name_valid(name))
		return false;
	place = place_of(scope, name, len);
	if (place->len)
		return true;
	if (unknown->n == CANDIDATES_UNKNOWN_MAX ||
		buf_printf(&unknown->names, "%s%s", unknown->n ? "," : "", name) < 0)
		return false;
	unknown->n++;
	*place = (struct place){(uint32_t)(unknown->names.len - len), (uint32_t)len};
	return true;
}

static int too_long(size_t len, struct err *err)
{
	return err_set(err, -EINVAL,
		"candidates are a text of %zu bytes, at most %d are accepted: name a group of "
		"nodes that are called as the members are",
		len, CANDIDATES_TEXT_MAX);
}

static int evaluate(const struct db *db, const struct members *members, const char *text,
	struct bitset *ret, struct unknown *unknown, struct err *err)
{
	CLEANUP(freep) uint32_t *nodes = xcalloc((size_t)members->n + 1, sizeof(*nodes));
	struct scope scope = {.db = db,
		.members = members,
		.nodes = nodes,
		.database = db_noderange_source(db),
		.unknown = unknown};
	const struct noderange_source source = {.node = find_node,
		.group = find_group,
		.all = all_members,
		.name = name_of,
		.ranks = ranks_of,
		.may_filter = may_filter,
		.some_value = some_value,
		.missing = missing,
		.names_max = CANDIDATES_NAMES_MAX,
		.work_max = CANDIDATES_WORK_MAX,
		.arg = &scope};
	char shown[TEXT_PRINTABLE_MAX];
	size_t len = strlen(text);
	int rc;

	bitset_reset(ret);
	if (len > CANDIDATES_TEXT_MAX)
		return too_long(len, err);
	for (uint32_t i = 0; i < members->n; i++) {
		bitset_add(&scope.all, i);
		if (!db_node_find(db, members->names[i], &nodes[i]))
			nodes[i] = NO_NODE;
	}
	rc = noderange_evaluate(&source, text, ret, err);
	bitset_done(&scope.all);
	if (rc < 0)
		return err_wrap(err, rc, "candidates '%s'", text_printable(text, len, shown));
	bitset_remove(ret, members->n);
	return 0;
}

int candidates_evaluate(const struct db *db, const char *const *names, size_t n, const char *text,
	struct bitset *ret, struct buf *unknown, struct err *err)
{
	struct unknown found = UNKNOWN_INIT;
	struct members members;
	int rc;

	members_init(&members, names, n);
	rc = evaluate(db, &members, text, ret, &found, err);
	members_done(&members);
	if (unknown) {
		buf_reset(unknown);
		if (rc == 0 && buf_str(unknown, buf_cstr(&found.names)) < 0)
			buf_reset(unknown);
	}
	buf_done(&found.names);
	return rc;
}

/* ---- the node's text ---- */

static bool blank(const char *text)
{
	return text[strspn(text, " \t\r\n")] == '\0';
}

int candidates_text(const struct db *db, uint32_t node, struct buf *out, struct err *err)
{
	struct db_value value;
	int rc;

	buf_reset(out);
	if (!db_node_value(db, node, ATTRIBUTE, &value))
		return 0;
	rc = db_node_text(db, node, &value, out, err);
	if (rc < 0)
		return err_wrap(err, -EINVAL, ATTRIBUTE);
	return !blank(buf_cstr(out));
}

/* ---- the cache ---- */

struct entry {
	struct table_link link;
	struct bitset set;
	char *unknown; /* NULL: every name is known */
	char *why;     /* it can't be used */
	size_t len;
	bool broken; /* text is the reason why an expression is, and nobody's candidates */
	char text[];
};

struct candidates {
	const struct db *db;
	struct members members;
	struct table entries;
	size_t bytes;
	struct buf text;
};

static const char too_many[] =
	"candidates are too many different texts: they need more than 64 MiB";

struct candidates *candidates_new(const struct db *db, const char *const *names, size_t n)
{
	struct candidates *c = xcalloc(1, sizeof(*c));

	c->db = db;
	members_init(&c->members, names, n);
	buf_init(&c->text, ATTRIBUTE_VALUE_MAX);
	return c;
}

static void entry_free(struct entry *entry)
{
	bitset_done(&entry->set);
	free(entry->unknown);
	free(entry->why);
	free(entry);
}

void candidates_free(struct candidates *c)
{
	struct table_link *link;

	if (!c)
		return;
	link = table_each(&c->entries, NULL);
	while (link) {
		struct entry *entry = table_entry(link, struct entry, link);

		link = table_each(&c->entries, link);
		entry_free(entry);
	}
	table_done(&c->entries);
	members_done(&c->members);
	buf_done(&c->text);
	free(c);
}

static struct entry *entry_find(
	const struct candidates *c, const char *text, size_t len, uint64_t hash, bool broken)
{
	struct table_link *link = table_first(&c->entries, hash);

	for (; link; link = table_next(link)) {
		struct entry *entry = table_entry(link, struct entry, link);

		if (entry->broken == broken && entry->len == len &&
			memcmp(entry->text, text, len) == 0)
			return entry;
	}
	return NULL;
}

static void entry_fill(struct candidates *c, struct entry *entry)
{
	struct unknown unknown = UNKNOWN_INIT;
	struct err err = {""};

	if (evaluate(c->db, &c->members, entry->text, &entry->set, &unknown, &err) < 0)
		entry->why = xstrdup(err.text);
	else if (unknown.n > 0)
		entry->unknown = xstrdup(buf_cstr(&unknown.names));
	buf_done(&unknown.names);
}

/* NULL: there are too many. */
static struct entry *entry_get(struct candidates *c, const char *text, size_t len, bool broken)
{
	uint64_t hash = db_hash(c->db, text, len);
	struct entry *entry = entry_find(c, text, len, hash, broken);

	if (entry)
		return entry;
	c->bytes += sizeof(*entry) + len + 1 + c->members.n / 8;
	if (c->bytes > CANDIDATES_CACHE_MAX)
		return NULL;
	entry = xcalloc(1, sizeof(*entry) + len + 1);
	memcpy(entry->text, text, len);
	entry->len = len;
	entry->broken = broken;
	if (!broken)
		entry_fill(c, entry);
	table_add(&c->entries, &entry->link, hash);
	return entry;
}

const struct bitset *candidates_of(
	struct candidates *c, uint32_t node, const char **ret_text, const char **why)
{
	struct err err = {""};
	const char *reason = NULL, *text = "";
	const struct bitset *set = NULL;
	struct entry *entry;
	int rc = candidates_text(c->db, node, &c->text, &err);

	if (rc > 0 && c->text.len > CANDIDATES_TEXT_MAX)
		rc = too_long(c->text.len, &err);
	if (rc < 0) {
		entry = entry_get(c, err.text, strlen(err.text), true);
		reason = entry ? entry->text : too_many;
	} else if (rc > 0) {
		entry = entry_get(c, buf_cstr(&c->text), c->text.len, false);
		reason = entry ? entry->why : too_many;
		text = entry ? entry->text : "";
		set = reason ? NULL : &entry->set;
	}
	if (ret_text)
		*ret_text = text;
	if (why)
		*why = reason;
	return set;
}

const char *candidates_unknown(const struct candidates *c, const char *text)
{
	size_t len = strlen(text);
	const struct entry *entry = entry_find(c, text, len, db_hash(c->db, text, len), false);

	return entry && entry->unknown ? entry->unknown : "";
}
