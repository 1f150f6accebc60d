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
#include "copy/replica.h"
#include "identity/identity.h"
#include "member/member.h"
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
	const struct agent *agent, const char *node, const char *name, char **ret, struct err *err)
{
	const struct replica *replica = member_replica(agent->member);
	const struct db *db = replica_db(replica);
	CLEANUP(freep) char *key = NULL;
	struct db_value value;
	size_t len;
	int rc;

	if (!db)
		return err_set(
			err, -EAGAIN, "The database is not loaded yet, try again in a moment");
	rc = find(db, node, attribute_unalias(name), &value, &key, err);
	if (rc < 0)
		return rc;
	rc = seal_open(agent->identity->bundle, key, value.text, value.len, ret, &len, err);
	return rc < 0 ? err_wrap(err, rc, "the secret at %s", key) : 0;
}

void command_secret(struct commands *c, struct api_request *req, const json *message)
{
	const struct agent *agent = commands_agent(c);
	const char *node = command_argument(req, message, "node");
	const char *name = node ? command_argument(req, message, "attribute") : NULL;
	CLEANUP(secret_freep) char *clear = NULL;
	struct err err = {""};
	json *reply;

	if (!name || !command_needs_member(c, req))
		return;
	if (open_secret(agent, node, name, &clear, &err) < 0) {
		api_request_error(req, 400, err.text);
		return;
	}
	log_info("secret", "%s of %s was read by uid %ld", attribute_unalias(name), node,
		(long)api_request_peer(req)->uid);
	reply = json_new_object();
	json_set_str(reply, "value", clear);
	api_request_reply(req, reply);
	api_request_done(req);
}
