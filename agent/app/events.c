/*
 * The happy path: whatever may have changed (the member's state, the copy of the database) schedules a
 * look: quorum is compared at once; the managers are brought up to date, a slice at a time, and when all
 * of that is as of the copy's revision the registry and the managers are compared with what was told
 * last. A look that is longer than one slice goes on in the next turn of the loop, so that what
 * happens meanwhile is in it.
 *
 * When nodes take long to look at, the registry does not wait for them longer than PATIENCE.
 */
#include "config.h"
#include "app/events.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "app/agent.h"
#include "app/events_private.h"
#include "base/mem.h"
#include "base/text.h"
#include "core/roster.h"
#include "io/clock.h"
#include "io/loop.h"
#include "member/member.h"

#define SLICE	 (4 * USEC_PER_MSEC)
#define PATIENCE (500 * USEC_PER_MSEC)

/* ---- the window ---- */

static size_t facts_of(const struct event *event)
{
	return MAX(event->n_nodes, (size_t)1);
}

static void window_clear(struct events *e)
{
	for (size_t i = e->first; i < e->n; i++)
		event_drop(e->at[i]);
	e->first = e->n = e->facts = 0;
}

static void window_trim(struct events *e)
{
	while (e->facts > EVENTS_KEPT) {
		struct event *oldest = e->at[e->first++];

		e->floor = oldest->revision;
		e->facts -= facts_of(oldest);
		event_drop(oldest);
	}
}

static void window_add(struct events *e, struct event *event)
{
	if (e->n == e->room && e->first > e->room / 2) {
		e->n -= e->first;
		memmove(e->at, e->at + e->first, e->n * sizeof(struct event *));
		e->first = 0;
	}
	if (e->n == e->room) {
		e->room = MAX(e->room * 2, (size_t)64);
		e->at = xrealloc(e->at, e->room, sizeof(struct event *));
	}
	e->at[e->n++] = event;
	e->facts += facts_of(event);
}

const struct event *events_find(const struct events *e, uint64_t seq)
{
	uint64_t oldest = e->seq - (e->n - e->first) + 1;

	if (seq < oldest || seq > e->seq)
		return NULL;
	return e->at[e->first + (size_t)(seq - oldest)];
}

bool events_after(const struct events *e, int64_t revision, uint64_t *ret_seq)
{
	size_t i = e->n;

	if (!e->begun || revision < e->floor || revision > e->last)
		return false;
	while (i > e->first && e->at[i - 1]->revision > revision)
		i--;
	*ret_seq = e->seq - (e->n - i);
	return true;
}

/* ---- telling ---- */

void events_tell(struct events *e, int64_t revision, struct event *event)
{
	struct events_listener *listener, *tmp;
	struct event *made;

	e->last = revision > e->last ? revision : e->last;
	event->seq = ++e->seq;
	event->revision = e->last;
	event->wall = clock_wall();
	event->first = !e->ever_begun;
	made = event_copy(event);
	window_add(e, made);
	list_foreach_safe (listener, tmp, &e->listeners, link)
		listener->fn(made, listener->arg);
	window_trim(e);
}

static void tell_quorum(struct events *e)
{
	struct event event = {.kind = EVENT_QUORUM, .on = member_quorum(e->agent->member)};

	if (event.on == e->quorum)
		return;
	e->quorum = event.on;
	events_tell(e, 0, &event);
}

static void tell_batch(struct event *event, void *arg)
{
	struct events *e = arg;

	events_tell(e, 0, event);
}

static void tell_managers(struct events *e, const struct db *db)
{
	CLEANUP(freep) struct managers_change *changes = NULL;
	size_t n = managers_changes(e->managers, db, &changes);

	events_each_batch(changes, n, tell_batch, e);
	managers_told(e->managers);
}

/* ---- looking ---- */

static void begin(struct events *e, int64_t copy)
{
	window_clear(e);
	events_picture_forget(e);
	e->floor = e->last = copy;
	snprintf(e->run, sizeof(e->run), "%016" PRIx64, random_u64());
	e->begun = true;
}

static void tell_begun(struct events *e)
{
	struct events_listener *listener, *tmp;

	/* how things were at first is what a picture is for */
	if (!e->ever_begun)
		window_clear(e);
	e->ever_begun = true;
	list_foreach_safe (listener, tmp, &e->listeners, link) {
		if (listener->begun)
			listener->begun(listener->arg);
	}
}

static bool may_begin(struct events *e, const struct replica *replica)
{
	return roster_complete(member_roster(e->agent->member)) && replica_age(replica) == 0;
}

static void on_look(void *arg)
{
	struct events *e = arg;
	struct member *member = e->attached ? e->agent->member : NULL;
	struct replica *replica = member ? member_replica(member) : NULL;
	const struct db *db = replica ? replica_db(replica) : NULL;
	usec_t now = loop_now(e->agent->loop);
	bool begins = !e->begun;
	int64_t copy;
	bool done;

	if (!db || (begins && !may_begin(e, replica)))
		return;
	loop_doing(e->agent->loop, "events");
	copy = replica_revision(replica);
	if (!begins)
		tell_quorum(e);
	done = managers_look(e->managers, db, e->agent->loop, now + SLICE);
	if (!done)
		loop_defer_schedule(e->look);
	if (done && begins) {
		begin(e, copy);
		tell_quorum(e);
	}
	if (!e->begun)
		return;
	if (!e->waits)
		e->waits = now;
	if (!done && now - e->waits < PATIENCE)
		return;
	e->waits = done ? 0 : now;
	events_tell_registry(e, copy);
	if (done) {
		e->last = copy > e->last ? copy : e->last;
		tell_managers(e, db);
	}
	if (begins)
		tell_begun(e);
}

void events_changed(struct events *e)
{
	if (e && e->attached)
		loop_defer_schedule(e->look);
}

static void on_copy(int64_t revision, void *arg)
{
	(void)revision;
	events_changed(arg);
}

/* ---- who follows ---- */

void events_listen(struct events *e, struct events_listener *listener)
{
	list_add_tail(&e->listeners, &listener->link);
}

void events_unlisten(struct events_listener *listener)
{
	list_del(&listener->link);
}

const char *events_run(const struct events *e)
{
	return e->begun ? e->run : NULL;
}

int64_t events_revision(const struct events *e)
{
	return e->last;
}

uint64_t events_seq(const struct events *e)
{
	return e->seq;
}

bool events_quorum(const struct events *e)
{
	return e->quorum;
}

const char *events_leader(const struct events *e)
{
	return e->leader;
}

/* ---- life ---- */

struct events *events_new(struct agent *agent)
{
	struct events *e = xcalloc(1, sizeof(*e));

	e->agent = agent;
	e->managers = managers_new();
	e->copy = (struct replica_listener){.fn = on_copy, .arg = e};
	list_init(&e->copy.link);
	list_init(&e->listeners);
	e->look = loop_patient_new(agent->loop, on_look, e);
	return e;
}

void events_free(struct events *e)
{
	if (!e)
		return;
	events_detach(e);
	events_picture_forget(e);
	window_clear(e);
	managers_free(e->managers);
	loop_defer_free(e->look);
	free(e->members);
	free(e->at);
	free(e);
}

void events_attach(struct events *e)
{
	e->attached = true;
	replica_listen(member_replica(e->agent->member), &e->copy);
	events_changed(e);
}

void events_detach(struct events *e)
{
	struct events_listener *listener, *tmp;

	if (!e || !e->attached)
		return;
	e->attached = e->begun = false;
	e->waits = 0;
	list_del(&e->copy.link);
	list_foreach_safe (listener, tmp, &e->listeners, link) {
		if (listener->ended)
			listener->ended(listener->arg);
	}
}
