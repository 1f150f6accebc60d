/*
 * struct event: one thing that happened to leader, quorum, members or managers (app/events.h). Its texts
 * are its own.
 */
#ifndef APP_EVENT_H
#define APP_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/usec.h"
#include "wire/json.h"

#define EVENT_NODES_MAX 1000

enum event_kind {
	EVENT_LEADER,  /* from, to: "" for nobody */
	EVENT_QUORUM,  /* on */
	EVENT_MEMBER,  /* name; on, was_on: it is active. gone: it is no member any more */
	EVENT_MANAGER, /* nodes: from, to: "" for nobody. gone: the nodes are no more */
};

struct event_text;

struct event {
	uint64_t seq; /* counts within this run; in a picture the last one's */
	int64_t revision;
	usec_t wall;
	enum event_kind kind;
	const char *name, *from, *to;
	bool on, was_on, gone;
	bool first;		  /* part of the first picture: how things are, not what happened */
	const char *const *nodes; /* MANAGER: names in natural order */
	size_t n_nodes;
	struct event_text *text; /* private */
};

/* A copy, texts and nodes included; those that are NULL are "". */
struct event *event_copy(const struct event *event);
void event_drop(struct event *event); /* NULL is fine */
/* How it is told over the socket (docs/protocol.md); new. */
json *event_tell(const struct event *event);

#endif
