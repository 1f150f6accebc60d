/*
 * Nodes that are nobody's become a member's. A node's unit compares all that makes it nobody's, and the
 * member one of its candidates (model/move.h), so that of two who claim it at once one is applied, and
 * the other finds it taken when it looks again.
 *
 * A node that can't be claimed is a failed job with a reason; what became of each is kept beside the
 * jobs.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "model/candidates.h"
#include "model/expression.h"
#include "model/move.h"
#include "model/plan_private.h"

/* As far as it is known; a job that is out has none. */
struct claim_end {
	enum plan_claim claim;
	char *who;
	bool noted;
};

struct claiming {
	struct plan_names members; /* all of them */
	char *member;
	uint32_t place;		/* of it among them */
	char *raw;		/* its name as a value in etcd */
	struct claim_end *ends; /* by job */
	size_t n_ends;
	struct candidates *candidates; /* as of: */
	const struct db *db;
	int64_t revision;
};

void plan_claiming_free(struct claiming *claiming)
{
	if (!claiming)
		return;
	for (size_t i = 0; i < claiming->n_ends; i++)
		free(claiming->ends[i].who);
	free(claiming->ends);
	candidates_free(claiming->candidates);
	plan_names_done(&claiming->members);
	free(claiming->member);
	free(claiming->raw);
	free(claiming);
}

static struct claim_end *end_of(const struct plan *plan, const struct job *job)
{
	return &plan->claiming->ends[job - plan->jobs];
}

static void note_end(
	const struct plan *plan, const struct job *job, enum plan_claim claim, const char *who)
{
	struct claim_end *end = end_of(plan, job);

	free(end->who);
	*end = (struct claim_end){.claim = claim, .who = xstrdup(who), .noted = true};
}

void plan_claiming_failed(struct plan *plan, const struct job *job, const char *why)
{
	if (!end_of(plan, job)->noted)
		note_end(plan, job, PLAN_CLAIM_FAILED, why);
}

/* ---- one node ---- */

/* 0: it has no manager. 1: it is the member's. Negative: noted, or an error. */
static int check_manager(struct plan *plan, const struct db *db, const struct job *job,
	uint32_t node, struct err *err)
{
	CLEANUP(buf_done) struct buf text = BUF_INIT(ATTRIBUTE_VALUE_MAX);
	char shown[TEXT_PRINTABLE_MAX];
	struct db_value value;
	int rc;

	if (!db_node_value(db, node, MOVE_KEY_SUFFIX, &value))
		return 0;
	rc = db_node_text(db, node, &value, &text, err);
	if (rc < 0)
		return err_wrap(err, rc, "%s: " MOVE_KEY_SUFFIX, job->object);
	if (text.len == 0)
		return 0;
	if (text_eq(buf_cstr(&text), plan->claiming->member)) {
		note_end(plan, job, PLAN_CLAIM_OWN, "");
		return 1;
	}
	note_end(plan, job, PLAN_CLAIM_OTHER, buf_cstr(&text));
	return err_set(err, -EEXIST, "%s is managed by %s", job->object,
		text_printable(buf_cstr(&text), text.len, shown));
}

static struct candidates *candidates_now(struct claiming *claiming, const struct db *db)
{
	if (claiming->candidates && (claiming->db != db || claiming->revision != db_revision(db))) {
		candidates_free(claiming->candidates);
		claiming->candidates = NULL;
	}
	if (!claiming->candidates) {
		claiming->db = db;
		claiming->revision = db_revision(db);
		claiming->candidates = candidates_new(
			db, (const char *const *)claiming->members.at, claiming->members.n);
	}
	return claiming->candidates;
}

static int check_candidates(struct plan *plan, const struct db *db, const struct job *job,
	uint32_t node, struct err *err)
{
	struct claiming *claiming = plan->claiming;
	char shown[TEXT_PRINTABLE_MAX];
	const char *text, *why;
	const struct bitset *set = candidates_of(candidates_now(claiming, db), node, &text, &why);

	if (why)
		return err_set(err, -EINVAL, "%s: %s", job->object, why);
	if (!set || bitset_has(set, claiming->place))
		return 0;
	note_end(plan, job, PLAN_CLAIM_NO_CANDIDATE, text);
	return err_set(err, -EPERM, "%s is not among the candidates of %s (%s)", claiming->member,
		job->object, text_printable(text, strlen(text), shown));
}

static void add_compare(const struct plan_compare *compare, void *arg)
{
	struct unit *unit = arg;

	unit_compare(unit, compare->kind, unit_copy(unit, compare->key, strlen(compare->key)),
		compare->revision);
}

static int work_claim(
	struct plan *plan, const struct db *db, struct job *job, struct unit *unit, struct err *err)
{
	const struct claiming *claiming = plan->claiming;
	uint32_t node;
	int rc;

	end_of(plan, job)->noted = false;
	if (!db_node_find(db, job->object, &node)) {
		note_end(plan, job, PLAN_CLAIM_GONE, "");
		return err_set(err, -ENOENT, "%s does not exist any more", job->object);
	}
	rc = check_manager(plan, db, job, node, err);
	if (rc != 0)
		return rc < 0 ? rc : WORK_NOTHING;
	rc = check_candidates(plan, db, job, node, err);
	if (rc == 0)
		rc = move_compares(db, node, add_compare, unit, err);
	if (rc < 0)
		return rc;
	unit_put(unit, unit_key(unit, NODES, job->object, MOVE_KEY_SUFFIX), claiming->raw,
		strlen(claiming->raw), PLAN_CLEAR_TEXT, NULL);
	return WORK_UNIT;
}

/* A manager and candidates that are expressions may take half a millisecond (DB_EVALUATION_WORK). */
static const struct plan_kind claiming_nodes = {.done = "claimed", .work = work_claim, .looks = 64};

/* ---- all of them ---- */

/* UINT32_MAX: it is none of them, and so nobody's candidate. */
static uint32_t place_of(const struct plan_names *members, const char *member)
{
	for (size_t i = 0; i < members->n; i++) {
		if (text_eq(members->at[i], member))
			return (uint32_t)i;
	}
	return UINT32_MAX;
}

static int escape(struct claiming *claiming, struct err *err)
{
	struct buf raw = BUF_INIT(ATTRIBUTE_VALUE_MAX);
	int rc = expression_escape(claiming->member, strlen(claiming->member), &raw);

	if (rc < 0) {
		buf_done(&raw);
		return err_errno(err, -EINVAL, "Bad Request - the member's name");
	}
	claiming->raw = buf_take(&raw);
	return 0;
}

int plan_new_claim(struct plan **ret, const struct db *db, const char *noderange,
	const char *member, const char *const *members, size_t n_members, struct err *err)
{
	CLEANUP(plan_freep) struct plan *plan = plan_alloc(&claiming_nodes);
	struct claiming *claiming = xcalloc(1, sizeof(*claiming));
	int rc = plan_add_nodes(plan, db, noderange, err);

	plan->claiming = claiming;
	claiming->member = xstrdup(member);
	if (rc == 0)
		rc = escape(claiming, err);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < n_members; i++)
		plan_names_add(&claiming->members, members[i], strlen(members[i]));
	claiming->place = place_of(&claiming->members, member);
	claiming->n_ends = plan->n_jobs;
	claiming->ends = xcalloc(plan->n_jobs + 1, sizeof(*claiming->ends));
	*ret = TAKE(plan);
	return 0;
}

void plan_each_claim(const struct plan *plan,
	bool (*fn)(const char *node, enum plan_claim claim, const char *who, void *arg), void *arg)
{
	if (!plan->claiming)
		return;
	for (size_t i = 0; i < plan->n_jobs; i++) {
		const struct job *job = &plan->jobs[i];
		const struct claim_end *end = end_of(plan, job);
		bool more;

		if (end->noted)
			more = fn(job->object, end->claim, end->who, arg);
		else if (job->state == JOB_APPLIED)
			more = fn(job->object, PLAN_CLAIMED, "", arg);
		else
			more = fn(job->object, PLAN_CLAIM_FAILED, "it was not tried", arg);
		if (!more)
			return;
	}
}
