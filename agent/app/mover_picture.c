/*
 * What the last survey has shown, kept for people: how many nodes nobody looks after, whose they are, and
 * some of their names.
 */
#include "config.h"
#include "app/mover_private.h"

#include <stdlib.h>

#include "app/agent.h"
#include "app/survey.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/name.h"
#include "base/text.h"
#include "copy/replica.h"
#include "core/roster.h"
#include "io/loop.h"
#include "log/report.h"
#include "member/member.h"
#include "model/db.h"
#include "model/natsort.h"
#include "record/orders.h"

#define ORPHANS_MAX 100 /* names that are kept */
#define ROWS_MAX    (ROSTER_MAX + 100)
/* For an answer that is given at once: nodes between two looks at the clock. */
#define CATCH_UP      16
#define CATCH_UP_TIME (4 * USEC_PER_MSEC)

/* Of one manager that is not there. */
struct mover_row {
	char *name;
	size_t nodes, orphaned, fixed, waiting, kept;
};

void mover_picture_done(struct mover *m)
{
	for (size_t i = 0; i < m->n_rows; i++)
		free(m->rows[i].name);
	for (size_t i = 0; i < m->n_orphans; i++)
		free(m->orphans[i]);
	free(TAKE(m->rows));
	free(TAKE(m->orphans));
	m->n_rows = m->n_orphans = 0;
}

static void take_rows(struct mover *m, const struct survey *survey)
{
	const struct planner *planner = survey_planner(survey);
	uint32_t n = survey_members(survey);

	m->rows = xcalloc(MIN(n, (uint32_t)ROWS_MAX) + 1, sizeof(*m->rows));
	for (uint32_t i = 0; i < n && m->n_rows < ROWS_MAX; i++) {
		const struct planner_member *member = planner_member(planner, i);
		struct mover_row *row = &m->rows[m->n_rows];

		if (!name_valid(member->name))
			continue;
		m->n_rows++;
		row->name = xstrdup(member->name);
		row->nodes = member->nodes;
		row->orphaned = planner_count(planner, i, PLANNER_ORPHANED);
		row->fixed = planner_count(planner, i, PLANNER_FIXED);
		row->waiting = planner_count(planner, i, PLANNER_WAITS);
		row->kept = planner_count(planner, i, PLANNER_KEPT);
	}
}

static void take_orphans(struct mover *m, const struct survey *survey)
{
	CLEANUP(freep) const char *const *names = NULL;
	size_t n = survey_nodes(survey, PLANNER_ORPHANED, PLANNER_NOBODY, &names);

	m->n_orphans = MIN(n, (size_t)ORPHANS_MAX);
	m->orphans = xcalloc(m->n_orphans + 1, sizeof(*m->orphans));
	for (size_t i = 0; i < m->n_orphans; i++)
		m->orphans[i] = xstrdup(names[i]);
}

void mover_picture_take(struct mover *m, const struct survey *survey)
{
	const struct planner *planner = survey_planner(survey);
	uint32_t all = survey_members(survey);

	mover_picture_done(m);
	m->looked_at = loop_now(m->agent->loop);
	m->look_cost = survey_took(survey);
	m->counts.known = true;
	m->counts.orphaned = planner_count(planner, all, PLANNER_ORPHANED);
	m->counts.fixed = planner_count(planner, all, PLANNER_FIXED);
	m->counts.waiting = planner_count(planner, all, PLANNER_WAITS);
	m->counts.alone = 0;
	for (uint32_t i = 0; i < all; i++) {
		if (!planner_member(planner, i)->active)
			m->counts.alone += planner_count(planner, i, PLANNER_FIXED);
	}
	take_rows(m, survey);
	take_orphans(m, survey);
}

void mover_counts(const struct mover *m, struct mover_counts *ret)
{
	*ret = m->counts;
}

/* ---- to the log ---- */

static void tell_orphans(struct mover *m)
{
	CLEANUP(freep) char *text = NULL;
	struct buf names = BUF_INIT(512);
	int rc = 0;

	for (size_t i = 0; i < m->n_orphans && rc == 0; i++)
		rc = buf_printf(&names, "%s%s", i ? ", " : "", m->orphans[i]);
	if (m->counts.orphaned == 0)
		text = xstrdup("no node is orphaned any more");
	else
		text = xasprintf("%zu %s orphaned, neither the manager nor any candidate is there: "
				 "%s%s",
			m->counts.orphaned, m->counts.orphaned == 1 ? "node is" : "nodes are",
			buf_cstr(&names), rc < 0 || m->counts.orphaned > m->n_orphans ? ", …" : "");
	buf_done(&names);
	report_change(m->orphans_report, m->counts.orphaned > 0, text);
	m->told_orphans = m->counts.orphaned;
}

static void tell_odd(struct mover *m, const struct survey *survey)
{
	CLEANUP(freep) char *text = NULL;
	const char *first;
	size_t n = survey_odd(survey, &first);

	if (n == m->n_odd)
		return;
	m->n_odd = n;
	text = n == 0 ? xstrdup("all candidates can be used again")
		      : xasprintf("%s%s", first,
				n == 1 ? "" : " (and others, whose candidates can't be used)");
	report_change(m->odd_report, n > 0, text);
}

void mover_picture_log(struct mover *m, const struct survey *survey)
{
	if (m->counts.orphaned != m->told_orphans)
		tell_orphans(m);
	tell_odd(m, survey);
}

/* ---- to people ---- */

static void tell_row(const struct mover *m, const struct db *db, json *list, const char *name)
{
	const struct agent *agent = m->agent;
	const struct roster_member *member = roster_find(member_roster(agent->member), name);
	bool is_member = member && member->valid;
	json *one = json_add(list, json_new_object());

	json_set_str(one, "name", name);
	json_set_number(one, "nodes", (int64_t)db_managed_count(db, name));
	json_set_str(one, "state",
		!is_member	    ? "no member"
		: member->is_active ? "online"
				    : "offline");
	json_set_bool(one, "draining", is_member && orders_drain(agent->orders, name));
	for (size_t i = 0; i < m->n_rows; i++) {
		const struct mover_row *row = &m->rows[i];

		if (!text_eq(row->name, name))
			continue;
		json_set_number(one, "orphaned", (int64_t)row->orphaned);
		json_set_number(one, "without_candidates", (int64_t)row->fixed);
		json_set_number(one, "waiting", (int64_t)row->waiting);
		json_set_number(one, "kept", (int64_t)row->kept);
		return;
	}
}

/* As far as it takes no long time: who asks again and again must hold nobody up. */
static void catch_up(const struct mover *m, const struct db *db)
{
	usec_t until = loop_now(m->agent->loop) + CATCH_UP_TIME;

	while (!db_managed_catch_up(db, CATCH_UP)) {
		if (loop_now(m->agent->loop) >= until)
			return;
	}
}

static int by_name(const struct roster_member *a, const struct roster_member *b)
{
	return natsort_compare(a->name, b->name);
}

void mover_tell(const struct mover *m, json *answer)
{
	const struct roster *roster = member_roster(m->agent->member);
	const struct db *db = replica_db(member_replica(m->agent->member));
	CLEANUP(freep) const struct roster_member **list = xcalloc(ROSTER_MAX, sizeof(*list));
	unsigned n = roster_list(roster, 0, by_name, list, ROSTER_MAX);
	json *managers, *orphans, *moving;
	size_t done, all;

	if (!db)
		return;
	catch_up(m, db);
	managers = json_set(answer, "managers", json_new_array());
	for (unsigned i = 0; i < MIN(n, (unsigned)ROSTER_MAX); i++)
		tell_row(m, db, managers, list[i]->name);
	/* names of no member that nodes have for their manager */
	for (size_t i = 0; i < m->n_rows; i++) {
		const struct roster_member *member = roster_find(roster, m->rows[i].name);

		if (!(member && member->valid) && db_managed_count(db, m->rows[i].name))
			tell_row(m, db, managers, m->rows[i].name);
	}
	json_set_number(answer, "without_manager", (int64_t)db_managed_count(db, ""));
	mover_progress(m, &done, &all);
	moving = json_set(answer, "moving", json_new_object());
	json_set_number(moving, "done", (int64_t)done);
	json_set_number(moving, "all", (int64_t)all);
	json_set_number(moving, "moved", (int64_t)m->counts.moved);
	orphans = json_set(answer, "orphans", json_new_array());
	for (size_t i = 0; i < m->n_orphans; i++)
		json_add_str(orphans, m->orphans[i]);
}
