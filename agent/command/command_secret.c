/*
 * `collective secret get NODE ATTRIBUTE`: the one place where a sealed value is shown in clear, to the
 * local administrator. What counts for the node is shown, inherited or not.
 */
#include "config.h"
#include "command/command.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/server.h"
#include "app/agent.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "command/tell.h"
#include "identity/identity.h"
#include "model/attribute.h"
#include "model/db.h"
#include "trust/seal.h"

static int find(const struct db *db, const char *node, const char *name, struct db_value *value,
	char **ret_key, struct err *err)
{
	char shown[TEXT_PRINTABLE_MAX];
	const struct attribute *attribute = attribute_find(name);
	uint32_t number;

	if (!db_node_find(db, node, &number))
		return err_set(err, -ENOENT, "there is no node %s",
			text_printable(node, strlen(node), shown));
	if (!attribute || attribute->kind != ATTRIBUTE_SECRET)
		return err_set(err, -EINVAL, "%s is no secret that can be read%s",
			text_printable(name, strlen(name), shown),
			attribute && attribute->kind == ATTRIBUTE_HASH
				? ": only a hash of it is kept"
				: "; those that can begin with secret. or custom.nodesecret.");
	if (!db_node_value(db, number, name, value) || value->len == 0)
		return err_set(err, -ENOENT, "%s has no %s", node, name);
	*ret_key = value->inherited
			   ? xasprintf("groups/%s/%s", db_group_name(db, value->group), name)
			   : xasprintf("nodes/%s/%s", node, name);
	return 0;
}

static int open_secret(
	const struct command *cmd, const char *node, const char *name, char **ret, struct err *err)
{
	const struct agent *agent = cmd->agent;
	const struct db *db = command_db(cmd, err);
	CLEANUP(freep) char *key = NULL;
	struct db_value value;
	size_t len;
	int rc;

	if (!db)
		return -EAGAIN;
	rc = find(db, node, attribute_unalias(name), &value, &key, err);
	if (rc < 0)
		return rc;
	rc = seal_open(agent->identity->bundle, key, value.text, value.len, ret, &len, err);
	return rc < 0 ? err_wrap(err, rc, "the secret at %s", key) : 0;
}

/* Which one; points into the message. */
struct secret {
	const char *node, *name;
};

static void secret_go(struct command *cmd)
{
	const struct secret *secret = cmd->work;
	CLEANUP(secret_freep) char *clear = NULL;
	struct err err = {""};
	json *reply;

	if (open_secret(cmd, secret->node, secret->name, &clear, &err) < 0) {
		command_fail(cmd, err.text);
		return;
	}
	log_info("secret", "%s of %s was read by uid %ld", attribute_unalias(secret->name),
		secret->node, (long)api_request_peer(cmd->req)->uid);
	reply = json_new_object();
	json_set_str(reply, "value", clear);
	command_stale(cmd, reply);
	command_reply(cmd, reply);
}

void command_secret(struct commands *c, struct api_request *req, const json *message)
{
	const char *node = command_argument(req, message, "node");
	const char *name = node ? command_argument(req, message, "attribute") : NULL;
	struct secret *secret;
	struct command *cmd;

	if (!name || !command_needs_member(c, req))
		return;
	secret = xcalloc(1, sizeof(*secret));
	*secret = (struct secret){.node = node, .name = name};
	cmd = command_new(c, req);
	cmd->work = secret;
	cmd->work_free = free;
	command_when_readable(cmd, secret_go);
}
