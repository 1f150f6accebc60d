/*
 * nodeattrib and nodegroupattrib, when they change. Upstream's tools send a request for each
 * attribute; here all of a command line is one, so that the agent checks all of it before it changes
 * anything. The lines stay the same, attribute by attribute: those of the first are printed as they
 * come, those of the others when the answer has ended.
 */
#include "config.h"
#include "cli/programs.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "cli/assign.h"
#include "cli/session.h"
#include "cli/value.h"
#include "wire/frame.h"

/* Lines that wait; past it they are printed out of order. */
#define LINES_MAX ((size_t)64 << 20)

struct changer {
	struct session *s;
	const struct target *target;
	const struct assignments *a;
	unsigned round;
	bool clears;
	struct buf *lines; /* by assignment */
	unsigned long n;   /* JSON: facts so far */
};

static void flush(struct changer *c, size_t i)
{
	fwrite(buf_cstr(&c->lines[i]), 1, c->lines[i].len, c->s->call->out);
	buf_reset(&c->lines[i]);
}

/* "n1: 3" among the lines of its attribute. */
static void add_line(struct changer *c, size_t i, const char *node, const json *value)
{
	struct buf line = BUF_INIT(8 * (size_t)FRAME_BODY_MAX);
	int rc = value_add_text(&line, node);

	if (rc == 0)
		rc = buf_str(&line, ": ");
	if (rc == 0)
		rc = value_add_changed(&line, value);
	if (rc == 0)
		rc = buf_str(&line, "\n");
	if (rc == 0 && (i == 0 || buf_add(&c->lines[i], line.data, line.len) < 0)) {
		flush(c, i);
		fwrite(line.data, 1, line.len, c->s->call->out);
	}
	buf_wipe(&line);
}

/* One fact of the list that --json prints: {"node":"n1","attribute":"location.u","value":"3"}. */
static void add_fact(struct changer *c, const char *object, const char *name, const json *value)
{
	struct buf out = BUF_INIT(8 * (size_t)FRAME_BODY_MAX);
	json *fact = json_new_object();
	const json *child;

	json_set_str(fact, c->target->group ? "group" : "node", object);
	json_set_str(fact, "attribute", name);
	if (json_is_object(value))
		json_foreach(child, value) json_set(fact, json_name(child), json_clone(child));
	else
		json_set(fact, "value", json_clone(value));
	if (json_print(fact, &out) == 0)
		fprintf(c->s->call->out, "%s%s", c->n++ ? "," : "", buf_cstr(&out));
	json_wipe(fact);
	buf_wipe(&out);
}

static void add_warnings(struct changer *c, const json *warnings)
{
	const json *one;

	json_foreach(one, warnings)
	{
		fputs("Warning: ", c->s->call->err);
		session_print(c->s->call->err, json_text(one) ? json_text(one) : "");
		fputc('\n', c->s->call->err);
	}
}

/* The attributes of an object that this round is about, as they are now. */
static void add_object(struct changer *c, const char *name, const json *attributes)
{
	for (size_t i = 0; i < c->a->n; i++) {
		const struct assignment *one = &c->a->list[i];
		const json *value = json_get(attributes, one->name);

		if (one->round != c->round || !value)
			continue;
		if (c->s->json)
			add_fact(c, name, one->name, value);
		else if (!c->clears && !c->target->group)
			add_line(c, i, name, value);
	}
}

static int on_frame(const json *frame, void *arg)
{
	struct changer *c = arg;
	const json *node;
	char *front;

	if (session_error(c->s, frame, "Error: ", true))
		return 0;
	if (c->target->group) {
		add_warnings(c, json_get(frame, "_warnings"));
		add_object(c, c->target->name, frame);
	}
	json_foreach(node, json_get(frame, "databynode"))
	{
		front = xasprintf("%s: Error: ", json_name(node));
		if (!session_error(c->s, node, front, true)) {
			add_warnings(c, json_get(node, "_warnings"));
			add_object(c, json_name(node), node);
		}
		free(front);
	}
	return 0;
}

static bool change(struct changer *c, const char *path)
{
	bool last = false;
	bool reached = true;

	for (; !last && reached && !c->s->status; c->round++) {
		json *parameters = assign_parameters(c->a, c->round, &last);

		reached = session_request(c->s, "update", path, parameters, on_frame, c);
		for (size_t i = 0; i < c->a->n; i++)
			if (c->a->list[i].round == c->round)
				flush(c, i);
	}
	return reached && !c->s->status;
}

bool attributes_change(
	struct session *s, const struct target *target, const struct assignments *a, bool clears)
{
	struct changer c = {.s = s, .target = target, .a = a, .clears = clears};
	CLEANUP(freep)
	char *path = session_path(
		s, target->group ? "/nodegroups/" : "/noderange/", target->name, "/attributes/all");
	bool done;

	if (!path)
		return false;
	c.lines = xcalloc(a->n, sizeof(*c.lines));
	for (size_t i = 0; i < a->n; i++)
		buf_init(&c.lines[i], LINES_MAX);
	if (s->json)
		fputs("{\"changed\":[", s->call->out);
	done = change(&c, path);
	if (s->json)
		fputs("]}\n", s->call->out);
	for (size_t i = 0; i < a->n; i++)
		buf_wipe(&c.lines[i]);
	free(c.lines);
	return done;
}
