/*
 * collective restore: reads the files of a backup and hands them to the agent, piece by piece. The agent
 * checks all of it before it writes anything.
 */
#include "config.h"
#include "cli/commands.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/backup.h"
#include "cli/client.h"
#include "cli/restore_files.h"
#include "wire/frame.h"

/* A piece of that much JSON keeps the agent busy for a few milliseconds. */
#define PIECE	     ((size_t)48 << 10)
#define ENTRY_MAX    (FRAME_REQUEST_MAX - 4096)
#define COMMIT_LIMIT (3600 * USEC_PER_SEC)
#define PROBLEMS_MAX 100

struct restoring {
	struct call *call;
	struct restore_files files;
	char *session;
	int status;
	/* a piece */
	json *objects;
	size_t bytes;
};

static void restoring_done(struct restoring *r)
{
	restore_files_done(&r->files);
	json_wipe(r->objects);
	free(r->session);
}

/* ---- begin ---- */

static bool wants_secrets(const struct restoring *r)
{
	return !call_option(r->call, "without-secrets");
}

/* Adds the keys to the request. */
static int add_keys(struct restoring *r, json *request, struct err *err)
{
	enum restore_keys keys = restore_files_keys(&r->files);
	CLEANUP(secret_freep) char *password = NULL;
	int rc;

	if (keys == RESTORE_FOREIGN && wants_secrets(r))
		return err_set(err, -EINVAL,
			"keys.json is not one that this program wrote, and confluentdbutil's "
			"secrets can't be opened here: --without-secrets restores the rest");
	if (keys == RESTORE_NO_KEYS || keys == RESTORE_FOREIGN)
		return 0;
	if (keys == RESTORE_LOCKED) {
		/* whoever does not know it can do without */
		if (!wants_secrets(r) && !call_option(r->call, "password-file"))
			return 0;
		rc = backup_password(r->call, false, &password, err);
		if (rc < 0)
			return rc;
		json_set_str(request, "password", password);
	}
	json_set(request, "keys", json_clone(r->files.keys));
	return 0;
}

static json *step(const struct restoring *r, const char *name)
{
	json *request = command_request("restore");

	json_set_str(request, "step", name);
	if (r->session)
		json_set_str(request, "session", r->session);
	return request;
}

static int begin(struct restoring *r)
{
	CLEANUP(json_freep) json *answer = NULL;
	CLEANUP(json_wipep) json *request = step(r, "begin");
	bool merge = call_option(r->call, "merge"), replace = call_option(r->call, "replace");
	struct err err = {""};
	const char *session;
	int rc;

	json_set_str(request, "mode", merge ? "merge" : replace ? "replace" : "empty");
	json_set_bool(request, "without_secrets", !wants_secrets(r));
	if (add_keys(r, request, &err) < 0)
		return command_failed(r->call, err.text);
	rc = command_ask(r->call, TAKE(request), CLIENT_ANSWER_TIMEOUT, &answer);
	if (rc != CLI_OK)
		return rc;
	if (json_str(answer, "session", &session, &err) < 0) {
		err_wrap(&err, 0, "unexpected answer of collectived");
		return command_failed(r->call, err.text);
	}
	r->session = xstrdup(session);
	return CLI_OK;
}

/* ---- the pieces ---- */

static int flush_piece(struct restoring *r, const char *kind)
{
	CLEANUP(json_freep) json *answer = NULL;
	json *request;

	if (!r->objects)
		return CLI_OK;
	request = step(r, "add");
	json_set_str(request, "kind", kind);
	json_set(request, "objects", TAKE(r->objects));
	r->bytes = 0;
	return command_ask(r->call, request, CLIENT_ANSWER_TIMEOUT, &answer);
}

/* The entry as the agent is to get it: who is in a group is said by the nodes. */
static json *entry_of(const json *object, bool node)
{
	json *entry;
	const json *it;

	if (node || !json_get(object, "nodes"))
		return json_clone(object);
	entry = json_new_object();
	json_foreach(it, object)
	{
		if (!text_eq(json_name(it), "nodes"))
			json_set(entry, json_name(it), json_clone(it));
	}
	return entry;
}

static int add_object(struct restoring *r, const char *kind, const json *object)
{
	json *entry = entry_of(object, text_eq(kind, "node")), *one;
	struct buf text = BUF_INIT(ENTRY_MAX);
	int status = CLI_OK;

	if (json_print(entry, &text) < 0) {
		struct err err;

		err_set(&err, 0, "%s %s is larger than the %zu KiB that can be restored at once",
			kind, json_name(object), ENTRY_MAX >> 10);
		json_wipe(entry);
		return command_failed(r->call, err.text);
	}
	if (r->bytes + text.len > PIECE)
		status = flush_piece(r, kind);
	if (!r->objects)
		r->objects = json_new_array();
	one = json_add(r->objects, json_new_object());
	json_set_str(one, "name", json_name(object));
	json_set(one, "entry", entry);
	r->bytes += text.len;
	buf_wipe(&text);
	return status;
}

static int add_all(struct restoring *r, const char *kind, const json *const *objects, size_t n)
{
	int status = CLI_OK;

	for (size_t i = 0; i < n && status == CLI_OK; i++)
		status = add_object(r, kind, objects[i]);
	return status == CLI_OK ? flush_piece(r, kind) : status;
}

/* ---- commit ---- */

static void tell_problems(struct call *call, const json *answer)
{
	const json *it;
	int64_t more = 0;

	json_foreach(it, json_at(answer, "problems"))
	{
		if (json_text(it)) {
			writer_print(call->err, json_text(it));
			fputc('\n', call->err);
		}
	}
	if (json_i64(answer, "more", &more, NULL) == 0 && more > 0)
		fprintf(call->err, "and %lld more\n", (long long)more);
}

static int tell(struct call *call, const json *answer)
{
	const char *status;
	struct err err = {""};
	int64_t left_out = 0;
	struct writer *w;

	if (json_str(answer, "status", &status, &err) < 0) {
		err_wrap(&err, 0, "unexpected answer of collectived");
		return command_failed(call, err.text);
	}
	if (json_i64(answer, "left_out", &left_out, NULL) == 0 && left_out > 0)
		fprintf(call->err, "%lld secret%s and hashes were left out\n", (long long)left_out,
			left_out == 1 ? "" : "s");
	if (call_option(call, "json")) {
		w = command_writer(call, call->out);
		writer_text(w, "status", NULL, status);
		writer_number(w, "left_out", (double)left_out, NULL, NULL);
		writer_free(w);
		return CLI_OK;
	}
	writer_print(call->out, status);
	fputc('\n', call->out);
	return CLI_OK;
}

static int commit(struct restoring *r)
{
	CLEANUP(json_freep) json *answer = NULL;
	const char *text;
	struct err err = {""};

	if (command_answer(r->call, step(r, "commit"), COMMIT_LIMIT, &answer, &err) < 0) {
		err_wrap(&err, 0, "it is not known what was restored");
		return command_failed(r->call, err.text);
	}
	if (json_str(answer, "error", &text, NULL) < 0)
		return tell(r->call, answer);
	tell_problems(r->call, answer);
	return command_failed(r->call, text);
}

/* ---- the command ---- */

static void on_problem(const char *text, void *arg)
{
	struct restoring *r = arg;

	if (r->status++ >= PROBLEMS_MAX)
		return;
	writer_print(r->call->err, text);
	fputc('\n', r->call->err);
}

static void on_strange(const char *name, size_t entries, void *arg)
{
	struct restoring *r = arg;

	writer_print(r->call->err, name);
	fprintf(r->call->err, ": %zu entr%s not restored, there is no place for %s here\n", entries,
		entries == 1 ? "y is" : "ies are", entries == 1 ? "it" : "them");
}

static int check_files(struct restoring *r)
{
	size_t n = restore_files_check(&r->files, on_problem, r);

	restore_files_strange(&r->files, on_strange, r);
	if (n == 0)
		return CLI_OK;
	if (n > PROBLEMS_MAX)
		fprintf(r->call->err, "and %zu more\n", n - PROBLEMS_MAX);
	fprintf(r->call->err, "the backup has %zu problem%s, and nothing was written\n", n,
		n == 1 ? "" : "s");
	return CLI_FAILED;
}

int run_restore(struct call *call)
{
	CLEANUP(restoring_done) struct restoring r = {.call = call};
	struct err err = {""};
	int status;

	if (call_option(call, "merge") && call_option(call, "replace"))
		return command_failed(call, "--merge and --replace exclude each other");
	if (restore_files_read(&r.files, call->args[0], &err) < 0)
		return command_failed(call, err.text);
	status = check_files(&r);
	if (status == CLI_OK)
		status = begin(&r);
	if (status == CLI_OK)
		status = add_all(&r, "group", r.files.groups, r.files.n_groups);
	if (status == CLI_OK)
		status = add_all(&r, "node", r.files.nodes, r.files.n_nodes);
	return status == CLI_OK ? commit(&r) : status;
}
