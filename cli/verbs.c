#include "config.h"
#include "cli/commands.h"

const struct verb verbs[] = {
	{
		.name = "show",
		.args = "",
		.help = "Show the members of the collective, its leader, and whether it has quorum",
		.options =
			{
				{'v', "verbose",
					.help = "Add what the agent is doing and why: its "
						"state machines, etcd, certificate, "
						"counters"},
				{0, "json", .help = "Print one line of JSON"},
				{0, "watch", OPTION_MAYBE, "SECONDS",
					.help = "Go on, printing again whenever something has "
						"changed; looks every 2 seconds or as given"},
			},
		.run = run_show,
	},
	{
		.name = "watch",
		.args = "",
		.help = "Print what happens to leader, quorum, members and managers, as it happens",
		.options =
			{
				{0, "since", OPTION_VALUE, "REVISION",
					.help = "Begin with what happened after this revision "
						"instead of how things are"},
				{0, "json", .help = "Print a line of JSON for each"},
			},
		.run = run_watch,
	},
	{
		.name = "invite",
		.args = "NAME",
		.min = 1,
		.max = 1,
		.help = "Print an invitation with which the server NAME can join, once",
		.options =
			{
				{'n', "nonvoting", .help = "It will never lead"},
				{0, "ttl", OPTION_VALUE, "DURATION",
					.help = "How long the invitation is valid, such as 30m or "
						"12h (default 24h)"},
				{0, "list", .instead = true,
					.help = "List the invitations this member has given"},
				{0, "revoke", OPTION_VALUE, "NAME", .instead = true,
					.help = "Make the invitation of NAME worthless"},
				{0, "json", .help = "With --list: print one line of JSON"},
			},
		.run = run_invite,
	},
	{
		.name = "join",
		.args = "SERVER",
		.min = 1,
		.max = 1,
		.help = "Join the collective of SERVER (a name or an address, with :PORT if need "
			"be)",
		.options =
			{
				{'i', "invitation", OPTION_VALUE, "TOKEN", .secret = true,
					.help = "The invitation; - reads it from standard input; "
						"it is asked for when it is not given"},
				{0, "token-file", OPTION_VALUE, "FILE",
					.help = "Read the invitation from FILE"},
			},
		.run = run_join,
	},
	{
		.name = "delete",
		.args = "NAME",
		.min = 1,
		.max = 1,
		.help = "Remove the member NAME, which must be offline, from the collective",
		.run = run_delete,
	},
	{
		.name = "gencert",
		.args = "",
		.help = "Make a new certificate for this server; outside a collective a new key, "
			"too",
		.run = run_gencert,
	},
	{
		.name = "resign",
		.args = "",
		.help = "Hand the leadership on to another member",
		.run = run_resign,
	},
	{
		.name = "adopt",
		.args = "",
		.help = "Accept etcd as it is now, after it was restored or replaced on purpose",
		.run = run_adopt,
	},
	{
		.name = "history",
		.args = "",
		.help = "Show who has led, and which nodes were moved, when and why",
		.options =
			{
				{'n', NULL, OPTION_VALUE, "N",
					.help = "The latest N entries (default 50; 0: all)"},
				{0, "json", .help = "Print one line of JSON"},
			},
		.run = run_history,
	},
	{
		.name = "pause",
		.args = "",
		.help = "Stop automatic moves of nodes between members, until resume",
		.options =
			{
				{0, "reason", OPTION_VALUE, "TEXT",
					.help = "What all who look are told"},
				{0, "json", .help = "Print one line of JSON"},
			},
		.run = run_pause,
	},
	{
		.name = "resume",
		.args = "",
		.help = "Let automatic moves go on",
		.options = {{0, "json", .help = "Print one line of JSON"}},
		.run = run_resume,
	},
	{
		.name = "log",
		.args = "[MODULE] LEVEL",
		.min = 1,
		.max = 2,
		.help = "Set the agent's log level (error, warning, info, debug), of one module or "
			"all",
		.run = run_log,
	},
	{
		.name = "secret",
		.args = "get NODE ATTRIBUTE",
		.min = 3,
		.max = 3,
		.help = "Print the value of a secret attribute of a node in clear",
		.options = {{0, "json", .help = "Print one line of JSON"}},
		.run = run_secret,
	},
	{
		.name = "rekey",
		.args = "",
		.help = "Change the collective key, in stages, while everything goes on",
		.options =
			{
				{0, "status", .help = "Tell how far the last change has come"},
				{0, "json", .help = "With --status: print one line of JSON"},
			},
		.run = run_rekey,
	},
	{
		.name = "dump",
		.args = "DIR",
		.min = 1,
		.max = 1,
		.help = "Write a backup of all nodes and groups to the folder DIR",
		.options =
			{
				{'p', "password-file", OPTION_VALUE, "FILE",
					.help = "Protect the keys of the secrets with the password "
						"in FILE; - reads it from standard input; it is "
						"asked for when nothing is said about the keys"},
				{'u', "unprotected",
					.help = "Write the keys of the secrets in clear"},
				{0, "skipkeys",
					.help = "Leave the keys of the secrets out: only this "
						"collective can open them then"},
				{'r', "redact", .help = "Leave secrets and hashes out"},
				{0, "force", .help = "Replace a backup that is in DIR already"},
				{0, "json", .help = "Print one line of JSON"},
			},
		.run = run_dump,
	},
	{
		.name = "restore",
		.args = "DIR",
		.min = 1,
		.max = 1,
		.help = "Restore the nodes and groups of the backup in the folder DIR",
		.options =
			{
				{'p', "password-file", OPTION_VALUE, "FILE",
					.help = "The password of the backup is in FILE; - reads it "
						"from standard input; it is asked for when it is "
						"needed and not given"},
				{0, "merge",
					.help = "What has a name of the backup becomes what that "
						"says, and all else stays"},
				{0, "replace",
					.help = "What has no name of the backup is deleted, too"},
				{0, "without-secrets",
					.help = "Leave secrets and hashes out that can't be "
						"opened or were redacted"},
				{0, "json", .help = "Print one line of JSON"},
			},
		.run = run_restore,
	},
	{
		.name = "claim",
		.args = "NODERANGE",
		.min = 1,
		.max = 1,
		.help = "Make this member the manager of those of the nodes that have none",
		.options = {{0, "json", .help = "Print one line of JSON"}},
		.run = run_claim,
	},
	{
		.name = "nodes",
		.args = "[MEMBER]",
		.max = 1,
		.help = "List which member manages which nodes, or the nodes of MEMBER, one a line",
		.options =
			{
				{0, "unmanaged", .instead = true,
					.help = "List the nodes that have no manager, one a line"},
				{0, "json", .help = "Print one line of JSON"},
			},
		.run = run_nodes,
	},
	{
		.name = "candidates",
		.args = "NODERANGE",
		.min = 1,
		.max = 1,
		.help = "List which members may manage each node",
		.options = {{0, "json", .help = "Print one line of JSON"}},
		.run = run_candidates,
	},
	{
		.name = "plan",
		.args = "[[--without] MEMBER ...]",
		.max = VERB_ANY,
		.help = "Tell what would become of the nodes of the MEMBERs without these, or as "
			"things are",
		.options =
			{
				{0, "without", .among = true,
					.help = "Goes in front of the MEMBERs; it may be left out"},
				{0, "json", .help = "Print one line of JSON"},
			},
		.run = run_plan,
	},
	{
		.name = "drain",
		.args = "MEMBER",
		.min = 1,
		.max = 1,
		.help = "Move the nodes of MEMBER to their other candidates, and keep it from "
			"being "
			"chosen",
		.options =
			{
				{0, "reason", OPTION_VALUE,
					"TEXT", .help = "Why, for the history and for others who look"},
				{0, "force",
					.help = "Also where nodes have no other candidate that is "
						"there: those stay"},
				{0, "no-wait", .help = "Do not wait until it is done"},
				{0, "json", .help = "Print one line of JSON"},
			},
		.run = run_drain,
	},
	{
		.name = "undrain",
		.args = "MEMBER",
		.min = 1,
		.max = 1,
		.help = "Let MEMBER be chosen again; nothing moves back by itself",
		.options = {{0, "json", .help = "Print one line of JSON"}},
		.run = run_undrain,
	},
	{
		.name = "rebalance",
		.args = "",
		.help = "Even out how many nodes the members manage, within the nodes' candidates",
		.options =
			{
				{0, "dry-run", .help = "Only print what would be moved, and why"},
				{0, "max-moves", OPTION_VALUE, "N",
					.help = "Move no more than N nodes"},
				{0, "json", .help = "Print one line of JSON"},
			},
		.run = run_rebalance,
	},
	{.name = NULL},
};
