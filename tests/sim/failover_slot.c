/*
 * Transactions on their way to etcd: batches, the slots that they go through, and what becomes of
 * messages.
 *
 * A slot is what write/writer_slot.h describes: a key that each transaction compares and puts, so
 * that it is applied at most once, and a closing of the slot when it is not known whether it was.
 * Messages are lost, late (by up to half a minute), applied twice, or their answers are lost; etcd
 * may be in an election or out of space.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tests/sim/failover_world.h"

#define ATTEMPT	    (2 * USEC_PER_SEC)
#define FIRST_PAUSE (50 * USEC_PER_MSEC)
#define LAST_PAUSE  (800 * USEC_PER_MSEC)

struct batch {
	int agent;
	unsigned lane;
	uint64_t id;
	struct ecompare *compares;
	unsigned compare_count;
	struct ewrite *writes;
	unsigned write_count;
	unsigned moves;
	uint64_t nodes;
	int order_left;
	/* what became of it, and what was told */
	unsigned applied;
	int64_t applied_rev;
	bool told_never;
};

enum message_kind { MESSAGE_READ, MESSAGE_TXN, MESSAGE_CLOSE, MESSAGE_LOOSE };
enum result {
	RESULT_OK,
	RESULT_COMPARE,	 /* did not hold; what the slot holds comes with it */
	RESULT_NO_SPACE, /* answered */
	RESULT_UNSENT,
	RESULT_UNKNOWN,
};

struct message {
	int agent;
	unsigned lane;
	enum message_kind kind;
	struct batch *batch;
	int64_t slot_mod; /* compared */
	bool mute, answered;
	unsigned again;
	enum result result;
	int64_t revision;
	struct ekv slot; /* as read */
};

/* ---- batches ---- */

struct batch *batch_new(struct fworld *f, int agent, unsigned lane)
{
	struct batch *b = xcalloc(1, sizeof(*b));

	if (f->batch_count == f->batch_room) {
		f->batch_room = f->batch_room ? 2 * f->batch_room : 64;
		f->batches = xrealloc(f->batches, f->batch_room, sizeof(struct batch *));
	}
	f->batches[f->batch_count++] = b;
	b->agent = agent;
	b->lane = lane;
	b->id = f->batch_count;
	b->order_left = BATCH_NO_ORDER;
	return b;
}

void batch_compare(
	struct batch *b, const char *key, enum ecompare_target target, int64_t value, bool once)
{
	struct ecompare *c;
	unsigned i;

	for (i = 0; once && i < b->compare_count; i++)
		if (strcmp(b->compares[i].key, key) == 0)
			return;
	if ((b->compare_count & (b->compare_count - 1)) == 0)
		b->compares = xrealloc(
			b->compares, b->compare_count ? 2 * b->compare_count : 1, sizeof(*c));
	c = &b->compares[b->compare_count++];
	*c = (struct ecompare){.target = target, .value = value};
	(void)snprintf(c->key, sizeof(c->key), "%s", key);
}

static struct ewrite *add_write(struct batch *b, const char *key)
{
	struct ewrite *write;

	if ((b->write_count & (b->write_count - 1)) == 0)
		b->writes = xrealloc(
			b->writes, b->write_count ? 2 * b->write_count : 1, sizeof(*write));
	write = &b->writes[b->write_count++];
	*write = (struct ewrite){.deletes = false};
	(void)snprintf(write->key, sizeof(write->key), "%s", key);
	return write;
}

void batch_write(struct batch *b, const char *key, const char *value, const char *tag)
{
	struct ewrite *write = add_write(b, key);

	(void)snprintf(write->value, sizeof(write->value), "%s", value);
	(void)snprintf(write->tag, sizeof(write->tag), "%s", tag);
}

void batch_delete(struct batch *b, const char *key)
{
	add_write(b, key)->deletes = true;
}

void batch_move(struct batch *b, unsigned node)
{
	b->moves++;
	b->nodes |= UINT64_C(1) << node;
}

uint64_t batch_nodes(const struct batch *b)
{
	return b->nodes;
}

unsigned batch_moves(const struct batch *b)
{
	return b->moves;
}

int batch_order_left(const struct batch *b)
{
	return b->order_left;
}

void batch_set_order_left(struct batch *b, int left)
{
	b->order_left = left;
}

/* ---- messages ---- */

static void slot_key(const struct fworld *f, int agent, unsigned lane, char ret[EKEY_MAX])
{
	(void)snprintf(ret, EKEY_MAX, "writes/%s/m%u", f->w->agents[agent].name, lane);
}

static struct message *new_message(
	struct fworld *f, int agent, unsigned lane, enum message_kind kind, struct batch *batch)
{
	struct message *m = xcalloc(1, sizeof(*m));

	if (f->message_count == f->message_room) {
		f->message_room = f->message_room ? 2 * f->message_room : 64;
		f->messages = xrealloc(f->messages, f->message_room, sizeof(struct message *));
	}
	f->messages[f->message_count++] = m;
	m->agent = agent;
	m->lane = lane;
	m->kind = kind;
	m->batch = batch;
	m->result = RESULT_UNKNOWN;
	return m;
}

static void at(
	struct fworld *f, usec_t after, enum step_kind kind, enum fpart part, struct message *m)
{
	world_schedule_part(f->w, f->w->now + after, kind, m->agent, part, m);
}

/* Chooses what becomes of it. */
static void dispatch(struct fworld *f, struct message *m)
{
	struct world *w = f->w;
	const struct agent *a = &w->agents[m->agent];
	usec_t way = world_random(w, 200, w->faulty && world_chance(w, 5) ? 700000 : 4000);
	unsigned fate = w->faulty ? (unsigned)prng_below(&w->prng, 40) : 100;
	bool write = m->kind != MESSAGE_READ;
	bool late = write && (fate == 1 || (a->net == NET_CUT && world_chance(w, 20)));

	at(f, ATTEMPT, STEP_PART_INSIDE, FPART_TIMEOUT, m);
	m->mute = a->net == NET_NO_REPLIES || fate == 2 || late;
	if (a->net == NET_CUT && !late && world_chance(w, 40)) {
		m->result = RESULT_UNSENT;
		at(f, USEC_PER_MSEC, STEP_PART_INSIDE, FPART_ANSWER, m);
		return;
	}
	if (late)
		way = world_chance(w, 50) ? ATTEMPT + world_random(w, 0, 30000)
					  : world_random(w, ATTEMPT / 2, 30 * USEC_PER_SEC);
	else if (a->net == NET_CUT || fate == 0)
		return;
	if (fate == 3) {
		m->again = 1;
		at(f, way + world_random(w, 0, 3 * USEC_PER_SEC), STEP_PART, FPART_ARRIVE, m);
	}
	at(f, way, STEP_PART, FPART_ARRIVE, m);
}

static void translate(struct fworld *f, struct message *m, struct etxn *t)
{
	bool ticket = m->kind == MESSAGE_CLOSE ||
		      (m->kind == MESSAGE_TXN && f->mutation != FMUTATION_TICKET);

	*t = (struct etxn){.op = EOP_READ};
	slot_key(f, m->agent, m->lane, t->key);
	if (ticket) {
		t->compares[0] = (struct ecompare){.target = ECOMPARE_MOD, .value = m->slot_mod};
		memcpy(t->compares[0].key, t->key, EKEY_MAX);
		t->count = 1;
	}
	if (m->kind == MESSAGE_CLOSE || m->kind == MESSAGE_TXN) {
		t->op = EOP_PUT;
		(void)snprintf(t->value, sizeof(t->value), "closed");
	}
	if (m->kind == MESSAGE_TXN)
		(void)snprintf(
			t->value, sizeof(t->value), "%llu", (unsigned long long)m->batch->id);
	if (m->kind == MESSAGE_TXN || m->kind == MESSAGE_LOOSE) {
		t->more_compares = m->batch->compares;
		t->more_count = m->batch->compare_count;
		t->writes = m->batch->writes;
		t->write_count = m->batch->write_count;
	}
}

static void count(struct fworld *f, struct batch *b, bool applied)
{
	if (!applied) {
		f->tally->moves_refused += b->moves;
		return;
	}
	f->tally->moves += b->moves;
	if (b->applied++)
		world_fail(f->w, "a transaction of %s was applied twice",
			f->w->agents[b->agent].instance);
	if (b->told_never)
		world_fail(f->w, "a transaction of %s was applied after it was said to be dead",
			f->w->agents[b->agent].instance);
	b->applied_rev = etcd_revision(f->w->etcd);
}

static void apply(struct fworld *f, struct message *m)
{
	struct etxn t;
	enum eresult result;

	translate(f, m, &t);
	m->slot = *etcd_get(f->w->etcd, t.key);
	result = etcd_txn(f->w->etcd, m->agent, &t);
	m->revision = etcd_revision(f->w->etcd);
	m->result = result == ERESULT_OK	? RESULT_OK
		    : result == ERESULT_REFUSED ? RESULT_COMPARE
						: RESULT_NO_SPACE;
	if (m->kind == MESSAGE_TXN)
		count(f, m->batch, result == ERESULT_OK);
}

static bool can_answer(const struct fworld *f, const struct message *m)
{
	return !m->mute && !m->answered && f->w->agents[m->agent].net == NET_FINE;
}

static void arrive(struct fworld *f, struct message *m)
{
	struct world *w = f->w;

	if (!etcd_has_leader(w->etcd)) {
		if (world_chance(w, 50)) {
			world_schedule_part(w,
				etcd_election_end(w->etcd) + world_random(w, 0, 50000), STEP_PART,
				m->agent, FPART_ARRIVE, m);
		} else if (can_answer(f, m)) {
			m->result = RESULT_UNKNOWN;
			at(f, world_random(w, 100, 3000), STEP_PART_INSIDE, FPART_ANSWER, m);
		}
		return;
	}
	apply(f, m);
	if (m->again)
		m->again--;
	else if (can_answer(f, m))
		at(f, world_random(w, 200, 4000), STEP_PART_INSIDE, FPART_ANSWER, m);
}

/* ---- slots ---- */

static struct slot *slot_of(struct fworld *f, const struct message *m)
{
	return &f->agents[m->agent].slots[m->lane];
}

static void send_step(struct fworld *f, int agent, unsigned lane)
{
	static const enum message_kind kinds[] = {
		[SLOT_LEARN] = MESSAGE_READ,
		[SLOT_SEND] = MESSAGE_TXN,
		[SLOT_CLOSE] = MESSAGE_CLOSE,
		[SLOT_LOOK] = MESSAGE_READ,
	};
	struct slot *s = &f->agents[agent].slots[lane];

	s->call = new_message(f, agent, lane, kinds[s->step], s->batch);
	s->call->slot_mod = s->mod;
	dispatch(f, s->call);
}

static void finish(struct fworld *f, int agent, unsigned lane, enum failover_end end, int64_t rev)
{
	struct slot *s = &f->agents[agent].slots[lane];
	struct batch *b = s->batch;
	uint64_t *const tallies[] = {
		&f->tally->applied, &f->tally->conflicts, &f->tally->refused, &f->tally->unknown};

	++*tallies[end];
	s->step = SLOT_NONE;
	s->batch = NULL;
	s->turn++;
	if (end == FAILOVER_UNKNOWN && f->mutation == FMUTATION_UNKNOWN)
		end = FAILOVER_APPLIED;
	if (end == FAILOVER_APPLIED && (b->applied == 0 || b->applied_rev != rev))
		world_fail(f->w, "%s takes a transaction for applied that was not",
			f->w->agents[agent].instance);
	if ((end == FAILOVER_CONFLICT || end == FAILOVER_REFUSED) && b->applied)
		world_fail(f->w, "%s takes a transaction for dead that was applied",
			f->w->agents[agent].instance);
	/* where etcd was out of space, a copy of what it refused may still come */
	b->told_never = end == FAILOVER_CONFLICT;
	fagent_ended(f, agent, lane, end, rev, b);
}

static void give_up(struct fworld *f, int agent, unsigned lane)
{
	finish(f, agent, lane,
		f->agents[agent].slots[lane].doubt ? FAILOVER_UNKNOWN : FAILOVER_REFUSED, 0);
}

static void go(struct fworld *f, int agent, unsigned lane, enum slot_step step)
{
	struct slot *s = &f->agents[agent].slots[lane];

	s->step = step;
	s->pause = FIRST_PAUSE;
	send_step(f, agent, lane);
}

static void go_on_later(struct fworld *f, int agent, unsigned lane)
{
	struct slot *s = &f->agents[agent].slots[lane];
	unsigned turn = ++s->turn;

	if (s->hurry) {
		give_up(f, agent, lane);
		return;
	}
	world_schedule_part(f->w, f->w->now + s->pause, STEP_PART_INSIDE, agent, FPART_SLOT,
		(void *)(uintptr_t)(turn * FAILOVER_LANES + lane));
	s->pause = usec_min(s->pause * 2, LAST_PAUSE);
}

static void on_again(struct fworld *f, int agent, unsigned lane, unsigned turn)
{
	struct slot *s = &f->agents[agent].slots[lane];

	if (s->turn != turn || s->step == SLOT_NONE)
		return;
	if (s->hurry && (s->step == SLOT_SEND || s->step == SLOT_LEARN))
		give_up(f, agent, lane);
	else
		send_step(f, agent, lane);
}

/* What the slot holds. True: this transaction's id. */
static bool look(struct slot *s, const struct message *m)
{
	char id[24];

	(void)snprintf(id, sizeof(id), "%llu", (unsigned long long)s->batch->id);
	s->mod = m->slot.present ? m->slot.mod_rev : 0;
	return m->slot.present && strcmp(m->slot.value, id) == 0;
}

static void sent(struct fworld *f, struct message *m, struct slot *s)
{
	switch (m->result) {
	case RESULT_OK:
		s->mod = m->revision;
		finish(f, m->agent, m->lane, FAILOVER_APPLIED, m->revision);
		break;
	case RESULT_COMPARE:
		if (look(s, m))
			finish(f, m->agent, m->lane, FAILOVER_APPLIED, s->mod);
		else
			go(f, m->agent, m->lane, SLOT_CLOSE);
		break;
	case RESULT_NO_SPACE:
	case RESULT_UNKNOWN:
		s->doubt = true;
		s->answered = m->result == RESULT_NO_SPACE;
		go(f, m->agent, m->lane, s->answered ? SLOT_LOOK : SLOT_CLOSE);
		break;
	case RESULT_UNSENT:
		go_on_later(f, m->agent, m->lane);
		break;
	}
}

static void closed(struct fworld *f, struct message *m, struct slot *s)
{
	bool own;

	if (m->result == RESULT_OK) {
		s->mod = m->revision;
		finish(f, m->agent, m->lane, FAILOVER_CONFLICT, s->mod);
	} else if (m->result == RESULT_COMPARE) {
		own = look(s, m);
		finish(f, m->agent, m->lane, own ? FAILOVER_APPLIED : FAILOVER_CONFLICT, s->mod);
	} else if (m->result == RESULT_NO_SPACE) {
		go(f, m->agent, m->lane, SLOT_LOOK);
	} else {
		go_on_later(f, m->agent, m->lane);
	}
}

static void looked(struct fworld *f, struct message *m, struct slot *s)
{
	int64_t known = s->mod;
	bool own;

	if (m->result != RESULT_OK) {
		go_on_later(f, m->agent, m->lane);
		return;
	}
	own = look(s, m);
	if (own)
		finish(f, m->agent, m->lane, FAILOVER_APPLIED, s->mod);
	else if (s->answered || !s->doubt || s->mod != known)
		finish(f, m->agent, m->lane, FAILOVER_REFUSED, 0);
	else
		finish(f, m->agent, m->lane, FAILOVER_UNKNOWN, 0);
}

static void answer(struct fworld *f, struct message *m)
{
	struct slot *s = slot_of(f, m);

	if (m->answered)
		return;
	m->answered = true;
	if (s->call != m)
		return;
	s->call = NULL;
	switch (s->step) {
	case SLOT_LEARN:
		if (m->result != RESULT_OK) {
			go_on_later(f, m->agent, m->lane);
			break;
		}
		(void)look(s, m);
		go(f, m->agent, m->lane, SLOT_SEND);
		break;
	case SLOT_SEND:
		sent(f, m, s);
		break;
	case SLOT_CLOSE:
		closed(f, m, s);
		break;
	case SLOT_LOOK:
		looked(f, m, s);
		break;
	case SLOT_NONE:
		break;
	}
}

void slot_commit(struct fworld *f, int agent, unsigned lane, struct batch *batch)
{
	struct slot *s = &f->agents[agent].slots[lane];

	if (s->step != SLOT_NONE)
		world_fail(f->w, "%s sends into lane %u, which is taken",
			f->w->agents[agent].instance, lane);
	s->batch = batch;
	s->doubt = s->answered = s->hurry = false;
	go(f, agent, lane, s->mod < 0 ? SLOT_LEARN : SLOT_SEND);
}

void slot_send_loose(struct fworld *f, struct batch *batch)
{
	dispatch(f, new_message(f, batch->agent, batch->lane, MESSAGE_LOOSE, batch));
}

void slot_give_up(struct fworld *f, int agent, unsigned lane)
{
	struct slot *s = &f->agents[agent].slots[lane];

	if (s->step != SLOT_NONE)
		s->hurry = true;
}

void slot_step(struct fworld *f, int agent, enum fpart part, void *what)
{
	struct message *m = what;

	if (part == FPART_SLOT) {
		on_again(f, agent, (unsigned)((uintptr_t)what % FAILOVER_LANES),
			(unsigned)((uintptr_t)what / FAILOVER_LANES));
	} else if (part == FPART_ARRIVE) {
		arrive(f, m);
	} else {
		if (part == FPART_TIMEOUT && !m->answered)
			m->result = RESULT_UNKNOWN;
		answer(f, m);
	}
}

void slots_free(struct fworld *f)
{
	unsigned i;

	for (i = 0; i < f->message_count; i++)
		free(f->messages[i]);
	for (i = 0; i < f->batch_count; i++) {
		free(f->batches[i]->compares);
		free(f->batches[i]->writes);
		free(f->batches[i]);
	}
	free(f->messages);
	free(f->batches);
	free(f->notes);
}
