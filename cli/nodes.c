/*
 * The commands that list, define, remove and rename nodes and groups.
 */
#include "config.h"
#include "cli/programs.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/name.h"
#include "base/text.h"
#include "cli/assign.h"
#include "cli/session.h"
#include "cli/value.h"

/* A member of a collection, without the '/' that says so. */
static int on_item(const json *frame, void *arg)
{
	struct listing *l = arg;
	const char *href = json_text(json_at(frame, "item/href"));
	char *name;

	if (ferror(l->s->call->out))
		return -EPIPE;
	if (session_error(l->s, frame, "", false) || !href)
		return 0;
	name = xstrndup(href, strcspn(href, "/"));
	listing_add(l, name, name);
	free(name);
	return 0;
}

static void list(struct session *s, const char *path, const char *key, const char *separator)
{
	struct listing l;

	listing_begin(&l, s, key);
	if (separator)
		l.separator = separator;
	if (path)
		session_request(s, "retrieve", path, NULL, on_item, &l);
	listing_end(&l);
}

int run_nodelist(struct call *call)
{
	CLEANUP(freep) char *path = NULL;
	struct session s;

	session_init(&s, call);
	if (call->count > 1) {
		const struct target target = {.name = call->args[0]};

		attributes_print(&s, &target, "all", call->args + 1, call->count - 1);
		return session_done(&s);
	}
	path = call->count ? session_path(&s, "/noderange/", call->args[0], "/nodes/")
			   : xstrdup("/nodes/");
	list(&s, path, "nodes", call_option(call, "delim"));
	return session_done(&s);
}

int run_nodegrouplist(struct call *call)
{
	struct session s;

	session_init(&s, call);
	list(&s, "/nodegroups/", "groups", NULL);
	return session_done(&s);
}

/* {"created":"n1"} or {"deleted":"n1"}, by the key of the listing. */
static int on_report(const json *frame, void *arg)
{
	struct listing *l = arg;
	const char *name = json_text(json_get(frame, l->key));
	char *shown;

	session_error(l->s, frame, "", false);
	if (!name)
		return 0;
	shown = xasprintf("%s: %s", name, l->key);
	listing_add(l, name, shown);
	free(shown);
	return 0;
}

/* The attributes behind the first argument. NULL: they are not good, which is told. */
static json *given_attributes(struct session *s)
{
	CLEANUP(assign_done) struct assignments a = {NULL, 0};
	struct call *call = s->call;
	struct err err = {""};
	bool last;
	int rc = 0;

	for (int i = 1; rc == 0 && i < call->count; i++)
		rc = assign_word(&a, call->args[i], &err);
	for (size_t i = 0; rc == 0 && i < a.n; i++) {
		if (text_eq(a.list[i].name, "name"))
			rc = err_set(&err, -EINVAL, "'name' is no attribute");
		else if (a.list[i].how != ASSIGN_SET)
			rc = err_set(&err, -EINVAL, "%s: what is new can only be set, with '='",
				a.list[i].name);
		else if (a.list[i].round)
			rc = err_set(&err, -EINVAL, "%s is given twice", a.list[i].name);
	}
	if (rc == 0)
		return assign_parameters(&a, 0, &last);
	session_fail(s, CLI_FAILED, err.text);
	return NULL;
}

static void define(struct listing *l, const char *path, const char *name, const json *attributes)
{
	json *parameters = json_new_object();
	const json *one;

	json_set_str(parameters, "name", name);
	json_foreach(one, attributes) json_set(parameters, json_name(one), json_clone(one));
	session_request(l->s, "create", path, parameters, on_report, l);
}

int run_nodedefine(struct call *call)
{
	CLEANUP(json_wipep) json *attributes = NULL;
	struct listing l;
	struct session s;

	session_init(&s, call);
	attributes = given_attributes(&s);
	if (attributes) {
		listing_begin(&l, &s, "created");
		define(&l, "/noderange/", call->args[0], attributes);
		listing_end(&l);
	}
	return session_done(&s);
}

/* The first group of a list with commas, new; *at moves on to the rest, NULL behind the last. */
static char *next_group(const char **at)
{
	size_t len = strcspn(*at, ",");
	char *group = xstrndup(*at, len);

	*at = (*at)[len] ? *at + len + 1 : NULL;
	return group;
}

/* Each group is a request of its own: a name that will be refused must not be the second one. */
static bool good_groups(struct session *s, const char *groups)
{
	struct err err = {""};

	for (const char *at = groups; at;) {
		CLEANUP(freep) char *group = next_group(&at);
		CLEANUP(freep) char *text = NULL;

		if (name_object_check(group, "group", &err) == 0)
			continue;
		text = xasprintf("Bad Request - %s", err.text);
		session_fail(s, CLI_FAILED, text);
		return false;
	}
	return true;
}

static void remove_group(struct listing *l, const char *group)
{
	CLEANUP(freep) char *path = session_path(l->s, "/nodegroups/", group, "");

	if (path)
		session_request(l->s, "delete", path, NULL, on_report, l);
}

int run_nodegroupdefine(struct call *call)
{
	CLEANUP(json_wipep) json *attributes = NULL;
	struct listing l;
	struct session s;

	session_init(&s, call);
	attributes = given_attributes(&s);
	if (attributes && good_groups(&s, call->args[0])) {
		listing_begin(&l, &s, "created");
		for (const char *at = call->args[0]; at;) {
			CLEANUP(freep) char *group = next_group(&at);

			define(&l, "/nodegroups/", group, attributes);
		}
		listing_end(&l);
	}
	return session_done(&s);
}

int run_nodegroupremove(struct call *call)
{
	struct listing l;
	struct session s;

	session_init(&s, call);
	if (good_groups(&s, call->args[0])) {
		listing_begin(&l, &s, "deleted");
		for (const char *at = call->args[0]; at;) {
			CLEANUP(freep) char *group = next_group(&at);

			remove_group(&l, group);
		}
		listing_end(&l);
	}
	return session_done(&s);
}

int run_noderemove(struct call *call)
{
	CLEANUP(freep) char *path = NULL;
	struct listing l;
	struct session s;

	session_init(&s, call);
	if (session_may_change(&s, call->args[0]))
		path = session_path(&s, "/noderange/", call->args[0], "");
	if (path) {
		listing_begin(&l, &s, "deleted");
		session_request(&s, "delete", path, NULL, on_report, &l);
		listing_end(&l);
	}
	return session_done(&s);
}

static void renamed(struct listing *l, const char *from, const char *to)
{
	FILE *out = l->s->call->out;
	char *shown;

	if (l->s->json) {
		fputs(l->n++ ? "," : "", out);
		json_out(out, from);
		fputc(':', out);
		json_out(out, to);
		return;
	}
	shown = xasprintf("%s: %s", from, to);
	listing_add(l, from, shown);
	free(shown);
}

static int on_renamed_nodes(const json *frame, void *arg)
{
	struct listing *l = arg;
	const json *node;

	session_error(l->s, frame, "Error: ", true);
	json_foreach(node, json_get(frame, "databynode"))
	{
		const char *to = json_text(json_at(node, "rename/value"));
		char *front = xasprintf("%s: Error: ", json_name(node));

		if (!session_error(l->s, node, front, true) && to)
			renamed(l, json_name(node), to);
		free(front);
	}
	return 0;
}

static int on_renamed_group(const json *frame, void *arg)
{
	struct listing *l = arg;
	const char *from = json_text(json_get(frame, "oldname"));
	const char *to = json_text(json_get(frame, "newname"));

	if (!session_error(l->s, frame, "", false) && from && to)
		renamed(l, from, to);
	return 0;
}

static int rename_all(struct call *call, const char *root, client_frame_fn *on_frame)
{
	CLEANUP(freep) char *path = NULL;
	struct listing l;
	struct session s;
	json *parameters;

	session_init(&s, call);
	path = session_path(&s, root, call->args[0], "/attributes/rename");
	if (path) {
		parameters = json_new_object();
		json_set_str(parameters, "rename", call->args[1]);
		l = (struct listing){.s = &s, .key = "renamed", .separator = "\n"};
		if (s.json)
			fputs("{\"renamed\":{", call->out);
		session_request(&s, "update", path, parameters, on_frame, &l);
		if (s.json)
			fputs("}}\n", call->out);
		else
			listing_end(&l);
	}
	return session_done(&s);
}

int run_noderename(struct call *call)
{
	return rename_all(call, "/noderange/", on_renamed_nodes);
}

int run_nodegrouprename(struct call *call)
{
	return rename_all(call, "/nodegroups/", on_renamed_group);
}
