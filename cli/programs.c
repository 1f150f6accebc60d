#include "config.h"
#include "cli/programs.h"

/* What every one of them takes. */
#define JSON_OPTION                                                                                \
	{                                                                                          \
		0, "json", .help = "Print one line of JSON"                                        \
	}
#define SOCKET_OPTION                                                                              \
	{                                                                                          \
		0, "socket", OPTION_VALUE, "PATH",                                                 \
			.help = "The agent's socket, in place of the one that CONFLUENT_HOST "     \
				"names"                                                            \
	}
#define MAXNODES_OPTION                                                                            \
	{                                                                                          \
		'm', "maxnodes", OPTION_VALUE, "N",                                                \
			.help = "Ask before a change of more than N nodes"                         \
	}
#define BLAME_OPTION                                                                               \
	{                                                                                          \
		'b', "blame",                                                                      \
			.help = "Add where values come from: the group they are inherited from, "  \
				"the expression they are made with"                                \
	}
#define CLEAR_OPTION                                                                               \
	{                                                                                          \
		'c', "clear", .help = "Clear the attributes, so that groups may supply them again" \
	}
#define ENVIRONMENT_OPTION                                                                         \
	{                                                                                          \
		'e', "environment",                                                                \
			.help = "Set the attributes to the values of environment variables: "      \
				"location.u to location_u, or else LOCATION_U"                     \
	}
#define PROMPT_OPTION                                                                              \
	{                                                                                          \
		'p', "prompt", .help = "Ask for the values, twice, without showing what is typed"  \
	}

const struct verb programs[] = {
	{
		.name = "nodeattrib",
		.program = true,
		.args = "[-b] NODERANGE [all | current | ATTRIBUTE ...]\n"
			"[-m N] NODERANGE ATTRIBUTE=VALUE ...\n"
			"-c [-m N] NODERANGE ATTRIBUTE ...\n"
			"-e | -p [-m N] NODERANGE ATTRIBUTE ...\n"
			"-s FILE [-m N] NODERANGE",
		.min = 1,
		.max = VERB_ANY,
		.help = "Show or change attributes of nodes",
		.options =
			{
				BLAME_OPTION,
				CLEAR_OPTION,
				ENVIRONMENT_OPTION,
				PROMPT_OPTION,
				{'s', "set", OPTION_VALUE, "FILE",
					.help = "Set the attributes that FILE gives, as "
						"ATTRIBUTE=VALUE, in any number of lines; what "
						"follows a # is a comment"},
				MAXNODES_OPTION,
				JSON_OPTION,
				SOCKET_OPTION,
			},
		.run = run_nodeattrib,
	},
	{
		.name = "nodegroupattrib",
		.program = true,
		.args = "[GROUP [all | current | ATTRIBUTE ...]]\n"
			"GROUP ATTRIBUTE=VALUE ...\n"
			"-c | -e | -p GROUP ATTRIBUTE ...",
		.min = 0,
		.max = VERB_ANY,
		.help = "Show or change attributes of a group",
		.options =
			{
				{'b', "blame", .help = "Accepted, and without effect on a group"},
				CLEAR_OPTION,
				ENVIRONMENT_OPTION,
				PROMPT_OPTION,
				JSON_OPTION,
				SOCKET_OPTION,
			},
		.run = run_nodegroupattrib,
	},
	{
		.name = "nodelist",
		.program = true,
		.args = "[-d STRING] [NODERANGE]\n"
			"[-b] NODERANGE ATTRIBUTE ...",
		.min = 0,
		.max = VERB_ANY,
		.help = "List nodes, or attributes of nodes",
		.options =
			{
				BLAME_OPTION,
				{'d', "delim", OPTION_VALUE, "STRING",
					.help = "Put STRING between the names of nodes, in place "
						"of a line end"},
				JSON_OPTION,
				SOCKET_OPTION,
			},
		.run = run_nodelist,
	},
	{
		.name = "nodegrouplist",
		.program = true,
		.args = "",
		.help = "List the groups of nodes",
		.options = {JSON_OPTION, SOCKET_OPTION},
		.run = run_nodegrouplist,
	},
	{
		.name = "nodedefine",
		.program = true,
		.args = "NODERANGE [ATTRIBUTE=VALUE ...]",
		.min = 1,
		.max = VERB_ANY,
		.help = "Define nodes",
		.options = {JSON_OPTION, SOCKET_OPTION},
		.run = run_nodedefine,
	},
	{
		.name = "nodegroupdefine",
		.program = true,
		.args = "GROUP,... [ATTRIBUTE=VALUE ...]",
		.min = 1,
		.max = VERB_ANY,
		.help = "Define groups of nodes",
		.options = {JSON_OPTION, SOCKET_OPTION},
		.run = run_nodegroupdefine,
	},
	{
		.name = "noderemove",
		.program = true,
		.args = "[-m N] NODERANGE",
		.min = 1,
		.max = 1,
		.help = "Remove nodes",
		.options = {MAXNODES_OPTION, JSON_OPTION, SOCKET_OPTION},
		.run = run_noderemove,
	},
	{
		.name = "nodegroupremove",
		.program = true,
		.args = "GROUP,...",
		.min = 1,
		.max = 1,
		.help = "Remove groups of nodes",
		.options = {JSON_OPTION, SOCKET_OPTION},
		.run = run_nodegroupremove,
	},
	{
		.name = "noderename",
		.program = true,
		.args = "NODERANGE NAME",
		.min = 2,
		.max = 2,
		.help = "Rename nodes",
		.options = {JSON_OPTION, SOCKET_OPTION},
		.run = run_noderename,
	},
	{
		.name = "nodegrouprename",
		.program = true,
		.args = "GROUP NAME",
		.min = 2,
		.max = 2,
		.help = "Rename a group of nodes",
		.options = {JSON_OPTION, SOCKET_OPTION},
		.run = run_nodegrouprename,
	},
	{.name = NULL},
};
