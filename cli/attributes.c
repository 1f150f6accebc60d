/*
 * nodeattrib and nodegroupattrib, when they read. Each frame of an answer is printed as it comes: an
 * answer about 20,000 nodes is more than a million frames.
 */
#include "config.h"
#include "cli/programs.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/names.h"
#include "cli/session.h"
#include "cli/value.h"
#include "wire/frame.h"

struct reader {
	struct session *s;
	const struct target *target;
	bool blame;
	struct names *names;
	struct buf line;
	char *open;	 /* JSON: the object that is being written, or NULL */
	bool some, more; /* JSON: an object was written; an attribute was written in it */
};

static int by_name(const void *a, const void *b)
{
	return strcmp(json_name(*(json *const *)a), json_name(*(json *const *)b));
}

/* The members of an object in code point order; new, *ret_n of them. */
static const json **sorted(const json *object, size_t *ret_n)
{
	const json **list = xcalloc(json_count(object) + 1, sizeof(*list));
	const json *child;

	*ret_n = 0;
	json_foreach(child, object) list[(*ret_n)++] = child;
	qsort(list, *ret_n, sizeof(*list), by_name);
	return list;
}

static void close_object(struct reader *r)
{
	if (r->open)
		fputc('}', r->s->call->out);
	free(TAKE(r->open));
}

/* "n1":{ unless that is where we are. */
static void open_object(struct reader *r, const char *object)
{
	FILE *out = r->s->call->out;

	if (text_eq(r->open, object))
		return;
	close_object(r);
	if (r->some)
		fputc(',', out);
	json_out(out, object);
	fputs(":{", out);
	r->open = xstrdup(object);
	r->some = true;
	r->more = false;
}

static int write_json(struct reader *r, const char *object, const json *value)
{
	FILE *out = r->s->call->out;

	open_object(r, object);
	if (r->more)
		fputc(',', out);
	json_out(out, json_name(value));
	fputc(':', out);
	r->more = true;
	return json_print(value, &r->line);
}

static int write_attribute(struct reader *r, const char *object, const json *value)
{
	int rc;

	if (!names_wanted(r->names, object, json_name(value)))
		return 0;
	buf_reset(&r->line);
	if (r->s->json)
		rc = write_json(r, object, value);
	else if (r->target->group)
		rc = value_add_group_line(&r->line, object, json_name(value), value);
	else
		rc = value_add_node_line(&r->line, object, json_name(value), value, r->blame);
	if (rc == 0)
		fwrite(r->line.data, 1, r->line.len, r->s->call->out);
	return rc;
}

/* Attributes of one node, or what failed there. */
static int write_node(struct reader *r, const json *node)
{
	size_t n;
	const json **list;
	char *front;
	int rc = 0;

	names_expect(r->names, json_name(node));
	if (json_get(node, "error")) {
		front = xasprintf("%s: Error: ", json_name(node));
		session_error(r->s, node, front, false);
		free(front);
		return 0;
	}
	list = sorted(node, &n);
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = write_attribute(r, json_name(node), list[i]);
	free(list);
	return rc;
}

static int write_nodes(struct reader *r, const json *nodes)
{
	size_t n;
	const json **list = sorted(nodes, &n);
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = write_node(r, list[i]);
	free(list);
	return rc;
}

static int on_frame(const json *frame, void *arg)
{
	struct reader *r = arg;
	const json *child;
	int rc = 0;

	if (ferror(r->s->call->out))
		return -EPIPE;
	if (session_error(r->s, frame, "", false))
		return 0;
	if (!r->target->group)
		return write_nodes(r, json_get(frame, "databynode"));
	json_foreach(child, frame) if (rc == 0) rc = write_attribute(r, r->target->name, child);
	return rc;
}

void attributes_print(struct session *s, const struct target *target, const char *view,
	char *const *words, int count)
{
	struct reader r = {
		.s = s,
		.target = target,
		.blame = call_option(s->call, "blame"),
		.names = names_new(words, count),
		.line = BUF_INIT(8 * (size_t)FRAME_BODY_MAX),
	};
	CLEANUP(freep) char *rest = xasprintf("/attributes/%s", view);
	CLEANUP(freep)
	char *path =
		session_path(s, target->group ? "/nodegroups/" : "/noderange/", target->name, rest);

	if (s->json)
		fprintf(s->call->out, "{\"%s\":{", target->group ? "groups" : "nodes");
	if (path && target->group) {
		names_expect(r.names, target->name);
		if (s->json)
			open_object(&r, target->name);
	}
	if (path)
		session_request(s, "retrieve", path, names_parameters(r.names), on_frame, &r);
	close_object(&r);
	if (s->json)
		fputs("}}\n", s->call->out);
	if (path && !s->status && !names_complete(r.names, s->call->err))
		s->status = CLI_FAILED;
	names_free(r.names);
	buf_wipe(&r.line);
}
