/*
 * collectived: reads its options and runs the agent, or prints what was asked for.
 */
#include "config.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/agent.h"
#include "app/states.h"
#include "base/macros.h"
#include "command/commands.h"
#include "conf/conf.h"
#include "store/store.h"

enum { OPT_HELP_CONFIG = 256, OPT_SAMPLE_CONFIG, OPT_MDOC_CONFIG, OPT_DUMP_STATES, OPT_READ_COPY };

/* One row an option: getopt's table, the help and the manual page come from it. Without a help: the
 * agent's own, for a process that reads the copy of the database (store/store.h). */
static const struct {
	const char *name;
	int value;
	const char *argument;
	const char *help;
} options[] = {
	{"config", 'c', "FILE", "the configuration, instead of the default one"},
	{"test", 't', NULL, "check the configuration, report all problems, and exit"},
	{"debug", 'd', NULL, "log everything"},
	{"help-config", OPT_HELP_CONFIG, NULL, "print all options of the configuration, and exit"},
	{"sample-config", OPT_SAMPLE_CONFIG, NULL, "print a sample configuration, and exit"},
	{"mdoc-config", OPT_MDOC_CONFIG, NULL, "print the options part of collective.conf(5)"},
	{"dump-states", OPT_DUMP_STATES, "FORMAT",
		"print the state machines (markdown, mdoc or graphviz), and exit"},
	{"read-copy", OPT_READ_COPY, "FOLDER", NULL},
	{"version", 'V', NULL, "print the version, and exit"},
	{"help", 'h', NULL, "print this, and exit"},
};

static void print_help(void)
{
	printf("Usage: collectived [OPTION]...\n"
	       "Coordination agent of a collective of management servers; runs in the foreground.\n"
	       "\n");
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		char name[48];

		if (!options[i].help)
			continue;
		snprintf(name, sizeof(name), "--%s%s%s", options[i].name,
			options[i].argument ? "=" : "",
			options[i].argument ? options[i].argument : "");
		if (options[i].value < OPT_HELP_CONFIG)
			printf("  -%c, %-22s %s\n", options[i].value, name, options[i].help);
		else
			printf("      %-22s %s\n", name, options[i].help);
	}
	printf("\nThe default configuration is %s. See collectived(8).\n", conf_default_path);
}

static int check_configuration(const char *path)
{
	struct conf_problems problems;

	if (conf_check(path ? path : conf_default_path, path != NULL, &problems) < 0) {
		conf_problems_print(&problems, stderr);
		return EXIT_FAILURE;
	}
	printf("%s: no problems\n", path ? path : conf_default_path);
	return EXIT_SUCCESS;
}

static int print_and_exit(int value, const char *argument)
{
	switch (value) {
	case OPT_HELP_CONFIG:
		conf_help(stdout);
		return EXIT_SUCCESS;
	case OPT_SAMPLE_CONFIG:
		conf_sample(stdout);
		return EXIT_SUCCESS;
	case OPT_MDOC_CONFIG:
		conf_mdoc(stdout);
		return EXIT_SUCCESS;
	case OPT_DUMP_STATES:
		if (states_print(argument, stdout) == 0)
			return EXIT_SUCCESS;
		fprintf(stderr,
			"collectived: '%s' is not a format (expected markdown, mdoc or graphviz)\n",
			argument);
		return EXIT_FAILURE;
	case OPT_READ_COPY:
		return store_read(argument, STDOUT_FILENO);
	case 'V':
		printf("collectived %s\n", PACKAGE_VERSION);
		return EXIT_SUCCESS;
	default:
		print_help();
		return EXIT_SUCCESS;
	}
}

int main(int argc, char **argv)
{
	struct option longs[ARRAY_SIZE(options) + 1] = {{0}};
	struct agent_options agent = {.commands = &commands_ops};
	bool test = false;
	int value;

	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		longs[i] = (struct option){.name = options[i].name,
			.has_arg = options[i].argument ? required_argument : no_argument,
			.val = options[i].value};
	while ((value = getopt_long(argc, argv, "c:tdVh", longs, NULL)) != -1) {
		switch (value) {
		case 'c':
			agent.config_path = optarg;
			break;
		case 't':
			test = true;
			break;
		case 'd':
			agent.debug = true;
			break;
		case '?':
			fprintf(stderr, "Try collectived --help\n");
			return EXIT_FAILURE;
		default:
			return print_and_exit(value, optarg);
		}
	}
	if (optind < argc) {
		fprintf(stderr, "collectived: unexpected argument '%s'\n", argv[optind]);
		return EXIT_FAILURE;
	}
	if (test)
		return check_configuration(agent.config_path);
	return agent_run(&agent);
}
