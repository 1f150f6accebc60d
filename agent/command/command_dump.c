/*
 * dump: all nodes and groups as JSON, and the keys that open their secrets, for `collective dump`, which
 * writes the files of a backup.
 *
 *     {"operation":"dump","redact":false,"keys":"password"|"unencrypted"|"none","password":TEXT}
 *     {"begin":{"revision":R,"members":{…},"keys":{…}|null}}
 *     {"group":NAME,"entry":{…}} {"node":NAME,"entry":{…}}    a later one takes the place of an earlier
 *     {"group":NAME,"entry":null} {"node":NAME,"entry":null}  it is gone
 *     {"end":{"revision":R,"odd":N}}
 *
 * The happy path: the keys are locked on the worker thread, then everything is sent, a slice of some
 * milliseconds at a time and as fast as the client reads. Meanwhile the database may change: when
 * all was sent it is looked through again, and what looks different is sent again, until it was looked
 * through without a change. So what the client has in the end is the database at one revision.
 *
 * Failures: a member without quorum, or whose copy is not current and does not become so in some
 * seconds, sends nothing or stops; so does one where the collective key is changed meanwhile, because the
 * keys were sent already.
 */
#include "config.h"
#include "command/command.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "api/server.h"
#include "app/agent.h"
#include "base/bitset.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "command/commands.h"
#include "command/dump_entry.h"
#include "command/tell.h"
#include "copy/replica.h"
#include "identity/identity.h"
#include "io/loop.h"
#include "io/worker.h"
#include "member/member.h"
#include "member/registry.h"
#include "model/db.h"
#include "trust/keyset.h"

#define SLICE	      (4 * USEC_PER_MSEC)
#define TIME_LIMIT    (120 * USEC_PER_SEC) /* of looking through it again */
#define CURRENT_LIMIT (10 * USEC_PER_SEC)  /* until the copy is current */
/* Of one node or group; what can be restored is a tenth of that. */
#define ENTRY_MAX ((size_t)8 << 20)

/* An object as it was sent last, by its number. */
struct sent {
	char *name;
	uint64_t look; /* of its keys and their revisions */
};

struct sent_list {
	struct sent *at;
	size_t n;
};

/* What the thread works on. */
struct locking {
	struct keyset *keys;
	char *password; /* NULL: unencrypted; secret */
	char *text;	/* secret where there is no password */
};

/* What the message asks for; points into it. */
struct wanted {
	bool redact;
	const char *keys, *password;
};

struct dump {
	struct command *cmd;
	struct wanted wanted;
	struct worker_job *job;
	struct locking *locking;
	struct loop_defer *more;
	char key_id[SEAL_KEY_ID_LEN + 1];
	struct sent_list groups, nodes;
	struct bitset group_set; /* the groups' numbers in `seen` at `seen_at` */
	const struct db *seen;	 /* never looked into */
	int64_t seen_at;
	bool in_nodes;
	uint32_t at;
	int64_t looked_at; /* revision when this look through began */
	usec_t late;
};

static void list_done(struct sent_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->at[i].name);
	free(list->at);
}

void dump_free(struct dump *dump)
{
	if (!dump)
		return;
	worker_forget(dump->job);
	loop_defer_free(dump->more);
	list_done(&dump->groups);
	list_done(&dump->nodes);
	bitset_done(&dump->group_set);
	free(dump);
}

/* ---- may it be done? ---- */

/* NULL: err says why not. */
static const struct db *current_db(const struct agent *agent, struct err *err)
{
	struct replica *replica = agent->member ? member_replica(agent->member) : NULL;
	const struct db *db = replica ? replica_db(replica) : NULL;
	char shown[NUM_DURATION_MAX];
	usec_t age = db ? replica_age(replica) : 0;

	if (!agent->member) {
		err_set(err, -ENOENT, "the membership has changed meanwhile");
	} else if (!member_quorum(agent->member)) {
		registry_no_quorum(err);
	} else if (!db) {
		err_set(err, -EAGAIN, "The database is not loaded yet, try again in a moment");
	} else if (age > 0) {
		err_set(err, -EAGAIN,
			"this member's copy of the database is not current%s%s: a backup would not "
			"be what is in etcd; try again, or on another member",
			age == USEC_NEVER ? "" : ", it is as it was before ",
			age == USEC_NEVER ? "" : num_format_duration(age, shown));
	} else {
		return db;
	}
	return NULL;
}

/* ---- what was sent ---- */

static const struct hash_key look_key = {1, 2};

static void look_at_key(const char *key, size_t len, int64_t revision, bool usable, void *arg)
{
	uint64_t words[2] = {hash_bytes(&look_key, key, len), (uint64_t)revision * 2 + usable};

	*(uint64_t *)arg += hash_bytes(&look_key, words, sizeof(words));
}

/* Differs, as far as one may hope, from every earlier look of an object that has changed since. Groups
 * that come or go change which ones a node is in. */
static uint64_t look_of(const struct db *db, bool node, const char *name, uint32_t number)
{
	CLEANUP(freep) char *prefix = xasprintf("%s/%s/", node ? "nodes" : "groups", name);
	const uint32_t *groups;
	size_t n = node ? db_node_groups(db, number, &groups) : 0;
	uint64_t look = 1;

	for (size_t i = 0; i < n; i++)
		look = look * 31 + (uint64_t)db_group_created(db, groups[i]);
	db_each_key(db, prefix, look_at_key, &look);
	return look;
}

static struct sent *sent_at(struct sent_list *list, uint32_t number)
{
	if (number >= list->n) {
		size_t n = (size_t)number + number / 2 + 64;

		list->at = xrealloc(list->at, n, sizeof(*list->at));
		memset(list->at + list->n, 0, (n - list->n) * sizeof(*list->at));
		list->n = n;
	}
	return &list->at[number];
}

static void tell(struct dump *dump, bool node, const char *name, json *entry)
{
	json *frame = json_new_object();

	json_set_str(frame, node ? "node" : "group", name);
	if (entry)
		json_set(frame, "entry", entry);
	else
		json_set_null(frame, "entry");
	api_request_reply(dump->cmd->req, frame);
}

/* The object of this number, or what was sent of another that had the number before. */
static int look_at(
	struct dump *dump, const struct db *db, uint32_t number, bool exists, struct err *err)
{
	bool node = dump->in_nodes;
	struct sent *sent = sent_at(node ? &dump->nodes : &dump->groups, number);
	const char *name = !exists ? NULL
			   : node  ? db_node_name(db, number)
				   : db_group_name(db, number);
	uint64_t look = exists ? look_of(db, node, name, number) : 0;
	size_t bytes;
	uint32_t other;
	json *entry;

	if (exists && sent->name && sent->look == look && text_eq(sent->name, name))
		return 0;
	if (sent->name && !text_eq(sent->name, name) &&
		!(node ? db_node_find(db, sent->name, &other)
		       : db_group_find(db, sent->name, &other)))
		tell(dump, node, sent->name, NULL);
	free(TAKE(sent->name));
	if (!exists)
		return 0;
	entry = node ? dump_entry_node(db, number, dump->wanted.redact, &bytes)
		     : dump_entry_group(db, number, dump->wanted.redact, &bytes);
	if (bytes > ENTRY_MAX) {
		json_free(entry);
		return err_set(err, -EMSGSIZE,
			"%s %s holds more than the %zu MiB that a backup has "
			"room for",
			node ? "node" : "group", name, ENTRY_MAX >> 20);
	}
	sent->name = xstrdup(name);
	sent->look = look;
	tell(dump, node, name, entry);
	return 0;
}

/* The next number at which something is, or was when it was sent. False: there is none. */
static bool next_number(
	const struct dump *dump, const struct db *db, uint32_t *ret, bool *ret_exists)
{
	const struct sent_list *list = dump->in_nodes ? &dump->nodes : &dump->groups;
	const struct bitset *there = dump->in_nodes ? db_nodes(db) : &dump->group_set;
	uint32_t next = 0;

	*ret_exists = bitset_next(there, dump->at, &next);
	for (uint32_t i = dump->at; i < list->n && !(*ret_exists && i >= next); i++) {
		if (list->at[i].name) {
			*ret_exists = false;
			next = i;
			break;
		}
	}
	*ret = next;
	return *ret_exists || (next < list->n && next >= dump->at && list->at[next].name);
}

/* ---- slices ---- */

static void finish(struct dump *dump, const struct db *db)
{
	struct command *cmd = dump->cmd;
	json *frame = json_new_object();
	json *end = json_set(frame, "end", json_new_object());

	json_set_i64(end, "revision", db_revision(db));
	json_set_number(end, "odd", (int64_t)db_odd(db));
	command_reply(cmd, frame);
}

static bool same_key(const struct dump *dump, struct err *err)
{
	char id[SEAL_KEY_ID_LEN + 1];

	if (seal_key_id(dump->cmd->agent->identity->bundle->key, id, err) < 0)
		return false;
	if (text_eq(id, dump->key_id))
		return true;
	err_set(err, -EAGAIN, "the collective key was changed meanwhile: try again");
	return false;
}

static void find_groups(struct dump *dump, const struct db *db)
{
	CLEANUP(freep) uint32_t *groups = NULL;
	size_t n;

	if (dump->seen == db && dump->seen_at == db_revision(db))
		return;
	dump->seen = db;
	dump->seen_at = db_revision(db);
	bitset_reset(&dump->group_set);
	n = db_groups_sorted(db, &groups);
	for (size_t i = 0; i < n; i++)
		bitset_add(&dump->group_set, groups[i]);
}

/* All has been looked at once more. True: nothing has changed since that began. */
static bool looked_through(struct dump *dump, const struct db *db)
{
	if (!dump->in_nodes) {
		dump->in_nodes = true;
		dump->at = 0;
		return false;
	}
	if (db_revision(db) == dump->looked_at)
		return true;
	dump->looked_at = db_revision(db);
	dump->in_nodes = false;
	dump->at = 0;
	return false;
}

static int slice(struct dump *dump, const struct db *db, struct err *err)
{
	struct loop *loop = dump->cmd->agent->loop;
	usec_t until = loop_now(loop) + SLICE;

	find_groups(dump, db);
	while (loop_now(loop) < until) {
		uint32_t number;
		bool exists;
		int rc;

		if (api_request_congested(dump->cmd->req))
			return -EAGAIN;
		if (!next_number(dump, db, &number, &exists)) {
			if (looked_through(dump, db))
				return 0;
			continue;
		}
		rc = look_at(dump, db, number, exists, err);
		if (rc < 0)
			return rc;
		dump->at = number + 1;
	}
	loop_defer_schedule(dump->more);
	return -EAGAIN;
}

static void on_more(void *arg)
{
	struct dump *dump = arg;
	struct err err = {""};
	const struct db *db = current_db(dump->cmd->agent, &err);
	int rc = -EIO;

	if (db && same_key(dump, &err)) {
		rc = slice(dump, db, &err);
		if (rc == -EAGAIN && loop_now(dump->cmd->agent->loop) > dump->late)
			rc = err_set(&err, -ETIMEDOUT,
				"the database changes faster than it can be read: try again when "
				"less is going on");
	}
	if (rc == 0)
		finish(dump, db);
	else if (rc != -EAGAIN)
		command_fail(dump->cmd, err.text);
}

/* ---- the beginning ---- */

static void begin(struct dump *dump, const char *cryptkey)
{
	const struct agent *agent = dump->cmd->agent;
	struct err err = {""};
	const struct db *db = current_db(agent, &err);
	json *frame, *head, *keys;

	if (!db || !same_key(dump, &err)) {
		command_fail(dump->cmd, err.text);
		return;
	}
	frame = json_new_object();
	head = json_set(frame, "begin", json_new_object());
	json_set_i64(head, "revision", db_revision(db));
	json_set(head, "members",
		dump_entry_members(member_replica(agent->member), agent->identity->bundle));
	if (cryptkey) {
		keys = json_set(head, "keys", json_new_object());
		json_set_str(keys, "collective", agent->identity->bundle->id);
		json_set_str(keys, "cryptkey", cryptkey);
	} else {
		json_set_null(head, "keys");
	}
	api_request_reply(dump->cmd->req, frame);
	dump->looked_at = db_revision(db);
	dump->late = loop_now(agent->loop) + TIME_LIMIT;
	loop_defer_schedule(dump->more);
}

static int lock_run(void *data, struct err *err)
{
	struct locking *locking = data;

	return keyset_lock(locking->keys, locking->password, &locking->text, err);
}

static void lock_drop(void *data)
{
	struct locking *locking = data;

	keyset_free(locking->keys);
	secret_free(locking->password);
	secret_free(locking->text);
	free(locking);
}

static void on_locked(int rc, const char *why, void *arg)
{
	struct dump *dump = arg;

	dump->job = NULL;
	if (rc < 0)
		command_fail(dump->cmd, why);
	else
		begin(dump, dump->locking->text);
}

static int lock_keys(struct dump *dump, const char *password, struct err *err)
{
	const struct agent *agent = dump->cmd->agent;
	struct locking *locking = xcalloc(1, sizeof(*locking));
	int rc = keyset_of_bundle(agent->identity->bundle, &locking->keys, err);

	if (rc < 0) {
		lock_drop(locking);
		return rc;
	}
	locking->password = xstrdup_null(password);
	dump->locking = locking;
	dump->job = worker_submit(agent->worker, lock_run, locking, lock_drop, on_locked, dump);
	return 0;
}

/* ---- the command ---- */

static void on_drained(void *arg)
{
	struct dump *dump = arg;

	if (!dump->job)
		loop_defer_schedule(dump->more);
}

static void on_cancelled(void *arg)
{
	struct dump *dump = arg;

	command_fail(dump->cmd, "interrupted");
}

static int parse(const json *message, struct wanted *ret, struct err *err)
{
	int rc = json_bool_or(message, "redact", false, &ret->redact, err);

	if (rc == 0)
		rc = json_str_or(message, "keys", "none", &ret->keys, err);
	if (rc == 0)
		rc = json_str_or(message, "password", NULL, &ret->password, err);
	if (rc < 0)
		return rc;
	if (!text_eq(ret->keys, "none") && !text_eq(ret->keys, "unencrypted") &&
		!text_eq(ret->keys, "password"))
		return err_set(
			err, -EINVAL, "'keys' must be \"password\", \"unencrypted\" or \"none\"");
	if (text_eq(ret->keys, "password") != (ret->password != NULL))
		return err_set(err, -EINVAL, "'password' goes with \"keys\":\"password\"");
	if (ret->redact && !text_eq(ret->keys, "none"))
		return err_set(err, -EINVAL, "a redacted dump has no keys");
	return 0;
}

static void dump_go(struct command *cmd)
{
	static const struct api_request_hooks hooks = {
		.cancelled = on_cancelled, .drained = on_drained};
	const struct agent *agent = cmd->agent;
	struct dump *dump = cmd->dump;
	const struct wanted *wanted = &dump->wanted;
	struct err err = {""};
	int rc;

	if (cmd->abandoned) {
		command_fail(cmd, "interrupted");
		return;
	}
	if (!current_db(agent, &err)) {
		command_fail(cmd, err.text);
		return;
	}
	log_info("dump", "a backup is being read by uid %ld, %s",
		(long)api_request_peer(cmd->req)->uid,
		wanted->redact			    ? "without secrets"
		: text_eq(wanted->keys, "none")	    ? "without the keys of its secrets"
		: text_eq(wanted->keys, "password") ? "with the keys of its secrets, locked"
						    : "with the keys of its secrets in clear");
	api_request_watch(cmd->req, &hooks, dump);
	rc = seal_key_id(agent->identity->bundle->key, dump->key_id, &err);
	if (rc == 0 && !text_eq(wanted->keys, "none"))
		rc = lock_keys(dump, wanted->password, &err);
	if (rc < 0)
		command_fail(cmd, err.text);
	else if (!dump->job)
		begin(dump, NULL);
}

/* The copy is on its way to what is in etcd. */
static bool catches_up(const struct agent *agent)
{
	return !agent->stopping && agent->member && member_quorum(agent->member) &&
	       replica_age(member_replica(agent->member)) > 0;
}

static void dump_ready(struct command *cmd, bool late)
{
	if (!late && !cmd->abandoned && catches_up(cmd->agent))
		return;
	command_waited(cmd);
	dump_go(cmd);
}

/* Others may read what is old and is marked so; a backup may not. */
static void dump_readable(struct command *cmd)
{
	command_wait(cmd, dump_ready, CURRENT_LIMIT);
}

void command_dump(struct commands *c, struct api_request *req, const json *message)
{
	struct wanted wanted;
	struct err err = {""};
	struct dump *dump;

	if (!command_needs_member(c, req))
		return;
	if (parse(message, &wanted, &err) < 0) {
		api_request_error(req, 400, err.text);
		return;
	}
	dump = xcalloc(1, sizeof(*dump));
	dump->cmd = command_new(c, req);
	dump->cmd->dump = dump;
	dump->wanted = wanted;
	dump->more = loop_patient_new(commands_agent(c)->loop, on_more, dump);
	command_when_readable(dump->cmd, dump_readable);
}
