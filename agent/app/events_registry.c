/*
 * The registry: who leads and who is active, compared with what was told last.
 */
#include "config.h"
#include "app/events_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/agent.h"
#include "base/mem.h"
#include "base/text.h"
#include "core/roster.h"
#include "member/member.h"

/* What is new of the registry, to be put in order. */
struct news {
	int64_t revision;
	struct event *made;
};

static struct news news_of(int64_t revision, const struct event *event)
{
	return (struct news){.revision = revision, .made = event_copy(event)};
}

static int compare_news(const void *a, const void *b)
{
	const struct news *x = a, *y = b;

	if (x->revision != y->revision)
		return x->revision < y->revision ? -1 : 1;
	if (x->made->kind != y->made->kind)
		return (int)x->made->kind - (int)y->made->kind;
	return strcmp(x->made->name, y->made->name);
}

/* Of news of a key that is gone the copy may not have heard: what matters is that it is. */
static int64_t at_most(int64_t revision, int64_t copy)
{
	return revision < copy ? revision : copy;
}

static const struct roster_member *acting_leader(const struct events *e)
{
	const struct member *member = e->agent->member;
	const struct roster_member *leader = roster_leader_member(member_roster(member));

	if (!e->quorum || !leader)
		return NULL;
	if (text_eq(leader->name, member_name(member)) && !member_leads(member))
		return NULL;
	return leader;
}

static bool leader_news(const struct events *e, int64_t copy, struct news *ret)
{
	const struct roster_key *key = roster_leader_key(member_roster(e->agent->member));
	const struct roster_member *leader = acting_leader(e);
	struct event event = {
		.kind = EVENT_LEADER, .from = e->leader, .to = leader ? leader->name : ""};

	if (text_eq(event.from, event.to))
		return false;
	*ret = news_of(leader ? key->mod_rev : e->quorum ? at_most(key->rev, copy) : 0, &event);
	return true;
}

static struct told_member *told_find(const struct events *e, const char *name, unsigned guess)
{
	if (guess < e->n_members && text_eq(e->members[guess].name, name))
		return &e->members[guess];
	for (unsigned i = 0; i < e->n_members; i++) {
		if (text_eq(e->members[i].name, name))
			return &e->members[i];
	}
	return NULL;
}

static bool member_news(const struct roster_member *member, const struct told_member *told,
	int64_t copy, struct news *ret)
{
	const struct roster_key *key = &member->active;
	int64_t revision = member->is_active ? key->mod_rev : at_most(key->rev, copy);
	struct event event = {
		.kind = EVENT_MEMBER,
		.name = member->name,
		.on = member->is_active,
		.was_on = told && told->active,
	};

	if (told && told->active == member->is_active)
		return false;
	*ret = news_of(revision > member->mod_rev ? revision : member->mod_rev, &event);
	return true;
}

static struct news gone_news(const struct events *e, const struct told_member *told, int64_t copy)
{
	const struct roster_member *rest = roster_find(member_roster(e->agent->member), told->name);
	struct event event = {
		.kind = EVENT_MEMBER, .name = told->name, .was_on = told->active, .gone = true};

	return news_of(rest ? at_most(rest->rev, copy) : 0, &event);
}

/* All news, those of the copy's future included; *ret is new. */
static unsigned find_news(struct events *e, int64_t copy, struct news **ret)
{
	CLEANUP(freep) const struct roster_member **list = xcalloc(ROSTER_MAX, sizeof(*list));
	unsigned n = roster_list(member_roster(e->agent->member), 0, NULL, list, ROSTER_MAX);
	struct news *news = xcalloc(1 + n + e->n_members, sizeof(*news));
	unsigned found = leader_news(e, copy, &news[0]);

	for (unsigned i = 0; i < e->n_members; i++)
		e->members[i].seen = false;
	for (unsigned i = 0; i < MIN(n, (unsigned)ROSTER_MAX); i++) {
		struct told_member *told = told_find(e, list[i]->name, i);

		if (told)
			told->seen = true;
		found += member_news(list[i], told, copy, &news[found]);
	}
	for (unsigned i = 0; i < e->n_members; i++) {
		if (!e->members[i].seen)
			news[found++] = gone_news(e, &e->members[i], copy);
	}
	*ret = news;
	return found;
}

static void remember(struct events *e, const struct event *event)
{
	struct told_member *told;

	if (event->kind == EVENT_LEADER) {
		snprintf(e->leader, sizeof(e->leader), "%s", event->to);
		return;
	}
	told = told_find(e, event->name, 0);
	if (event->gone) {
		e->n_members--;
		memmove(told, told + 1, (size_t)(e->members + e->n_members - told) * sizeof(*told));
		return;
	}
	if (!told) {
		e->members = xrealloc(e->members, e->n_members + 1, sizeof(*e->members));
		told = &e->members[e->n_members++];
		*told = (struct told_member){0};
		snprintf(told->name, sizeof(told->name), "%s", event->name);
	}
	told->active = event->on;
}

void events_tell_registry(struct events *e, int64_t copy)
{
	CLEANUP(freep) struct news *news = NULL;
	unsigned n = find_news(e, copy, &news);

	qsort(news, n, sizeof(*news), compare_news);
	for (unsigned i = 0; i < n; i++) {
		struct event *event = news[i].made;

		if (news[i].revision <= copy) {
			remember(e, event);
			events_tell(e, news[i].revision, event);
		}
		event_drop(event);
	}
}
