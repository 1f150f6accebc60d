#include "config.h"
#include "log/roll.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "core/roster.h"
#include "io/loop.h"
#include "log/report.h"

struct known {
	struct list link;
	char name[NAME_MAX_LEN + 1];
	bool active;
	bool seen; /* in the roll that is called right now */
	struct report *report;
};

struct roll {
	struct loop *loop;
	char *self;
	bool begun;
	struct list members;
	char leader[NAME_MAX_LEN + 1];
};

struct roll *roll_new(struct loop *loop, const char *self)
{
	struct roll *roll = xcalloc(1, sizeof(*roll));

	roll->loop = loop;
	roll->self = xstrdup(self);
	list_init(&roll->members);
	return roll;
}

static void known_free(struct known *k)
{
	list_del(&k->link);
	report_free(k->report);
	free(k);
}

void roll_free(struct roll *roll)
{
	struct known *k, *tmp;

	if (!roll)
		return;
	list_foreach_safe (k, tmp, &roll->members, link)
		known_free(k);
	free(roll->self);
	free(roll);
}

static struct known *find(struct roll *roll, const char *name)
{
	struct known *k;

	list_foreach (k, &roll->members, link) {
		if (text_eq(k->name, name))
			return k;
	}
	return NULL;
}

static struct known *add(struct roll *roll, const char *name)
{
	struct known *k = xcalloc(1, sizeof(*k));

	snprintf(k->name, sizeof(k->name), "%s", name);
	k->report = report_new(roll->loop, "registry", 0);
	list_add_tail(&roll->members, &k->link);
	return k;
}

static void say(struct known *k, bool bad, const char *what, const char *more)
{
	CLEANUP(freep) char *text = xasprintf("%s %s%s", k->name, what, more);

	report_change(k->report, bad, text);
}

static void check(struct roll *roll, const struct roster_member *m)
{
	struct known *k = find(roll, m->name);
	bool is_new = !k;

	if (is_new)
		k = add(roll, m->name);
	k->seen = true;
	if (roll->begun && is_new)
		say(k, false, "is a member now", m->voting ? "" : " (nonvoting)");
	if (roll->begun && m->is_active != k->active) {
		if (m->is_active)
			say(k, false, "is active, at ", m->active.value);
		else
			say(k, true, "is offline", "");
	}
	k->active = m->is_active;
}

static void check_leader(struct roll *roll, const struct roster *roster)
{
	const struct roster_member *leader = roster_leader_member(roster);
	const struct roster_member *self = roster_find(roster, roll->self);
	const char *name = leader ? leader->name : "";

	if (text_eq(roll->leader, name))
		return;
	snprintf(roll->leader, sizeof(roll->leader), "%s", name);
	if (!roll->begun || text_eq(name, roll->self))
		return;
	/* that nobody does, who votes hears from its own part in the election */
	if (leader)
		log_info("registry", "%s leads", name);
	else if (!self || !self->voting)
		log_info("registry", "nobody leads");
}

static void begin(struct roll *roll, unsigned members, unsigned active)
{
	log_info("registry", "%u %s, %u active; %s%s", members, members == 1 ? "member" : "members",
		active, *roll->leader ? "the leader is " : "nobody leads", roll->leader);
	roll->begun = true;
}

void roll_call(struct roll *roll, const struct roster *roster)
{
	CLEANUP(freep) const struct roster_member **list = NULL;
	unsigned active = 0;
	struct known *k, *tmp;
	unsigned n;

	if (!roster_complete(roster))
		return;
	list = xcalloc(ROSTER_MAX, sizeof(*list));
	n = roster_list(roster, 0, NULL, list, ROSTER_MAX);
	list_foreach (k, &roll->members, link)
		k->seen = false;
	for (unsigned i = 0; i < n && i < ROSTER_MAX; i++) {
		active += list[i]->is_active;
		if (!text_eq(list[i]->name, roll->self))
			check(roll, list[i]);
	}
	list_foreach_safe (k, tmp, &roll->members, link) {
		if (k->seen)
			continue;
		log_info("registry", "%s is no member any more", k->name);
		known_free(k);
	}
	check_leader(roll, roster);
	if (!roll->begun)
		begin(roll, n, active);
}
