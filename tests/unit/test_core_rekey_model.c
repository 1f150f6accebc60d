#include "config.h"

#include "tests/unit/test_core_rekey_model.h"

#include "base/macros.h"
#include "tests/lib/suite.h"

struct store *latest(struct world *w)
{
	return &w->at[w->now];
}

unsigned draw(struct world *w, unsigned n)
{
	return (unsigned)prng_below(&w->prng, n);
}

struct store *write_to(struct world *w)
{
	if (w->now + 1 == REVISIONS)
		ck_abort_msg("too many revisions");
	w->at[w->now + 1] = w->at[w->now];
	w->now++;
	return latest(w);
}

bool has(const struct member *m, int key)
{
	return key >= 0 && m->has & 1U << key;
}

int readable(const struct world *w, const struct member *m)
{
	const struct store *s = &w->at[m->seen];
	int under = s->change.stage == REKEY_DISTRIBUTE ? s->change.from : s->change.to;

	if (s->change.stage == REKEY_NONE)
		return 0;
	return has(m, under) ? s->change.mod : -1;
}

void take_in(struct world *w, int who)
{
	struct member *m = &w->member[who];
	const struct store *s = &w->at[m->seen];

	for (int key = 1; key < KEYS; key++) {
		if (s->wrapped[key][who] && has(m, key - 1))
			m->has |= 1U << key;
	}
	if (readable(w, m) <= 0)
		return;
	if (s->change.stage != REKEY_DISTRIBUTE)
		m->current = s->change.to;
	else if (m->current != s->change.to)
		m->current = s->change.from;
}

static void look(struct world *w, int who, struct rekey_member *list, struct rekey_view *view)
{
	static const char *const names[] = {"m0", "m1", "m2", "m3", "m4", "m5"};
	struct member *m = &w->member[who];
	const struct store *s = &w->at[m->seen];
	int to = s->change.to;

	*view = (struct rekey_view){
		.stage = s->change.stage,
		.behind = readable(w, m) < 0,
		.damaged = readable(w, m) < 0,
		.live = m->seen >= m->written,
		.may_write = s->record[who].there && s->active[who],
		.acting = s->leader == who && s->active[who],
		.leader_lacks = s->leader >= 0 && s->leader != who && s->held[s->leader] != to,
		.has_new = has(m, to),
		.saved = m->has == m->disk && m->current == m->disk_current,
		.others = m->has != 1U << m->current,
		.copied = s->change.stage == REKEY_DONE && m->copy >= s->change.mod,
		.told = s->held[who] == to,
		.members = list,
		.counted = true,
	};
	for (int i = 0; i < VALUES; i++)
		view->old_values += s->value[i].there && s->value[i].under != to;
	for (int i = 0; i < MEMBERS; i++) {
		if (s->record[i].there)
			list[view->n++] = (struct rekey_member){
				.name = names[i],
				.active = s->active[i],
				.wrapped = to > 0 && s->wrapped[to][i],
				.can_wrap = true,
				.held = s->held[i] == to,
				.is_signed = s->record[i].under == to,
			};
	}
}

static struct flight *take_off(struct world *w, int who, int kind)
{
	struct member *m = &w->member[who];

	for (size_t i = 0; i < FLIGHTS; i++) {
		struct flight *f = &w->flight[i];

		if (f->used)
			continue;
		*f = (struct flight){
			.used = true,
			.who = who,
			.kind = kind,
			.change_mod = readable(w, m),
			.record_mod = w->at[m->seen].record[who].mod,
			.view = m->seen,
		};
		return f;
	}
	return NULL;
}

/* ---- what members do ---- */

void seal_one(struct world *w, int who, int value)
{
	struct member *m = &w->member[who];
	struct flight *f = take_off(w, who, FLIGHT_VALUE);

	if (!f)
		return;
	f->value = value;
	f->value_mod = w->at[m->seen].value[value].mod;
	f->under = m->current;
}

void begin_change(struct world *w, int who)
{
	struct member *m = &w->member[who];
	enum rekey_stage stage = w->at[m->seen].change.stage;
	struct flight *f;

	if ((stage != REKEY_NONE && stage != REKEY_DONE) || readable(w, m) < 0)
		return;
	f = take_off(w, who, FLIGHT_BEGIN);
	if (f)
		f->under = m->current;
}

void invite(struct world *w, int who, int name)
{
	struct member *m = &w->member[who];
	struct flight *f;

	if (w->at[m->seen].record[name].there)
		return;
	f = take_off(w, who, FLIGHT_INVITE);
	if (f) {
		f->invited = name;
		f->under = m->current;
	}
}

/* A lead step becomes a transaction; the rest happens here. */
static void carry_out(struct world *w, int who, enum rekey_step step)
{
	struct member *m = &w->member[who];
	const struct store *s = &w->at[m->seen];
	struct flight *f;

	if (step == REKEY_SAVE) {
		m->disk = m->has;
		m->disk_current = m->current;
		rekey_done(&m->rekey, step);
		return;
	}
	if (step == REKEY_DROP) {
		m->has = 1U << m->current;
		rekey_done(&m->rekey, step);
		return;
	}
	f = take_off(w, who, FLIGHT_STEP);
	if (!f) {
		rekey_failed(&m->rekey, step);
		return;
	}
	f->step = step;
	f->under = s->change.to;
	for (int i = 0; i < MEMBERS; i++) {
		f->target_mod[i] = s->record[i].mod;
		if (!s->record[i].there)
			continue;
		if ((step == REKEY_WRAP && s->held[i] != f->under && !s->wrapped[f->under][i]) ||
			(step == REKEY_SIGN && s->record[i].under != f->under))
			f->targets |= 1U << i;
	}
	if (step == REKEY_SEAL) {
		for (f->value = 0; f->value < VALUES - 1; f->value++) {
			if (s->value[f->value].there && s->value[f->value].under != f->under)
				break;
		}
		f->value_mod = s->value[f->value].mod;
	}
}

void think(struct world *w, int who)
{
	struct member *m = &w->member[who];
	struct rekey_member list[MEMBERS];
	struct rekey_view view;
	enum rekey_step step;

	take_in(w, who);
	look(w, who, list, &view);
	rekey_look(&m->rekey, w->clock, &view);
	if (rekey_next(&m->rekey, w->clock, &step))
		carry_out(w, who, step);
}

/* ---- etcd ---- */

static bool compares(struct world *w, const struct flight *f)
{
	const struct store *s = latest(w);

	if (!s->record[f->who].there || s->record[f->who].mod != f->record_mod ||
		s->change.mod != f->change_mod)
		return false;
	if (f->kind == FLIGHT_VALUE)
		return s->value[f->value].mod == f->value_mod;
	if (f->kind == FLIGHT_INVITE)
		return !s->record[f->invited].there;
	if (f->kind == FLIGHT_BEGIN || f->step == REKEY_TELL)
		return true;
	if (s->leader != f->who && f->step != REKEY_WRAP)
		return false;
	for (int i = 0; i < MEMBERS; i++) {
		if (f->step == REKEY_SWITCH && s->record[i].there && s->record[i].mod > f->view)
			return false;
		if (f->targets & 1U << i && s->record[i].mod != f->target_mod[i])
			return false;
	}
	return f->step != REKEY_SEAL || s->value[f->value].mod == f->value_mod;
}

static void apply_step(struct world *w, const struct flight *f)
{
	struct store *s = write_to(w);

	for (int i = 0; i < MEMBERS; i++) {
		if (!(f->targets & 1U << i))
			continue;
		if (f->step == REKEY_WRAP) {
			s->wrapped[f->under][i] = true;
		} else {
			s->record[i].under = f->under;
			s->record[i].mod = w->now;
		}
	}
	switch (f->step) {
	case REKEY_TELL:
		s->held[f->who] = f->under;
		break;
	case REKEY_SWITCH:
		s->change.stage = REKEY_RESEAL;
		s->change.mod = w->now;
		break;
	case REKEY_SEAL:
		if (s->value[f->value].there)
			s->value[f->value].under = f->under;
		s->value[f->value].mod = w->now;
		break;
	case REKEY_FINISH:
		s->change.stage = REKEY_DONE;
		s->change.mod = w->now;
		w->finished++;
		break;
	default:
		break;
	}
}

static void apply(struct world *w, const struct flight *f)
{
	struct store *s;

	if (f->kind == FLIGHT_STEP) {
		apply_step(w, f);
		return;
	}
	s = write_to(w);
	if (f->kind == FLIGHT_VALUE) {
		s->value[f->value].there = true;
		s->value[f->value].under = f->under;
		s->value[f->value].mod = w->now;
	} else if (f->kind == FLIGHT_INVITE) {
		s->record[f->invited].there = true;
		s->record[f->invited].under = f->under;
		s->record[f->invited].mod = w->now;
		s->held[f->invited] = -1;
		for (int key = 0; key < KEYS; key++)
			s->wrapped[key][f->invited] = false;
	} else {
		s->change.stage = REKEY_DISTRIBUTE;
		s->change.from = f->under;
		s->change.to = f->under + 1;
		s->change.mod = w->now;
		for (int i = 0; i < MEMBERS; i++) {
			/* those whom it knew: more may have come since */
			if (w->at[f->view].record[i].there && s->record[i].there)
				s->wrapped[f->under + 1][i] = true;
		}
	}
}

void start(struct world *w, int who)
{
	struct member *m = &w->member[who];

	m->runs = true;
	m->has = m->disk;
	m->current = m->disk_current;
	m->seen = m->copy;
	m->written = 0;
	rekey_init(&m->rekey, prng_next(&w->prng), w->clock, NULL, NULL);
	take_in(w, who);
}

void stop(struct world *w, int who)
{
	struct member *m = &w->member[who];

	m->runs = false;
	for (size_t i = 0; i < FLIGHTS; i++) {
		if (w->flight[i].who == who)
			w->flight[i].answered = true;
	}
}

/* It is answered with what the inviter has now; an answer that was lost leaves a record of nobody. */
static void let_in(struct world *w, int who, const struct member *inviter)
{
	struct member *m = &w->member[who];

	stop(w, who);
	m->disk = inviter ? inviter->has : 0;
	m->disk_current = inviter ? inviter->current : 0;
	m->copy = 0;
	if (inviter)
		start(w, who);
}

void land(struct world *w, struct flight *f, bool answer)
{
	struct member *m = &w->member[f->who];
	bool applied = compares(w, f);

	if (applied)
		apply(w, f);
	if (f->kind == FLIGHT_STEP && !f->answered && m->runs) {
		if (applied && answer) {
			m->written = w->now;
			rekey_done(&m->rekey, f->step);
		} else {
			rekey_failed(&m->rekey, f->step);
		}
	}
	f->answered = true;
	if (applied && f->kind == FLIGHT_INVITE)
		let_in(w, f->invited, m->runs ? m : NULL);
	f->used = false;
}
