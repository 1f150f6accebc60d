/*
 * nodeattrib and nodegroupattrib: what a command line asks for. It is read as a whole, and found good
 * or bad, before the agent is asked for anything.
 */
#include "config.h"
#include "cli/programs.h"

#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/assign.h"
#include "cli/session.h"
#include "cli/value.h"
#include "wire/frame.h"

enum aim { AIM_READ, AIM_SET, AIM_CLEAR, AIM_ENVIRONMENT, AIM_PROMPT, AIM_FILE, AIM_WRONG };

static enum aim wrong(struct session *s, int code, const char *text)
{
	session_fail(s, code, text);
	return AIM_WRONG;
}

/* "Error: ['a=1', 'b'] …": as upstream, with the words as Python shows them. */
static enum aim wrong_words(struct session *s, const char *what)
{
	struct buf text = BUF_INIT(8 * (size_t)FRAME_BODY_MAX);

	if (buf_str(&text, "Error: ") < 0 ||
		value_add_words(&text, s->call->args + 1, s->call->count - 1) < 0 ||
		buf_str(&text, what) < 0)
		buf_reset(&text);
	session_fail(s, CLI_FAILED, buf_cstr(&text));
	buf_wipe(&text);
	return AIM_WRONG;
}

static int assignments_in(const struct call *call)
{
	int n = 0;

	for (int i = 1; i < call->count; i++)
		n += assign_looks_like(call->args[i]);
	return n;
}

/* The one of -c, -e, -p, -s that is given. */
static enum aim aim_of_options(struct session *s)
{
	static const struct {
		const char *name;
		enum aim aim;
	} options[] = {
		{"clear", AIM_CLEAR},
		{"environment", AIM_ENVIRONMENT},
		{"prompt", AIM_PROMPT},
		{"set", AIM_FILE},
	};
	enum aim aim = AIM_READ;

	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		if (!call_option(s->call, options[i].name))
			continue;
		if (aim != AIM_READ)
			return wrong(s, CLI_FAILED, "Error: -c, -e, -p and -s exclude each other");
		aim = options[i].aim;
	}
	return aim;
}

static enum aim aim_of(struct session *s)
{
	const struct call *call = s->call;
	int assignments = assignments_in(call);
	enum aim aim = aim_of_options(s);

	if (aim == AIM_WRONG)
		return aim;
	if (aim == AIM_FILE)
		return call->count == 1 ? aim
					: wrong(s, CLI_FAILED,
						  "Error: attributes are given, and a file of "
						  "attributes, too");
	if (aim != AIM_READ && call->count <= 1)
		return wrong(s, 400 & 0xff, "Attribute names required with specified options");
	if (aim == AIM_CLEAR && assignments)
		return wrong(s, CLI_FAILED, "Can not clear and set at the same time!");
	if (aim != AIM_READ && assignments)
		return wrong_words(s, " are to be names, their values come from elsewhere");
	if (aim != AIM_READ || !assignments)
		return aim;
	if (assignments != call->count - 1)
		return wrong_words(s, " Can not set and read at the same time!");
	return AIM_SET;
}

/* Reads everything that is to be set. */
static bool collect(struct session *s, enum aim aim, struct assignments *a)
{
	struct call *call = s->call;
	struct err err = {""};
	int rc = 0;

	if (aim == AIM_FILE)
		rc = assign_file(a, call_option(call, "set"), &err);
	for (int i = 1; rc == 0 && i < call->count; i++) {
		if (aim == AIM_CLEAR)
			assign_clear(a, call->args[i]);
		else if (aim == AIM_ENVIRONMENT)
			rc = assign_environment(a, call->args[i], &err);
		else if (aim == AIM_PROMPT)
			rc = assign_prompt(a, call->args[i], call, &err);
		else if (call->args[i][0] == '=' || strchr(",-^", call->args[i][0]))
			rc = -1;
		else
			rc = assign_word(a, call->args[i], &err);
	}
	if (rc < 0 && err.text[0]) {
		fputs("Error: ", call->err);
		session_fail(s, CLI_FAILED, err.text);
	} else if (rc < 0) {
		wrong_words(s, " not a valid expression");
	}
	return rc == 0;
}

/* "all" and "current" choose the view; a name is looked for in all. */
static void read_attributes(struct session *s, const struct target *target)
{
	const struct call *call = s->call;
	CLEANUP(freep) char **words = xcalloc((size_t)call->count, sizeof(*words));
	const char *view = call->count > 1 ? "all" : "current";
	int n = 0;

	if (call->count > 1 && text_eq(call->args[1], "current"))
		view = "current";
	for (int i = 1; i < call->count; i++)
		if (!text_eq(call->args[i], "all") && !text_eq(call->args[i], "current"))
			words[n++] = call->args[i];
	attributes_print(s, target, view, words, n);
}

static int run(struct call *call, bool group)
{
	CLEANUP(assign_done) struct assignments a = {NULL, 0};
	const struct target target = {.group = group, .name = call->count ? call->args[0] : ""};
	struct session s;
	enum aim aim;

	session_init(&s, call);
	aim = aim_of(&s);
	if (aim == AIM_READ)
		read_attributes(&s, &target);
	else if (aim != AIM_WRONG && collect(&s, aim, &a) &&
		 (group || session_may_change(&s, target.name)) &&
		 attributes_change(&s, &target, &a, aim == AIM_CLEAR) && aim == AIM_PROMPT &&
		 !s.json)
		/* As upstream, which shows it in full where it could not be seen before. */
		read_attributes(&s, &target);
	return session_done(&s);
}

int run_nodeattrib(struct call *call)
{
	return run(call, false);
}

int run_nodegroupattrib(struct call *call)
{
	/* as upstream's: without a group, which ones there are */
	if (!call->count && !call_option(call, "clear") && !call_option(call, "environment") &&
		!call_option(call, "prompt"))
		return run_nodegrouplist(call);
	return run(call, true);
}
