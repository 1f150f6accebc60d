/*
 * What the files of app/events.h share: events.c looks and keeps the window, events_registry.c compares
 * the registry with what was told, events_picture.c tells how things are.
 */
#ifndef APP_EVENTS_PRIVATE_H
#define APP_EVENTS_PRIVATE_H

#include "app/events.h"
#include "app/managers.h"
#include "base/name.h"
#include "copy/replica.h"

struct told_member {
	char name[NAME_MAX_LEN + 1];
	bool active;
	bool seen; /* in the look under way */
};

struct events {
	struct agent *agent;
	struct managers *managers;
	struct replica_listener copy;
	struct loop_defer *look;
	struct list listeners;
	bool attached;
	bool begun;	 /* all is known, once since the member came */
	bool ever_begun; /* since the start */
	usec_t waits;	 /* since when the registry waits for the managers; 0: it does not */

	/* what was told */
	char leader[NAME_MAX_LEN + 1];
	bool quorum;
	struct told_member *members;
	unsigned n_members;

	/* the window: at[first] to at[n - 1] */
	struct event **at;
	size_t first, n, room, facts;
	char run[24];
	int64_t floor; /* what came behind this revision is in the window */
	int64_t last;
	uint64_t seq;
	struct events_picture *picture; /* the latest that was asked for */
};

/* Tells an event, which is copied: 0 for the last revision told. */
void events_tell(struct events *events, int64_t revision, struct event *event);
/* Tells what is new of the registry, but for what is of the future of a copy at that revision. */
void events_tell_registry(struct events *events, int64_t copy);
/* Calls fn with an event for each run of changes of one kind, of no more than EVENT_NODES_MAX nodes. */
void events_each_batch(const struct managers_change *changes, size_t n,
	void (*fn)(struct event *event, void *arg), void *arg);
void events_picture_forget(struct events *events);

#endif
