/*
 * struct events: everything that happens to leader, quorum, members and managers, as one ordered stream
 * that others follow: `collective watch`, and the hooks. A window of the latest is kept so that a follower
 * that was away can go on after what it knows.
 *
 * What is told. The leader is the one that `show` names: nobody, while this member has no quorum or, where
 * it is the leader itself, does not act. Of a member counts whether it is active. Of nodes the present
 * counts, not each step: two changes between two looks are one event. The first event comes when all is
 * known once, from etcd and not from a copy on disk.
 *
 * Order. An event's revision says: this is known as of that revision. Revisions never go back in the
 * stream. News of a key that is there carries the key's revision, and is told once the copy of the database is
 * at that revision; news of nodes carries the revision of the copy, which all of them are looked at as of
 * one; what has no revision (quorum, a lease that ended by this member's clock) carries the last one
 * told. What comes late is raised to the last one told. So whoever knows all through revision R misses
 * nothing that is told with a greater one. Several events may have one revision, also at different times:
 * who wants to go on amid them gives run and seq, too.
 */
#ifndef APP_EVENTS_H
#define APP_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/event.h"
#include "base/list.h"

struct agent;
struct events;

#define EVENTS_KEPT 65536 /* nodes and other facts in the window, all together */

struct events *events_new(struct agent *agent);
void events_free(struct events *events);   /* NULL is fine */
void events_attach(struct events *events); /* agent->member has come, and is about to go */
void events_detach(struct events *events);
/* Something about the member may be different. */
void events_changed(struct events *events);

/* Called from the loop. An event lives until the listener returns; it may be found in the window by its
 * seq later. The listener may unlink itself. */
struct events_listener {
	struct list link;
	void (*fn)(const struct event *event, void *arg);
	/* There is a picture now, and events_run() a new one. May be NULL. */
	void (*begun)(void *arg);
	/* The member is taken away: what follows is of another run. May be NULL. */
	void (*ended)(void *arg);
	void *arg;
};
void events_listen(struct events *events, struct events_listener *listener);
void events_unlisten(struct events_listener *listener);

/* A text for this run; NULL while nothing is known yet. */
const char *events_run(const struct events *events);
/* All through this revision is told or in the window. */
int64_t events_revision(const struct events *events);
/* Of the last event; 0: none yet. */
uint64_t events_seq(const struct events *events);
/* What was told last of these; "" for nobody. */
bool events_quorum(const struct events *events);
const char *events_leader(const struct events *events);
/* What of the window comes behind that revision: *ret_seq is the last event that does not. False: some of
 * it is no longer there, or the revision is of another time; begin with a picture. */
bool events_after(const struct events *events, int64_t revision, uint64_t *ret_seq);
/* NULL: it is not in the window (any more, or yet). */
const struct event *events_find(const struct events *events, uint64_t seq);

/* How things are, as events that tell of it; one for all who ask between two events. */
struct events_picture;
struct events_picture *events_picture_get(struct events *events);
/* NULL past the last. */
const struct event *events_picture_at(const struct events_picture *picture, size_t i);
uint64_t events_picture_seq(const struct events_picture *picture);
void events_picture_put(struct events_picture *picture); /* NULL is fine */

#endif
