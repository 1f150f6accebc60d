#include "config.h"
#include "command/tell.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "api/server.h"
#include "app/agent.h"
#include "app/database.h"
#include "base/mem.h"
#include "command/command.h"
#include "io/loop.h"
#include "model/db.h"
#include "model/noderange.h"

#define SLICE	       (4 * USEC_PER_MSEC)
#define FRAME_ROWS_MAX 500
#define READABLE_LIMIT (10 * USEC_PER_SEC)
/* Names that are made short in one go, some milliseconds, and what a sentence has room for. */
#define FOLD_STEP  ((size_t)20000)
#define SOME_BYTES ((size_t)300)

struct tell {
	struct command *cmd;
	void *arg;
	const struct tell_ops *ops; /* NULL: nothing to be told now */
	struct loop_defer *more;
};

/* ---- rows ---- */

static void send_rows(struct tell *t, const char *key, json *rows)
{
	json *frame = json_new_object();

	json_set(frame, key, rows);
	api_request_reply(t->cmd->req, frame);
}

static void on_more(void *arg)
{
	struct tell *t = arg;
	const struct tell_ops *ops = t->ops;
	struct loop *loop = t->cmd->agent->loop;
	usec_t until = loop_now(loop) + SLICE;
	struct err err = {""};
	json *rows = NULL, *row;
	size_t n = 0;
	int rc;

	if (!ops || api_request_congested(t->cmd->req))
		return;
	loop_doing(loop, ops->doing);
	do {
		rc = ops->row(&row, &err, t->arg);
		if (rc == 1) {
			rows = rows ? rows : json_new_array();
			json_add(rows, row);
			n++;
		}
	} while ((rc == 1 || rc == -EAGAIN) && n < FRAME_ROWS_MAX && loop_now(loop) < until);
	if (rows)
		send_rows(t, ops->key, rows);
	if (rc == 1 || rc == -EAGAIN) {
		loop_defer_schedule(t->more);
		return;
	}
	t->ops = NULL;
	if (rc == 0)
		ops->end(t->arg);
	else
		command_fail(t->cmd, err.text);
}

static void on_drained(void *arg)
{
	struct tell *t = arg;

	if (t->ops)
		loop_defer_schedule(t->more);
}

static void on_cancelled(void *arg)
{
	struct tell *t = arg;

	command_fail(t->cmd, "interrupted");
}

struct tell *tell_new(struct command *cmd, void *arg)
{
	static const struct api_request_hooks hooks = {
		.cancelled = on_cancelled, .drained = on_drained};
	struct tell *t = xcalloc(1, sizeof(*t));

	t->cmd = cmd;
	t->arg = arg;
	t->more = loop_patient_new(cmd->agent->loop, on_more, t);
	api_request_watch(cmd->req, &hooks, t);
	return t;
}

void tell_free(struct tell *t)
{
	if (!t)
		return;
	loop_defer_free(t->more);
	free(t);
}

void tell_rows(struct tell *t, const struct tell_ops *ops)
{
	t->ops = ops;
	loop_defer_schedule(t->more);
}

/* ---- the database ---- */

static const struct api_database *database(const struct command *cmd)
{
	return database_api(cmd->agent->database);
}

static void readable_ready(struct command *cmd, bool late)
{
	const struct api_database *d = database(cmd);
	struct err err = {""};

	if (!late && d->soon && d->soon(d->arg))
		return;
	command_waited(cmd);
	if (command_db(cmd, &err))
		cmd->go(cmd);
	else
		command_fail(cmd, err.text);
}

void command_when_readable(struct command *cmd, void (*go)(struct command *cmd))
{
	cmd->go = go;
	command_wait(cmd, readable_ready, READABLE_LIMIT);
}

const struct db *command_db(const struct command *cmd, struct err *err)
{
	const struct api_database *d = database(cmd);
	struct api_age age;

	return d->read(&age, err, d->arg);
}

void command_stale(const struct command *cmd, json *object)
{
	const struct api_database *d = database(cmd);
	struct api_age age;
	json *stale;

	if (!d->read(&age, NULL, d->arg) || age.current)
		return;
	stale = json_set(object, "stale", json_new_object());
	json_set_seconds(stale, "age", age.age);
	json_set_i64(stale, "revision", age.revision);
}

json *command_end(const struct command *cmd, json **ret_end)
{
	const struct db *db = command_db(cmd, NULL);
	json *frame = json_new_object();
	json *end = json_set(frame, "end", json_new_object());

	if (db)
		json_set_i64(end, "revision", db_revision(db));
	command_stale(cmd, end);
	*ret_end = end;
	return frame;
}

/* ---- names ---- */

void tell_names_init(struct tell_names *names, const char *const *from, size_t n)
{
	size_t bytes = 0;
	char *to;

	for (size_t i = 0; i < n; i++)
		bytes += strlen(from[i]) + 1;
	names->at = xcalloc(n + 1, sizeof(*names->at));
	names->n = n;
	names->pool = to = xmalloc(bytes + 1);
	for (size_t i = 0; i < n; i++) {
		names->at[i] = to;
		to = stpcpy(to, from[i]) + 1;
	}
}

void tell_names_of(struct tell_names *names, const struct db *db, const uint32_t *nodes, size_t n)
{
	CLEANUP(freep) const char **from = xcalloc(n + 1, sizeof(*from));

	for (size_t i = 0; i < n; i++)
		from[i] = db_node_name(db, nodes[i]);
	tell_names_init(names, from, n);
}

void tell_names_done(struct tell_names *names)
{
	free(names->at);
	free(names->pool);
	*names = (struct tell_names){NULL};
}

bool tell_fold(struct tell_fold *fold, const char *const *names, size_t n)
{
	size_t step = MIN(n - fold->at, FOLD_STEP), len;
	char *piece = noderange_fold(names + fold->at, step);

	fold->at += step;
	if (!fold->text) {
		fold->text = piece;
		fold->len = strlen(piece);
		return fold->at == n;
	}
	len = strlen(piece);
	fold->text = xrealloc(fold->text, fold->len + len + 2, 1);
	fold->text[fold->len++] = ',';
	memcpy(fold->text + fold->len, piece, len + 1);
	fold->len += len;
	free(piece);
	return fold->at == n;
}

char *tell_some(const char *const *names, size_t n)
{
	size_t some = MIN(n, FOLD_STEP), len;
	char *text = noderange_fold(names, some);

	while ((len = strlen(text)) > SOME_BYTES && some > 1) {
		free(text);
		some /= 2;
		text = noderange_fold(names, some);
	}
	if (some < n) {
		text = xrealloc(text, len + sizeof(",..."), 1);
		memcpy(text + len, ",...", sizeof(",..."));
	}
	return text;
}
