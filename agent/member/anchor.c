#include "config.h"
#include "member/anchor.h"

#include "base/log.h"
#include "base/mem.h"
#include "etcd/client.h"
#include "io/loop.h"
#include "log/report.h"
#include "member/setback.h"
#include "member/state.h"

#define SAVE_FIRST  USEC_PER_SEC
#define SAVE_PERIOD (15 * USEC_PER_SEC)

struct anchor {
	struct loop *loop;
	struct state *state;
	char *collective_id;
	void (*held)(void *arg);
	void *arg;
	struct etcd *etcd;
	struct setback *setback;
	struct loop_timer *save;
	struct state_etcd known;		    /* as saved */
	struct report *reports[ETCD_ENDPOINTS_MAX]; /* of each endpoint's health */
	bool listed;
	int64_t applied; /* etcd can't be behind it */
	char *why;	 /* on hold, NULL: not */
};

static void hold(char *why, void *arg)
{
	struct anchor *a = arg;
	struct err err = {""};

	if (a->why) {
		free(why);
		return;
	}
	a->why = why;
	if (state_save_hold(a->state, a->collective_id, why, &err) < 0)
		log_warning("state", "%s", err.text);
	log_error("member",
		"%s; this member neither follows nor writes until you have looked into it and run: "
		"collective adopt",
		why);
	a->held(a->arg);
}

static void on_save(void *arg)
{
	struct anchor *a = arg;

	anchor_save(a);
	loop_timer_after(a->save, SAVE_PERIOD);
}

void anchor_save(struct anchor *a)
{
	struct state_etcd now = {0};
	struct etcd_status status;
	struct err err = {""};

	if (a->why || !a->listed)
		return;
	etcd_status(a->etcd, &status);
	now.cluster_id = status.cluster_id;
	now.revision = status.revision;
	now.raft_term = status.raft_term;
	/* never back: where it went back is looked into first, and a restart must find that out, too */
	if (!now.cluster_id ||
		(now.cluster_id == a->known.cluster_id && now.revision <= a->known.revision &&
			now.raft_term <= a->known.raft_term))
		return;
	now.revision = MAX(now.revision, a->known.revision);
	now.raft_term = MAX(now.raft_term, a->known.raft_term);
	if (state_save_etcd(a->state, a->collective_id, &now, &err) < 0)
		log_warning("state", "%s", err.text);
	else
		a->known = now;
}

int anchor_new(struct anchor **ret, const struct anchor_config *config, struct err *err)
{
	struct anchor *a = xcalloc(1, sizeof(*a));
	int rc = 0;

	a->loop = config->loop;
	a->state = config->state;
	a->collective_id = xstrdup(config->collective_id);
	a->held = config->held;
	a->arg = config->arg;
	a->save = loop_timer_new(a->loop, "save", on_save, a);
	if (config->adopt) {
		rc = state_save_hold(a->state, a->collective_id, NULL, err);
	} else {
		a->known = state_etcd(a->state, a->collective_id);
		a->why = state_hold(a->state, a->collective_id);
	}
	if (rc < 0) {
		anchor_free(a);
		return rc;
	}
	if (a->why)
		log_error(
			"member", "on hold since an earlier run: %s; see collective adopt", a->why);
	*ret = a;
	return 0;
}

void anchor_free(struct anchor *a)
{
	if (!a)
		return;
	anchor_detach(a);
	loop_timer_free(a->save);
	free(a->collective_id);
	free(a->why);
	free(a);
}

const struct state_etcd *anchor_known(const struct anchor *a)
{
	return &a->known;
}

void anchor_attach(struct anchor *a, struct etcd *etcd, const char *key)
{
	a->etcd = etcd;
	a->setback = setback_new(a->loop, etcd, key, hold, a);
	loop_timer_after(a->save, SAVE_FIRST);
}

void anchor_detach(struct anchor *a)
{
	setback_free(TAKE(a->setback));
	for (size_t i = 0; i < ARRAY_SIZE(a->reports); i++)
		report_free(TAKE(a->reports[i]));
	loop_timer_at(a->save, USEC_NEVER);
	a->etcd = NULL;
}

void anchor_notice(struct anchor *a, const struct etcd_notice *notice)
{
	struct report **report = &a->reports[notice->endpoint];

	switch (notice->kind) {
	case ETCD_NOTICE_FOREIGN:
		log_error("etcd", "%s", notice->text);
		break;
	case ETCD_NOTICE_REVISION_BACK:
		log_warning("etcd", "%s", notice->text);
		setback_suspect(a->setback, notice->from);
		break;
	case ETCD_NOTICE_TERM_BACK:
		setback_prove(a->setback, notice->text);
		break;
	case ETCD_NOTICE_BAD:
	case ETCD_NOTICE_GOOD:
		if (!*report)
			*report = report_new(a->loop, "etcd", 0);
		report_change(*report, notice->kind == ETCD_NOTICE_BAD, notice->text);
		break;
	}
}

void anchor_applied(struct anchor *a, int64_t revision)
{
	a->applied = MAX(a->applied, revision);
}

void anchor_listed(struct anchor *a, int64_t revision)
{
	/* what etcd was seen to be at later may be ahead of a listing that was begun before */
	int64_t floor = a->listed ? a->applied : MAX(a->applied, a->known.revision);

	if (revision < floor)
		hold(setback_why(floor, revision), a);
	a->listed = true;
}

const char *anchor_why_held(const struct anchor *a)
{
	return a->why;
}
