/*
 * struct events: everything that happens to leader, quorum, members and managers, as one ordered stream
 * that others follow: `collective watch`, and the hooks. A window of the latest is kept so that a follower
 * that was away can go on after the revision it knows.
 *
 * Order. Revisions never go back in the stream; all events of a revision are there before those of a
 * later one. Quorum is this member's own and has no revision of its own: it carries the latest.
 * Of nodes the present counts, not each step: two changes of one node between two looks are one event.
 */
#ifndef APP_EVENTS_H
#define APP_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/name.h"
#include "base/usec.h"
#include "wire/json.h"

struct agent;
struct events;

#define EVENTS_KEPT	 65536 /* nodes and other facts in the window, all together */
#define EVENTS_NODES_MAX 1000  /* in one event */

enum event_kind {
	EVENT_LEADER,  /* from, to: "" for nobody */
	EVENT_QUORUM,  /* on */
	EVENT_MEMBER,  /* name; on: it is active. gone: it is no member any more */
	EVENT_MANAGER, /* nodes: from, to */
};

struct event {
	struct list link;
	uint64_t seq;	  /* counts within this run */
	int64_t revision; /* of etcd, that this is known as of */
	usec_t wall;
	enum event_kind kind;
	const char *name, *from, *to;
	bool on, gone;
	const char *const *nodes; /* MANAGER: names in natural order */
	size_t n_nodes;
};

struct events *events_new(struct agent *agent);
void events_free(struct events *events);   /* NULL is fine */
void events_attach(struct events *events); /* agent->member has come, and is about to go */
void events_detach(struct events *events);
/* Something about the member may be different. */
void events_changed(struct events *events);

/* Called from the loop with each new event; it lives until the listener returns or, in the window, until
 * it is pushed out. */
struct events_listener {
	struct list link;
	void (*fn)(const struct event *event, void *arg);
	void *arg;
};
void events_listen(struct events *events, struct events_listener *listener);
/* The first one in the window with a revision greater than this; false in *ret_whole: something of what
 * came after it is no longer there (or the revision is of another time), begin with a picture. NULL: none. */
const struct event *events_after(const struct events *events, int64_t revision, bool *ret_whole);
const struct event *events_next(const struct events *events, const struct event *event);
/* How the event is told over the socket; new. */
json *event_tell(const struct event *event);

#endif
