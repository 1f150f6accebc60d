/*
 * The happy path: the index of managers is brought up to date, a slice at a time; then, in one turn, the
 * members are listed with how many nodes each has, and the nodes that matter are put into natural order;
 * these are given to the planner, a slice at a time; then it evens out, where that is wanted.
 */
#include "config.h"
#include "app/survey.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "app/agent.h"
#include "base/bitset.h"
#include "base/mem.h"
#include "base/text.h"
#include "conf/conf.h"
#include "copy/replica.h"
#include "core/roster.h"
#include "io/loop.h"
#include "member/member.h"
#include "model/candidates.h"
#include "model/db.h"
#include "model/move.h"
#include "model/natsort.h"
#include "record/history.h"
#include "record/orders.h"

#define SLICE	 (4 * USEC_PER_MSEC)
#define CATCH_UP 16 /* nodes between two looks at the clock: one may take half a millisecond */

/* A node that does not simply stay. */
struct finding {
	uint32_t node, manager;
	enum planner_verdict verdict;
};

struct survey {
	struct agent *agent;
	struct survey_options options;
	char **without;
	char *drain;
	survey_done_fn *done;
	void *arg;
	struct loop_defer *slice;
	usec_t began, took;

	/* the picture under way */
	const struct db *db; /* NULL: to begin */
	int64_t revision;
	struct planner_member *members;
	const char **names; /* of them, for the candidates */
	uint32_t n, n_real, room;
	bool crowded;	       /* there are members that are not among them */
	struct bitset looked;  /* nodes that matter */
	uint32_t *manager_of;  /* by node */
	uint32_t *sorted;      /* the nodes that matter, in natural order */
	size_t n_sorted, next; /* next: to be given to the planner */
	struct planner *planner;

	/* the nodes' candidates, as of one revision */
	struct candidates *candidates;
	int64_t candidates_revision;
	const struct bitset *last_set;
	uint32_t last_number;

	/* results */
	char *text; /* names, one behind the other */
	size_t text_len, text_room;
	size_t *name_at; /* by node, 1 more than where its name begins; 0: it was not looked at */
	uint32_t n_nodes;
	struct finding *findings;
	size_t n_findings;
	size_t n_odd;
	char *odd;
};

/* ---- beginning, and beginning anew ---- */

static void clear(struct survey *s)
{
	for (uint32_t i = 0; i < s->n; i++)
		free((char *)s->names[i]);
	free(TAKE(s->members));
	free(TAKE(s->names));
	s->n = s->n_real = s->room = 0;
	bitset_reset(&s->looked);
	free(TAKE(s->manager_of));
	free(TAKE(s->sorted));
	planner_free(TAKE(s->planner));
	candidates_free(TAKE(s->candidates));
	s->last_set = NULL;
	free(TAKE(s->text));
	s->text_len = s->text_room = 0;
	free(TAKE(s->name_at));
	free(TAKE(s->findings));
	s->n_findings = s->n_odd = 0;
	free(TAKE(s->odd));
	s->db = NULL;
}

static void finish(struct survey *s, int rc, const char *why)
{
	s->took = loop_now(s->agent->loop) - s->began;
	candidates_free(TAKE(s->candidates));
	s->done(rc, why, s, s->arg);
}

static int by_name(const struct roster_member *a, const struct roster_member *b)
{
	return natsort_compare(a->name, b->name);
}

static bool is_without(const struct survey *s, const char *name)
{
	for (size_t i = 0; i < s->options.n_without; i++) {
		if (text_eq(s->without[i], name))
			return true;
	}
	return false;
}

static struct planner_member *add_member(struct survey *s, const char *name)
{
	if (s->n == s->room) {
		s->room = MAX(s->room * 2, 16u);
		s->members = xrealloc(s->members, s->room, sizeof(*s->members));
		s->names = xrealloc(s->names, s->room, sizeof(*s->names));
	}
	s->names[s->n] = xstrdup(name);
	s->members[s->n] = (struct planner_member){.name = s->names[s->n]};
	return &s->members[s->n++];
}

static void add_members(struct survey *s)
{
	const struct agent *agent = s->agent;
	CLEANUP(freep) const struct roster_member **list = xcalloc(ROSTER_MAX, sizeof(*list));
	unsigned n = roster_list(member_roster(agent->member), 0, by_name, list, ROSTER_MAX);

	for (unsigned i = 0; i < MIN(n, (unsigned)ROSTER_MAX); i++) {
		const char *name = list[i]->name;
		bool without = is_without(s, name);
		struct planner_member *m = add_member(s, name);
		int64_t moved_rev;

		m->active = list[i]->is_active && !without;
		m->moved_at = history_moved_at(agent->history, name, &moved_rev);
		m->gone_since = without ? 0 : roster_gone_since(list[i], m->moved_at, moved_rev);
		m->draining = orders_drain(agent->orders, name) || text_eq(s->drain, name);
		m->never_seen = !m->active && !list[i]->was_seen && !without;
	}
	s->n_real = s->n;
}

static int unknown(struct err *err, const char *name)
{
	return err_set(err, -ENOENT, "%s is not a recognized collective member", name);
}

static int check_names(const struct survey *s, struct err *err)
{
	if (s->drain && survey_member(s, s->drain) >= s->n_real)
		return unknown(err, s->drain);
	for (size_t i = 0; i < s->options.n_without; i++) {
		if (survey_member(s, s->without[i]) >= s->n_real)
			return unknown(err, s->without[i]);
	}
	return 0;
}

/* Of a member; PLANNER_NOBODY: it is none. They are in natural order, and come first. */
static uint32_t member_place(const struct survey *s, const char *name)
{
	uint32_t low = 0, high = s->n_real;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		int order = natsort_compare(s->names[middle], name);

		if (order == 0)
			return middle;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return PLANNER_NOBODY;
}

/* The nodes of one manager, in one pass: there may be as many managers as nodes. A name of no member is
 * added; where it may be a member's that the roster has no room for, as one that is there. */
static bool on_managed(const char *manager, const struct bitset *nodes, void *arg)
{
	struct survey *s = arg;
	uint32_t place = PLANNER_NOBODY;
	const struct planner_member *m;
	size_t n = 0;
	bool look = s->options.every_node;
	uint32_t it;

	if (*manager) {
		place = member_place(s, manager);
		if (place == PLANNER_NOBODY) {
			place = s->n;
			add_member(s, manager)->active = s->crowded;
		}
		m = &s->members[place];
		look |= !m->active || m->draining;
	}
	bitset_foreach(it, nodes)
	{
		n++;
		if (look)
			bitset_add(&s->looked, it);
		if (it < s->n_nodes)
			s->manager_of[it] = place;
	}
	if (place != PLANNER_NOBODY)
		s->members[place].nodes = n;
	return true;
}

static uint32_t nodes_end(const struct db *db)
{
	const struct bitset *all = db_nodes(db);

	return (uint32_t)MIN(all->n * 64, (size_t)BITSET_MAX);
}

static int begin(struct survey *s, struct err *err)
{
	const struct conf *conf = s->agent->conf;
	struct planner_config config = {.now = loop_now(s->agent->loop)};
	int rc;

	s->revision = db_revision(s->db);
	s->crowded = roster_crowded(member_roster(s->agent->member));
	add_members(s);
	rc = check_names(s, err);
	if (rc < 0)
		return rc;
	s->n_nodes = nodes_end(s->db);
	s->manager_of = xcalloc((size_t)s->n_nodes + 1, sizeof(*s->manager_of));
	s->name_at = xcalloc((size_t)s->n_nodes + 1, sizeof(*s->name_at));
	for (uint32_t i = 0; i < s->n_nodes; i++)
		s->manager_of[i] = PLANNER_NOBODY;
	db_managed_each(s->db, on_managed, s);
	s->n_sorted = db_sorted(s->db, &s->looked, &s->sorted);
	s->next = 0;
	s->findings = xcalloc(s->n_sorted + 1, sizeof(*s->findings));
	config.members = s->members;
	config.n = s->n;
	config.delay = s->options.at_once ? 0 : usec_max(conf->failover.delay, PLANNER_DELAY_MIN);
	config.hold_down = s->options.at_once ? 0 : conf->failover.hold_down;
	config.start_delay = s->options.at_once ? 0 : conf->failover.start_delay;
	s->planner = planner_new(&config);
	return 0;
}

/* ---- the nodes ---- */

static void keep_name(struct survey *s, uint32_t node, const char *name)
{
	size_t len = strlen(name) + 1;

	if (s->text_len + len > s->text_room) {
		s->text_room = MAX(s->text_room * 2, s->text_len + len + 4096);
		s->text = xrealloc(s->text, s->text_room, 1);
	}
	memcpy(s->text + s->text_len, name, len);
	s->name_at[node] = s->text_len + 1;
	s->text_len += len;
}

/* node "": why says which one it is. */
static void note_odd(struct survey *s, const char *node, const char *why)
{
	if (s->n_odd++ == 0)
		s->odd = *node ? xasprintf("collective.managercandidates of %s: %s", node, why)
			       : xstrdup(why);
}

/* One that no transaction can move is as good as one without candidates: nothing waits for it. */
static bool can_be_moved(struct survey *s, uint32_t node)
{
	struct err err = {""};

	if (move_compares(s->db, node, NULL, NULL, &err) == 0)
		return true;
	note_odd(s, "", err.text);
	return false;
}

static uint32_t set_of(struct survey *s, uint32_t node, const char *name)
{
	const char *why = NULL;
	const struct bitset *set;

	if (!s->candidates || s->candidates_revision != db_revision(s->db)) {
		candidates_free(s->candidates);
		s->candidates = candidates_new(s->db, s->names, s->n_real);
		s->candidates_revision = db_revision(s->db);
		s->last_set = NULL;
	}
	set = candidates_of(s->candidates, node, NULL, &why);
	if (why)
		note_odd(s, name, why);
	if (!set || !can_be_moved(s, node))
		return PLANNER_NONE;
	if (set != s->last_set) {
		s->last_number = planner_set(s->planner, set);
		s->last_set = set;
	}
	return s->last_number;
}

static void add_node(struct survey *s, uint32_t node)
{
	uint32_t manager = s->manager_of[node];
	enum planner_verdict verdict;
	const char *name;
	bool fixed;

	/* it has gone meanwhile */
	if (!bitset_has(db_nodes(s->db), node))
		return;
	name = db_node_name(s->db, node);
	keep_name(s, node, name);
	fixed = manager == PLANNER_NOBODY || (s->crowded && manager >= s->n_real);
	verdict = planner_add(
		s->planner, node, manager, fixed ? PLANNER_NONE : set_of(s, node, name));
	if (verdict != PLANNER_STAYS)
		s->findings[s->n_findings++] = (struct finding){node, manager, verdict};
}

/* ---- slices ---- */

static bool out_of_time(const struct survey *s, usec_t since)
{
	return loop_now(s->agent->loop) - since >= SLICE;
}

static void go_on(struct survey *s, usec_t since)
{
	/* candidates may take a millisecond to work out */
	while (s->next < s->n_sorted && !out_of_time(s, since))
		add_node(s, s->sorted[s->next++]);
	if (s->next < s->n_sorted) {
		loop_defer_schedule(s->slice);
		return;
	}
	while (s->options.balance && !planner_balance(s->planner, s->options.max_moves)) {
		if (out_of_time(s, since)) {
			loop_defer_schedule(s->slice);
			return;
		}
	}
	finish(s, 0, "");
}

static void on_slice(void *arg)
{
	struct survey *s = arg;
	const struct agent *agent = s->agent;
	const struct db *db = agent->member ? replica_db(member_replica(agent->member)) : NULL;
	usec_t since = loop_now(agent->loop);
	struct err err = {""};
	int rc;

	loop_doing(agent->loop, "survey");
	if (!db || !roster_complete(member_roster(agent->member))) {
		finish(s, -ENODATA, "the database is not loaded yet");
		return;
	}
	if (s->db && s->db != db)
		clear(s);
	if (s->db) {
		go_on(s, since);
		return;
	}
	while (!db_managed_catch_up(db, CATCH_UP)) {
		if (out_of_time(s, since)) {
			loop_defer_schedule(s->slice);
			return;
		}
	}
	s->db = db;
	rc = begin(s, &err);
	if (rc < 0)
		finish(s, rc, err.text);
	else
		loop_defer_schedule(s->slice);
}

/* ---- life ---- */

struct survey *survey_new(
	struct agent *agent, const struct survey_options *options, survey_done_fn *done, void *arg)
{
	struct survey *s = xcalloc(1, sizeof(*s));

	s->agent = agent;
	s->options = *options;
	s->options.every_node = options->every_node || options->balance;
	s->options.max_moves = options->max_moves ? options->max_moves : SIZE_MAX;
	s->without = xcalloc(options->n_without + 1, sizeof(*s->without));
	for (size_t i = 0; i < options->n_without; i++)
		s->without[i] = xstrdup(options->without[i]);
	s->drain = xstrdup_null(options->drain);
	s->done = done;
	s->arg = arg;
	s->began = loop_now(agent->loop);
	s->slice = options->urgent ? loop_defer_new(agent->loop, on_slice, s)
				   : loop_patient_new(agent->loop, on_slice, s);
	loop_defer_schedule(s->slice);
	return s;
}

void survey_free(struct survey *s)
{
	if (!s)
		return;
	clear(s);
	bitset_done(&s->looked);
	for (size_t i = 0; i < s->options.n_without; i++)
		free(s->without[i]);
	free(s->without);
	free(s->drain);
	loop_defer_free(s->slice);
	free(s);
}

/* ---- results ---- */

const struct planner *survey_planner(const struct survey *s)
{
	return s->planner;
}

uint32_t survey_member(const struct survey *s, const char *name)
{
	for (uint32_t i = 0; i < s->n; i++) {
		if (text_eq(s->names[i], name))
			return i;
	}
	return PLANNER_NOBODY;
}

uint32_t survey_members(const struct survey *s)
{
	return s->n;
}

uint32_t survey_real_members(const struct survey *s)
{
	return s->n_real;
}

size_t survey_nodes(const struct survey *s, enum planner_verdict verdict, uint32_t manager,
	const char *const **ret)
{
	const char **list = xcalloc(s->n_findings + 1, sizeof(*list));
	size_t n = 0;

	for (size_t i = 0; i < s->n_findings; i++) {
		const struct finding *f = &s->findings[i];

		if (f->verdict == verdict && (manager == PLANNER_NOBODY || f->manager == manager))
			list[n++] = survey_node_name(s, f->node);
	}
	*ret = (const char *const *)list;
	return n;
}

const char *survey_node_name(const struct survey *s, uint32_t node)
{
	return node < s->n_nodes && s->name_at[node] ? s->text + s->name_at[node] - 1 : "";
}

size_t survey_odd(const struct survey *s, const char **ret)
{
	*ret = s->odd ? s->odd : "";
	return s->n_odd;
}

int64_t survey_revision(const struct survey *s)
{
	return s->revision;
}

usec_t survey_took(const struct survey *s)
{
	return s->took;
}
