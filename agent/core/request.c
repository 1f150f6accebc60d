/*
 * Names of requests.
 */
#include "config.h"

#include "core/request.h"

#include "base/macros.h"

static const char *const names[ACTION_COUNT] = {
	[ACTION_GRANT] = "grant",
	[ACTION_KEEPALIVE] = "keepalive",
	[ACTION_REVOKE] = "revoke",
	[ACTION_SAVE_LEASE] = "save",
	[ACTION_REGISTER] = "register",
	[ACTION_CAMPAIGN] = "campaign",
	[ACTION_CONFIRM] = "confirm",
	[ACTION_RESIGN] = "resign",
	[ACTION_REPAIR] = "repair",
	[ACTION_CLEAR] = "clear",
	[ACTION_PULSE] = "pulse",
	[ACTION_NOTIFY] = "notify",
};

const char *action_name(enum action_kind kind)
{
	return (unsigned)kind < ACTION_COUNT ? names[kind] : "unknown";
}
