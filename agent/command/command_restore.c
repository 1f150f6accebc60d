/*
 * restore: nodes and groups of a backup put into the database, for `collective restore`, which reads the
 * files. They come in pieces, because a request has a ceiling; each step is a request of its own.
 *
 *     {"operation":"restore","step":"begin","mode":"empty"|"merge"|"replace","without_secrets":false,
 *      "keys":{…}|null,"password":TEXT|null}                    {"session":TEXT}
 *     {…,"step":"add","session":TEXT,"kind":"group"|"node","objects":[{"name":NAME,"entry":{…}},…]}
 *                                                               {"status":"more"}
 *     {…,"step":"commit","session":TEXT}                        {"status":TEXT,"left_out":N,…}
 *                                    or {"error":TEXT,"problems":[TEXT,…],"more":N}
 *
 * The happy path: begin opens the keys, on the worker thread; add reads and checks; commit checks all of
 * it against the database, a few milliseconds at a time, and only then, where there is no problem at all,
 * has it carried out: the backup, then, to replace what was there, the deletion of nodes and of groups.
 *
 * Failures: one restore is uploaded at a time, a new one takes the place of an older; one that gets
 * nothing for a while is dropped. A commit goes on when its client goes away, and tells in the log what
 * became of it.
 */
#include "config.h"
#include "command/command.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/server.h"
#include "app/agent.h"
#include "app/database.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "command/commands.h"
#include "command/restore_entry.h"
#include "copy/replica.h"
#include "identity/identity.h"
#include "io/clock.h"
#include "io/loop.h"
#include "io/worker.h"
#include "member/member.h"
#include "member/registry.h"
#include "model/backup.h"
#include "model/db.h"
#include "model/plan.h"
#include "trust/keyset.h"

#define SLICE	   (4 * USEC_PER_MSEC)
#define IDLE_LIMIT (120 * USEC_PER_SEC)

/* What the thread works on. */
struct unlocking {
	char *collective;
	char *cryptkey; /* secret */
	char *password; /* NULL: none; secret */
	struct keyset *keys;
};

struct restore {
	struct agent *agent;
	struct command *cmd; /* begin or commit, while one of them is under way */
	char session[40];
	enum backup_mode mode;
	struct restore_reader reader;
	struct keyset *keys;
	struct backup *backup; /* NULL: the plan has it */
	struct worker_job *job;
	struct unlocking *unlocking;
	struct loop_timer *idle;
	/* commit */
	struct loop_defer *more;
	struct plan *gone; /* deletes nodes; NULL: none, or carried out already */
	char **groups;	   /* to be deleted */
	size_t n_groups, at;
	struct api_write *write;
	size_t nodes_done, groups_done, nodes_gone;
};

void restore_free(struct restore *r)
{
	if (!r)
		return;
	if (r->agent->restore == r)
		r->agent->restore = NULL;
	worker_forget(r->job);
	if (r->write) {
		const struct api_database *api = database_api(r->agent->database);

		api->forget(r->write, api->arg);
	}
	loop_timer_free(r->idle);
	loop_defer_free(r->more);
	plan_free(r->gone);
	backup_free(r->backup);
	keyset_free(r->keys);
	for (size_t i = 0; i < r->n_groups; i++)
		free(r->groups[i]);
	free(r->groups);
	free(r);
}

/* NULL: err says why it can't be done here and now. */
static const struct db *current_db(const struct agent *agent, struct err *err)
{
	struct replica *replica = agent->member ? member_replica(agent->member) : NULL;
	const struct db *db = replica ? replica_db(replica) : NULL;

	if (!agent->member)
		err_set(err, -ENOENT, "the membership has changed meanwhile");
	else if (!member_quorum(agent->member))
		registry_no_quorum(err);
	else if (!db)
		err_set(err, -EAGAIN, "The database is not loaded yet, try again in a moment");
	else if (replica_age(replica) > 0)
		err_set(err, -EAGAIN,
			"this member's copy of the database is not current: try again, or on "
			"another member");
	else
		return db;
	return NULL;
}

/* ---- begin ---- */

static void on_idle(void *arg)
{
	restore_free(arg);
}

static void uploads(struct restore *r)
{
	struct agent *agent = r->agent;
	struct command *cmd = TAKE(r->cmd);
	json *reply;

	if (!agent->member) {
		command_fail(cmd, "the membership has changed meanwhile");
		return;
	}
	reply = json_new_object();
	cmd->restore = NULL;
	restore_free(agent->restore);
	agent->restore = r;
	r->reader.keys = r->keys;
	loop_timer_after(r->idle, IDLE_LIMIT);
	json_set_str(reply, "session", r->session);
	command_reply(cmd, reply);
}

static int unlock_run(void *data, struct err *err)
{
	struct unlocking *u = data;

	return keyset_unlock(u->collective, u->cryptkey, u->password, &u->keys, err);
}

static void unlock_drop(void *data)
{
	struct unlocking *u = data;

	free(u->collective);
	secret_free(u->cryptkey);
	secret_free(u->password);
	keyset_free(u->keys);
	free(u);
}

static void on_unlocked(int rc, const char *why, void *arg)
{
	struct restore *r = arg;
	CLEANUP(freep) char *text = NULL;

	r->job = NULL;
	if (rc == 0) {
		r->keys = TAKE(r->unlocking->keys);
		uploads(r);
	} else if (rc == -EINVAL && r->reader.without_secrets) {
		/* another program's: they would open nothing */
		uploads(r);
	} else {
		text = xasprintf("%s (--without-secrets restores the rest)", why);
		command_fail(r->cmd, text);
	}
}

/* False where there are none. */
static int unlock(struct restore *r, const json *message, bool *ret_begun, struct err *err)
{
	const json *keys = json_at(message, "keys");
	const char *collective = NULL, *cryptkey = NULL, *password = NULL;
	int rc = json_str_or(message, "password", NULL, &password, err);

	*ret_begun = false;
	if (rc < 0 || !keys)
		return rc;
	/* keys that confluentdbutil wrote don't say whose they are */
	rc = json_str_or(keys, "collective", "confluent", &collective, err);
	if (rc == 0)
		rc = json_str(keys, "cryptkey", &cryptkey, err);
	if (rc < 0)
		return err_wrap(err, rc, "keys.json");
	r->unlocking = xcalloc(1, sizeof(*r->unlocking));
	r->unlocking->collective = xstrdup(collective);
	r->unlocking->cryptkey = xstrdup(cryptkey);
	r->unlocking->password = xstrdup_null(password);
	r->job = worker_submit(
		r->agent->worker, unlock_run, r->unlocking, unlock_drop, on_unlocked, r);
	*ret_begun = true;
	return 0;
}

static int read_mode(const json *message, enum backup_mode *ret, struct err *err)
{
	static const char *const names[] = {[BACKUP_INTO_EMPTY] = "empty",
		[BACKUP_MERGE] = "merge",
		[BACKUP_REPLACE] = "replace"};
	const char *text;
	int rc = json_str_or(message, "mode", "empty", &text, err);

	for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(names); i++) {
		if (text_eq(text, names[i])) {
			*ret = (enum backup_mode)i;
			return 0;
		}
	}
	return rc < 0 ? rc
		      : err_set(err, -EINVAL, "'mode' must be \"empty\", \"merge\" or \"replace\"");
}

static void begin_go(struct command *cmd)
{
	struct restore *r = cmd->restore;
	struct err err = {""};
	const struct db *db = current_db(cmd->agent, &err);

	if (!db || backup_check_mode(r->mode, db, &err) < 0)
		command_fail(cmd, err.text);
	else
		uploads(r);
}

static void begin(struct commands *c, struct api_request *req, const json *message)
{
	struct agent *agent = commands_agent(c);
	struct restore *r;
	struct err err = {""};
	const struct db *db = current_db(agent, &err);
	enum backup_mode mode = BACKUP_INTO_EMPTY;
	bool without, begun;
	int rc = db ? read_mode(message, &mode, &err) : -EAGAIN;

	if (rc == 0)
		rc = json_bool_or(message, "without_secrets", false, &without, &err);
	if (rc == 0)
		rc = backup_check_mode(mode, db, &err);
	if (rc < 0) {
		api_request_error(req, 400, err.text);
		return;
	}
	r = xcalloc(1, sizeof(*r));
	r->agent = agent;
	r->mode = mode;
	snprintf(r->session, sizeof(r->session), "%016" PRIx64 "%016" PRIx64, random_u64(),
		random_u64());
	r->backup = backup_new(mode);
	r->reader = (struct restore_reader){.backup = r->backup, .without_secrets = without};
	r->idle = loop_timer_new(agent->loop, "restore", on_idle, r);
	r->cmd = command_new(c, req);
	r->cmd->restore = r;
	rc = unlock(r, message, &begun, &err);
	if (rc < 0)
		command_fail(r->cmd, err.text);
	else if (!begun)
		begin_go(r->cmd);
}

/* ---- add ---- */

/* The upload that the message is about; NULL, and the request has ended. */
static struct restore *find_session(
	const struct agent *agent, struct api_request *req, const json *message)
{
	const char *session = command_argument(req, message, "session");

	if (!session)
		return NULL;
	if (agent->restore && text_eq(agent->restore->session, session))
		return agent->restore;
	api_request_error(req, 400,
		"this restore is not under way any more: it was idle for too long, another one was "
		"begun, or the agent was restarted; nothing was written");
	return NULL;
}

static void add(struct commands *c, struct api_request *req, const json *message)
{
	struct restore *r = find_session(commands_agent(c), req, message);
	const char *kind = r ? command_argument(req, message, "kind") : NULL;
	const json *objects, *it;
	const char *name;
	struct err err = {""};

	if (!kind)
		return;
	objects = json_get(message, "objects");
	if (!json_is_array(objects) || (!text_eq(kind, "node") && !text_eq(kind, "group"))) {
		api_request_error(req, 400, "'objects' must be a list, of \"node\" or \"group\"");
		return;
	}
	r->reader.bundle = commands_agent(c)->identity->bundle;
	json_foreach(it, objects)
	{
		if (json_str(it, "name", &name, &err) < 0) {
			api_request_error(req, 400, err.text);
			return;
		}
		restore_entry_read(&r->reader, text_eq(kind, "node"), name, json_get(it, "entry"));
	}
	loop_timer_after(r->idle, IDLE_LIMIT);
	api_request_reply(req, command_status_json("more"));
	api_request_done(req);
}

/* ---- commit ---- */

static const char *plural(size_t n)
{
	return n == 1 ? "" : "s";
}

static void add_problem(const char *text, void *arg)
{
	json_add_str(arg, text);
}

static void refuse(struct restore *r)
{
	size_t n = backup_problem_count(r->backup), shown = MIN(n, (size_t)BACKUP_PROBLEMS_MAX);
	CLEANUP(freep)
	char *text =
		xasprintf("the backup has %zu problem%s, and nothing was written", n, plural(n));
	json *reply = json_new_object();

	json_set_str(reply, "error", text);
	backup_each_problem(r->backup, add_problem, json_set(reply, "problems", json_new_array()));
	json_set_number(reply, "more", (int64_t)(n - shown));
	command_reply(r->cmd, reply);
}

static void succeed(struct restore *r)
{
	CLEANUP(freep)
	char *status = xasprintf("restored %zu node%s and %zu group%s", r->nodes_done,
		plural(r->nodes_done), r->groups_done, plural(r->groups_done));
	json *reply;

	if (r->mode == BACKUP_REPLACE) {
		char *all = xasprintf("%s, deleted %zu node%s and %zu group%s", status,
			r->nodes_gone, plural(r->nodes_gone), r->n_groups, plural(r->n_groups));

		free(status);
		status = all;
	}
	log_info("restore", "%s", status);
	reply = command_status_json(status);
	json_set_number(reply, "left_out", (int64_t)r->reader.left_out);
	command_reply(r->cmd, reply);
}

static void write_next(struct restore *r);

static void on_written(int rc, const char *why, struct plan *plan, void *arg)
{
	struct restore *r = arg;
	struct plan_outcome outcome;
	CLEANUP(freep) char *report = NULL;
	CLEANUP(freep) char *text = NULL;

	r->write = NULL;
	plan_outcome(plan, &outcome);
	if (rc == 0) {
		write_next(r);
		return;
	}
	/* what was written but is not seen yet was written all the same */
	report = outcome.why ? plan_report(plan) : xstrdup(why);
	text = xasprintf("%s%s", report,
		r->mode != BACKUP_REPLACE ? ""
		: r->gone		  ? "; nothing that is not in the backup was deleted"
					  : "; not all that is not in the backup was deleted");
	log_warning("restore", "not everything was restored: %s", text);
	command_fail(r->cmd, text);
}

static void on_restored(int rc, const char *why, struct plan *plan, void *arg)
{
	struct restore *r = arg;

	plan_restored(plan, &r->nodes_done, &r->groups_done);
	on_written(rc, why, plan, arg);
}

static void carry_out(struct restore *r, struct plan *plan, api_written_fn *done)
{
	const struct api_database *api = database_api(r->agent->database);

	r->write = api->write(plan, done, r, api->arg);
}

/* What is left to be done once the backup itself is in etcd. */
static void write_next(struct restore *r)
{
	struct err err = {""};
	const struct db *db;
	struct plan *plan;

	if (r->gone) {
		carry_out(r, TAKE(r->gone), on_written);
		return;
	}
	if (r->at == r->n_groups) {
		succeed(r);
		return;
	}
	db = current_db(r->agent, &err);
	if (!db || plan_new_group_delete(&plan, db, r->groups[r->at++], &err) < 0) {
		err_wrap(&err, 0, "not all that is not in the backup was deleted");
		command_fail(r->cmd, err.text);
		return;
	}
	carry_out(r, plan, on_written);
}

static void keep_gone_groups(struct restore *r)
{
	const char *const *names;

	r->n_groups = backup_gone_groups(r->backup, &names);
	r->groups = xcalloc(r->n_groups + 1, sizeof(*r->groups));
	for (size_t i = 0; i < r->n_groups; i++)
		r->groups[i] = xstrdup(names[i]);
}

static void on_checked(struct restore *r, const struct db *db)
{
	const char *const *names;
	struct err err = {""};

	if (backup_problem_count(r->backup) > 0) {
		refuse(r);
		return;
	}
	/* what has come since begin */
	if (backup_check_mode(r->mode, db, &err) < 0) {
		command_fail(r->cmd, err.text);
		return;
	}
	keep_gone_groups(r);
	r->nodes_gone = backup_gone_nodes(r->backup, &names);
	if (r->nodes_gone)
		r->gone = plan_new_node_delete_names(names, r->nodes_gone);
	log_info("restore", "%zu nodes and %zu groups are being restored",
		backup_node_count(r->backup), backup_group_count(r->backup));
	carry_out(r, plan_new_restore(TAKE(r->backup)), on_restored);
}

static void on_more(void *arg)
{
	struct restore *r = arg;
	struct err err = {""};
	const struct db *db = current_db(r->agent, &err);
	usec_t until = loop_now(r->agent->loop) + SLICE;

	if (!db) {
		command_fail(r->cmd, err.text);
		return;
	}
	while (backup_check(r->backup, db)) {
		if (loop_now(r->agent->loop) >= until) {
			loop_defer_schedule(r->more);
			return;
		}
	}
	on_checked(r, db);
}

static void commit(struct commands *c, struct api_request *req, const json *message)
{
	struct agent *agent = commands_agent(c);
	struct restore *r = find_session(agent, req, message);

	if (!r)
		return;
	agent->restore = NULL;
	loop_timer_at(r->idle, USEC_NEVER);
	r->cmd = command_new(c, req);
	r->cmd->restore = r;
	r->more = loop_patient_new(agent->loop, on_more, r);
	loop_defer_schedule(r->more);
}

void command_restore(struct commands *c, struct api_request *req, const json *message)
{
	const char *step = command_argument(req, message, "step");

	if (!step || !command_needs_member(c, req))
		return;
	if (text_eq(step, "begin"))
		begin(c, req, message);
	else if (text_eq(step, "add"))
		add(c, req, message);
	else if (text_eq(step, "commit"))
		commit(c, req, message);
	else
		api_request_error(req, 400, "'step' must be \"begin\", \"add\" or \"commit\"");
}
