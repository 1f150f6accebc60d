#include "config.h"
#include "cli/session.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/value.h"
#include "wire/frame.h"

void session_init(struct session *s, struct call *call)
{
	*s = (struct session){.call = call, .json = call_option(call, "json") != NULL};
}

int session_done(struct session *s)
{
	client_free(s->client);
	s->client = NULL;
	return s->status;
}

void session_print(FILE *out, const char *text)
{
	struct buf b = BUF_INIT(2 * (size_t)FRAME_BODY_MAX);

	if (value_add_text(&b, text) == 0)
		fwrite(b.data, 1, b.len, out);
	buf_wipe(&b);
}

void session_fail(struct session *s, int code, const char *text)
{
	session_print(s->call->err, text);
	fputc('\n', s->call->err);
	s->status = code;
}

/* Errors of an agent may be any number; 0 would be no failure. */
static int exit_status(const json *frame)
{
	int64_t code;

	if (json_i64(frame, "errorcode", &code, NULL) < 0 || (code & 0xff) == 0)
		return CLI_FAILED;
	return (int)(code & 0xff);
}

bool session_error(struct session *s, const json *frame, const char *front, bool coded)
{
	const json *error = json_get(frame, "error");
	const char *text = json_text(error);

	if (!error)
		return false;
	fputs(front, s->call->err);
	session_fail(s, coded ? exit_status(frame) : CLI_FAILED,
		text ? text : "the request was refused, without a reason");
	return true;
}

static void tell_age(struct session *s, const json *stale)
{
	char shown[NUM_DURATION_MAX];
	int64_t revision;
	double age;

	if (!stale || s->told)
		return;
	s->told = true;
	if (json_number(stale, "age", &age, NULL) < 0 || !(age >= 0))
		age = 0;
	fprintf(s->call->err, "Showing what was known %s ago", duration(age, shown));
	if (json_i64(stale, "revision", &revision, NULL) == 0)
		fprintf(s->call->err, " (revision %" PRId64 ")", revision);
	fprintf(s->call->err, "; collective show tells more\n");
}

bool session_request(struct session *s, const char *operation, const char *path, json *parameters,
	client_frame_fn *on_frame, void *arg)
{
	CLEANUP(json_freep) json *done = NULL;
	struct err err = {""};
	int rc = s->client ? 0 : client_open(s->call->socket, &s->client, &err);

	if (rc == 0) {
		rc = client_request(
			s->client, operation, path, TAKE(parameters), on_frame, arg, &done, &err);
		if (done && text_eq(operation, "retrieve"))
			tell_age(s, json_at(done, "stale"));
		if (done)
			command_heard(s->call, s->call->err, done);
	}
	json_wipe(parameters);
	if (rc == -EPIPE)
		s->status = CLI_FAILED;
	else if (rc < 0)
		session_fail(s, CLI_FAILED, err.text);
	return rc == 0;
}

char *session_path(struct session *s, const char *root, const char *name, const char *rest)
{
	struct err err;

	/* with nothing behind it, an empty name would stand for the folder that it is in */
	if (!strchr(name, '/') && (*name || *rest))
		return xasprintf("%s%s%s", root, name, rest);
	err_set(&err, -EINVAL, "'%s' cannot be asked for: it %s", name,
		*name ? "holds a '/'" : "is empty");
	session_fail(s, CLI_FAILED, err.text);
	return NULL;
}

struct counter {
	struct session *s;
	int64_t n;
	char *first;
};

static int count_node(const json *frame, void *arg)
{
	struct counter *c = arg;
	const char *href = json_text(json_at(frame, "item/href"));

	if (session_error(c->s, frame, "", false) || !href)
		return 0;
	if (!c->n++)
		c->first = xstrndup(href, strcspn(href, "/"));
	return 0;
}

/* The question goes where it can be read while standard output is a script's. */
static bool confirmed(struct session *s, const struct counter *c)
{
	FILE *out = s->json ? s->call->err : s->call->out;
	char answer[8] = "";

	if (c->n == 1) {
		fputs("Command is about to affect node ", out);
		session_print(out, c->first);
	} else {
		fprintf(out, "Command is about to affect %" PRId64 " nodes", c->n);
	}
	fputs(", continue (y/n)? ", out);
	fflush(out);
	return fgets(answer, sizeof(answer), s->call->in) && strchr("yY", answer[0]) &&
	       strchr("\r\n", answer[1]);
}

bool session_may_change(struct session *s, const char *noderange)
{
	const char *limit = call_option(s->call, "maxnodes");
	struct counter c = {.s = s};
	struct err err;
	int64_t max = 0;
	char *path;
	bool may;

	if (!limit)
		return true;
	if (num_i64_range(limit, 0, INT64_MAX, &max) < 0) {
		err_set(&err, 0, "%s: -m: '%s' is not a number of nodes", s->call->verb->name,
			limit);
		session_fail(s, CLI_USAGE, err.text);
		return false;
	}
	path = session_path(s, "/noderange/", noderange, "/nodes/");
	may = path && session_request(s, "retrieve", path, NULL, count_node, &c) && !s->status;
	if (may && c.n > max && !confirmed(s, &c)) {
		session_fail(s, CLI_FAILED, "Aborting at user request");
		may = false;
	}
	free(c.first);
	free(path);
	return may;
}

void json_out(FILE *out, const char *text)
{
	struct buf b = BUF_INIT(8 * (size_t)FRAME_BODY_MAX);
	json *value = json_new_str(text);

	if (json_print(value, &b) == 0)
		fwrite(b.data, 1, b.len, out);
	json_free(value);
	buf_done(&b);
}

void listing_begin(struct listing *l, struct session *s, const char *key)
{
	*l = (struct listing){.s = s, .key = key, .separator = "\n"};
	if (s->json)
		fprintf(s->call->out, "{\"%s\":[", key);
}

void listing_add(struct listing *l, const char *name, const char *shown)
{
	FILE *out = l->s->call->out;

	if (l->n++)
		fputs(l->s->json ? "," : l->separator, out);
	if (l->s->json)
		json_out(out, name);
	else
		session_print(out, shown);
}

void listing_end(struct listing *l)
{
	if (l->s->json)
		fputs("]}\n", l->s->call->out);
	else if (l->n)
		fputc('\n', l->s->call->out);
}
