/*
 * collective log: the levels of the log while the agent runs.
 */
#include "config.h"
#include "command/command.h"

#include <errno.h>
#include <string.h>

#include "api/server.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"

/* What lines of the log begin with; tests/lint/style.sh looks for those that are missing here. */
static const char *const log_modules[] = {"agent", "api", "certificate", "claim", "collective",
	"conf", "database", "drain", "dump", "enroll", "etcd", "failover", "history", "hooks",
	"http", "join", "leader", "lease", "loop", "member", "membership", "orders", "quorum",
	"registry", "rekey", "restore", "secret", "state", "store", "sync", "writer"};

static int check_module(const char *module, struct err *err)
{
	struct buf list = BUF_INIT(1024);
	char shown[TEXT_PRINTABLE_MAX];

	if (!module || text_eq(module, "all"))
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(log_modules); i++) {
		if (text_eq(module, log_modules[i]))
			return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(log_modules); i++) {
		if (buf_printf(&list, ", %s", log_modules[i]) < 0)
			break;
	}
	err_set(err, -ENOENT, "'%s' is not a module (expected all%s)",
		text_printable(module, strlen(module), shown), buf_cstr(&list));
	buf_done(&list);
	return -ENOENT;
}

static int set_level(const char *module, const char *level, struct err *err)
{
	char shown[TEXT_PRINTABLE_MAX];
	int rc = check_module(module, err);

	if (rc < 0)
		return rc;
	rc = log_set_level(module, level);
	if (rc == -EINVAL)
		return err_set(err, rc, "'%s' is not a level (error, warning, info or debug)",
			text_printable(level, strlen(level), shown));
	if (rc < 0)
		return err_set(err, rc, "too many modules have a level of their own");
	return 0;
}

void command_log(struct commands *c, struct api_request *req, const json *message)
{
	CLEANUP(freep) char *status = NULL;
	const char *module;
	const char *level;
	struct err err = {""};

	(void)c;
	if (json_str(message, "level", &level, &err) < 0 ||
		json_str_or(message, "module", NULL, &module, &err) < 0 ||
		set_level(module, level, &err) < 0) {
		api_request_error(req, 400, err.text);
		return;
	}
	status = xasprintf("Log level of %s is %s", module ? module : "all modules", level);
	api_request_reply(req, command_status_json(status));
	api_request_done(req);
}
