#include "config.h"
#include "app/event.h"

#include <string.h>

#include "base/mem.h"
#include "model/noderange.h"

/* What is worked out when somebody wants to know. */
struct event_text {
	char *noderange;
};

static size_t size_of(const char *text)
{
	return text ? strlen(text) + 1 : 1;
}

static const char *put(char **at, const char *text)
{
	char *copy = *at;
	size_t size = size_of(text);

	memcpy(copy, text ? text : "", size);
	*at += size;
	return copy;
}

struct event *event_copy(const struct event *from)
{
	size_t size = sizeof(struct event) + from->n_nodes * sizeof(const char *);
	const char **nodes;
	struct event *e;
	char *at;

	size += size_of(from->name) + size_of(from->from) + size_of(from->to);
	for (size_t i = 0; i < from->n_nodes; i++)
		size += size_of(from->nodes[i]);
	e = xmalloc(size);
	*e = *from;
	nodes = (const char **)(void *)(e + 1);
	at = (char *)(nodes + from->n_nodes);
	e->name = put(&at, from->name);
	e->from = put(&at, from->from);
	e->to = put(&at, from->to);
	for (size_t i = 0; i < from->n_nodes; i++)
		nodes[i] = put(&at, from->nodes[i]);
	e->nodes = nodes;
	e->text = xcalloc(1, sizeof(*e->text));
	return e;
}

void event_drop(struct event *e)
{
	if (!e)
		return;
	free(e->text->noderange);
	free(e->text);
	free(e);
}

static void tell_nodes(const struct event *e, json *frame)
{
	json *nodes;

	if (!e->text->noderange)
		e->text->noderange = noderange_fold(e->nodes, e->n_nodes);
	json_set_str(frame, "from", e->from);
	json_set_str(frame, "to", e->to);
	if (e->gone)
		json_set_bool(frame, "gone", true);
	json_set_number(frame, "count", (int64_t)e->n_nodes);
	json_set_str(frame, "noderange", e->text->noderange);
	nodes = json_set(frame, "nodes", json_new_array());
	for (size_t i = 0; i < e->n_nodes; i++)
		json_add_str(nodes, e->nodes[i]);
}

json *event_tell(const struct event *e)
{
	static const char *const kinds[] = {
		[EVENT_LEADER] = "leader",
		[EVENT_QUORUM] = "quorum",
		[EVENT_MEMBER] = "member",
		[EVENT_MANAGER] = "manager",
	};
	json *frame = json_new_object();

	json_set_str(frame, "event", kinds[e->kind]);
	json_set_i64(frame, "revision", e->revision);
	json_set_u64(frame, "seq", e->seq);
	json_set_seconds(frame, "time", e->wall);
	switch (e->kind) {
	case EVENT_LEADER:
		json_set_str(frame, "from", e->from);
		json_set_str(frame, "to", e->to);
		break;
	case EVENT_QUORUM:
		json_set_bool(frame, "quorum", e->on);
		break;
	case EVENT_MEMBER:
		json_set_str(frame, "name", e->name);
		json_set_bool(frame, "active", e->on);
		if (e->gone)
			json_set_bool(frame, "gone", true);
		break;
	case EVENT_MANAGER:
		tell_nodes(e, frame);
		break;
	}
	return frame;
}
