/*
 * The functions behind the rows of programs.c: the commands for nodes and groups.
 */
#ifndef CLI_PROGRAMS_H
#define CLI_PROGRAMS_H

#include "cli/verb.h"

struct session;

int run_nodeattrib(struct call *call);
int run_nodegroupattrib(struct call *call);
int run_nodelist(struct call *call);
int run_nodegrouplist(struct call *call);
int run_nodedefine(struct call *call);
int run_nodegroupdefine(struct call *call);
int run_noderemove(struct call *call);
int run_nodegroupremove(struct call *call);
int run_noderename(struct call *call);
int run_nodegrouprename(struct call *call);

/* Whose attributes. */
struct target {
	bool group;
	const char *name; /* a noderange, or a group */
};

/* Prints the attributes of the target that the words ask for. view: "all" or "current". */
void attributes_print(struct session *s, const struct target *target, const char *view,
	char *const *words, int count);

struct assignments;

/* Sets and clears, and prints the new values of nodes. False: it failed. */
bool attributes_change(
	struct session *s, const struct target *target, const struct assignments *a, bool clears);

#endif
