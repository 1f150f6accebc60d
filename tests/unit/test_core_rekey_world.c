/*
 * The change of the collective key in whole collectives: members join, leave, crash and come back while
 * keys are changed, with a model of etcd that keeps every revision. Writes may be applied late, or
 * never, and answers be lost. Reading is from a member's own copy, which may lag behind.
 *
 * At each moment every active member can open each value of its copy, in memory and on disk, and
 * believes each record; in the end all is under one key, and nobody has another.
 */
#include "config.h"

#include "base/macros.h"
#include "base/mem.h"
#include "tests/lib/suite.h"
#include "tests/unit/test_core_rekey_model.h"

static void leave(struct world *w, int who)
{
	struct store *s;

	if (!latest(w)->active[who])
		return;
	s = write_to(w);
	s->active[who] = false;
	if (s->leader == who)
		s->leader = -1;
}

#define FAIL(w, fmt, ...) ck_abort_msg("seed %d: " fmt, (w)->seed, __VA_ARGS__)

/* The copy moves on, in one go or a little; at the end it is a member like others. */
static void catch_up(struct world *w, int who, bool all)
{
	struct member *m = &w->member[who];
	int steps_left = w->now - m->seen;

	if (steps_left > 0)
		m->seen += all || m->seen == m->copy ? steps_left
						     : 1 + (int)draw(w, (unsigned)steps_left);
	take_in(w, who);
	if (m->seen == w->now && latest(w)->record[who].there && !latest(w)->active[who] &&
		readable(w, m) >= 0 && has(m, latest(w)->record[who].under)) {
		write_to(w)->active[who] = true;
		m->seen = w->now;
	}
	if (latest(w)->leader < 0 && latest(w)->active[who] && draw(w, 2))
		write_to(w)->leader = who;
}

/* The keys that a restart has before it hears from etcd: the copy holds wrapped ones, too. */
static unsigned after_restart(const struct member *m, int who, const struct store *copy)
{
	unsigned keys = m->disk;

	for (int key = 1; key < KEYS; key++) {
		if (copy->wrapped[key][who] && keys & 1U << (key - 1))
			keys |= 1U << key;
	}
	return keys;
}

static void check(struct world *w)
{
	for (int i = 0; i < MEMBERS; i++) {
		const struct member *m = &w->member[i];
		const struct store *s = &w->at[m->seen];
		const struct store *copy = &w->at[m->copy];
		unsigned left = after_restart(m, i, copy);

		if (!m->runs || !s->record[i].there || !s->active[i])
			continue;
		for (int v = 0; v < VALUES; v++) {
			if (s->value[v].there && !has(m, s->value[v].under))
				FAIL(w, "revision %d: member %d can't open value %d (key %d)",
					m->seen, i, v, s->value[v].under);
			if (copy->value[v].there && !(left & 1U << copy->value[v].under))
				FAIL(w, "member %d could not open its copy after a restart", i);
		}
		for (int j = 0; j < MEMBERS; j++) {
			if (s->record[j].there && !has(m, s->record[j].under))
				FAIL(w,
					"revision %d: member %d does not believe the record "
					"of %d",
					m->seen, i, j);
		}
	}
}

static void anything(struct world *w)
{
	int who = (int)draw(w, MEMBERS);
	struct member *m = &w->member[who];
	struct flight *f = &w->flight[draw(w, FLIGHTS)];
	unsigned dice = draw(w, 100);
	bool may = m->runs && w->at[m->seen].active[who];

	w->clock += MS(5);
	if (f->used && draw(w, 3) == 0) {
		land(w, f, draw(w, 5) != 0);
	} else if (f->used && draw(w, 20) == 0) {
		/* lost on the way, or given up and applied later */
		if (f->kind == FLIGHT_STEP && !f->answered && w->member[f->who].runs)
			rekey_failed(&w->member[f->who].rekey, f->step);
		f->answered = true;
		f->used = draw(w, 2) != 0;
	} else if (dice < 40) {
		if (m->runs)
			think(w, who);
	} else if (dice < 65) {
		if (m->runs)
			catch_up(w, who, false);
	} else if (dice < 80) {
		if (may)
			seal_one(w, who, (int)draw(w, VALUES));
	} else if (dice < 84) {
		if (m->runs && w->at[m->seen].active[who])
			m->copy = m->seen;
	} else if (dice < 86) {
		if (may && w->next_key < KEYS - 1)
			begin_change(w, who);
	} else if (dice < 88) {
		if (may)
			invite(w, who, (int)draw(w, MEMBERS));
	} else if (dice < 90) {
		stop(w, who);
		leave(w, who);
	} else if (dice < 91) {
		leave(w, who); /* its lease ended, but it runs */
	} else if (dice < 94) {
		if (!m->runs && latest(w)->record[who].there && m->disk)
			start(w, who);
	} else if (dice < 95) {
		if (!m->runs && !latest(w)->active[who] && latest(w)->record[who].there && who)
			write_to(w)->record[who].there = false;
	}
	w->next_key = latest(w)->change.to;
}

/* Everybody comes back, nothing is lost any more. */
static void calm(struct world *w)
{
	for (int i = 0; i < MEMBERS; i++) {
		if (!w->member[i].runs && latest(w)->record[i].there && w->member[i].disk)
			start(w, i);
	}
	for (int round = 0; round < 200; round++) {
		w->clock += MS(700);
		for (size_t i = 0; i < FLIGHTS; i++) {
			if (w->flight[i].used)
				land(w, &w->flight[i], true);
		}
		for (int i = 0; i < MEMBERS; i++) {
			struct member *m = &w->member[i];

			if (!m->runs || !latest(w)->record[i].there)
				continue;
			catch_up(w, i, true);
			m->copy = m->seen;
			think(w, i);
			check(w);
		}
	}
}

static void expect_settled(const struct world *w)
{
	const struct store *s = &w->at[w->now];
	int key = s->change.stage == REKEY_NONE ? 0 : s->change.to;

	ck_assert(s->change.stage == REKEY_NONE || s->change.stage == REKEY_DONE);
	for (int v = 0; v < VALUES; v++)
		ck_assert(!s->value[v].there || s->value[v].under == key);
	for (int i = 0; i < MEMBERS; i++) {
		const struct member *m = &w->member[i];

		if (!s->record[i].there)
			continue;
		ck_assert_int_eq(s->record[i].under, key);
		if (!m->disk)
			continue; /* it never heard that it was let in */
		ck_assert_msg(s->active[i],
			"member %d did not come back: keys %x, disk %x, record under %d, "
			"change %d to %d, runs %d, seen %d of %d",
			i, m->has, m->disk, s->record[i].under, s->change.stage, key, m->runs,
			m->seen, w->now);
		ck_assert_msg(m->has == 1U << key && m->disk == m->has,
			"member %d has keys %x, on disk %x, the key is %d", i, m->has, m->disk,
			key);
	}
}

static unsigned run(uint64_t seed, unsigned events)
{
	struct world *w = xcalloc(1, sizeof(*w));
	unsigned finished;

	w->at = xcalloc(REVISIONS, sizeof(*w->at));
	w->seed = (int)seed;
	w->prng.state = seed;
	w->at[0].leader = -1;
	for (int i = 0; i < MEMBERS; i++) {
		struct store *s = latest(w);

		s->held[i] = -1;
		if (i >= 4)
			continue;
		s->record[i].there = true;
		w->member[i].has = w->member[i].disk = 1;
		start(w, i);
	}
	write_to(w);
	for (unsigned i = 0; i < events; i++) {
		anything(w);
		check(w);
	}
	calm(w);
	expect_settled(w);
	finished = w->finished;
	free(w->at);
	free(w);
	return finished;
}

START_TEST(whatever_happens_everything_opens_and_the_old_key_goes)
{
	unsigned finished = 0;

	for (uint64_t seed = 1; seed <= 2000; seed++)
		finished += run(seed, 3000);
	ck_assert_uint_gt(finished, 3000);
}
END_TEST

static Suite *rekey_world_suite(void)
{
	Suite *suite = suite_create("core rekey world");
	TCase *t = tcase_create("world");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, whatever_happens_everything_opens_and_the_old_key_goes);
	suite_add_tcase(suite, t);
	return suite;
}

SUITE_MAIN(rekey_world_suite)
