/*
 * How things are, as events: leader, quorum, members, then the nodes of each manager.
 */
#include "config.h"
#include "app/events_private.h"

#include <string.h>

#include "app/agent.h"
#include "base/mem.h"
#include "io/clock.h"
#include "member/member.h"

struct events_picture {
	unsigned users;
	int64_t revision;
	uint64_t seq;
	usec_t wall;
	struct event **at;
	size_t n, room;
};

void events_each_batch(const struct managers_change *changes, size_t n,
	void (*fn)(struct event *event, void *arg), void *arg)
{
	const char *nodes[EVENT_NODES_MAX];
	size_t i = 0;

	while (i < n) {
		const struct managers_change *first = &changes[i];
		struct event event = {
			.kind = EVENT_MANAGER,
			.from = first->from,
			.to = first->to,
			.gone = first->gone,
			.nodes = nodes,
		};

		for (; i < n && event.n_nodes < EVENT_NODES_MAX; i++) {
			if (changes[i].gone != first->gone ||
				strcmp(changes[i].from, first->from) != 0 ||
				strcmp(changes[i].to, first->to) != 0)
				break;
			nodes[event.n_nodes++] = changes[i].node;
		}
		fn(&event, arg);
	}
}

static void add(struct event *event, void *arg)
{
	struct events_picture *picture = arg;

	event->seq = picture->seq;
	event->revision = picture->revision;
	event->wall = picture->wall;
	if (picture->n == picture->room) {
		picture->room = MAX(picture->room * 2, (size_t)16);
		picture->at = xrealloc(picture->at, picture->room, sizeof(struct event *));
	}
	picture->at[picture->n++] = event_copy(event);
}

static struct events_picture *make(struct events *e)
{
	const struct db *db = replica_db(member_replica(e->agent->member));
	struct events_picture *picture = xcalloc(1, sizeof(*picture));
	CLEANUP(freep) struct managers_change *nodes = NULL;
	struct event leader = {.kind = EVENT_LEADER, .to = e->leader};
	struct event quorum = {.kind = EVENT_QUORUM, .on = e->quorum};
	size_t n;

	picture->seq = e->seq;
	picture->revision = e->last;
	picture->wall = clock_wall();
	add(&leader, picture);
	add(&quorum, picture);
	for (unsigned i = 0; i < e->n_members; i++) {
		struct event member = {.kind = EVENT_MEMBER,
			.name = e->members[i].name,
			.on = e->members[i].active};

		add(&member, picture);
	}
	n = managers_picture(e->managers, db, &nodes);
	events_each_batch(nodes, n, add, picture);
	return picture;
}

void events_picture_forget(struct events *e)
{
	events_picture_put(TAKE(e->picture));
}

struct events_picture *events_picture_get(struct events *e)
{
	if (e->picture && e->picture->seq != e->seq)
		events_picture_forget(e);
	if (!e->picture) {
		e->picture = make(e);
		e->picture->users = 1;
	}
	e->picture->users++;
	return e->picture;
}

const struct event *events_picture_at(const struct events_picture *picture, size_t i)
{
	return i < picture->n ? picture->at[i] : NULL;
}

uint64_t events_picture_seq(const struct events_picture *picture)
{
	return picture->seq;
}

void events_picture_put(struct events_picture *picture)
{
	if (!picture || --picture->users > 0)
		return;
	for (size_t i = 0; i < picture->n; i++)
		event_drop(picture->at[i]);
	free(picture->at);
	free(picture);
}
