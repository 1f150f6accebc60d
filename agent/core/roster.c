/*
 * The view: members, active keys, the leader key, each with the revision of the last news.
 *
 * Members are few, so a name is found by walking an array. What is gone stays as an entry with the
 * revision of its end, so that older news can't bring it back, until a listing confirms it; from
 * then on the revision of that listing (`floor`) does the same for all names that are not kept.
 */
#include "config.h"

#include "core/roster.h"

#include <assert.h>
#include <stdlib.h>

#include "base/macros.h"
#include "base/mem.h"
#include "base/text.h"
#include "core/copy.h"

struct roster {
	struct roster_member **members;
	unsigned count;
	unsigned left_out;
	bool crowded[2]; /* since the last listing, in the one under way */
	struct roster_key leader;
	bool leader_listed;
	bool listing;
	bool complete;
	int64_t floor;
	int64_t revision;
	int64_t began; /* roster_began(); 0: not known yet */
};

struct roster *roster_new(void)
{
	return xcalloc(1, sizeof(struct roster));
}

void roster_free(struct roster *r)
{
	unsigned i;

	if (!r)
		return;
	for (i = 0; i < r->count; i++)
		free(r->members[i]);
	free(r->members);
	free(r);
}

static struct roster_member *find(const struct roster *r, const char *name)
{
	unsigned i;

	for (i = 0; i < r->count; i++)
		if (text_eq(r->members[i]->name, name))
			return r->members[i];
	return NULL;
}

/* Drops what is gone as of the last listing, or all that is gone. */
static void forget_the_gone(struct roster *r, bool all)
{
	unsigned i, kept = 0;

	for (i = 0; i < r->count; i++) {
		struct roster_member *m = r->members[i];
		bool gone = !m->present && !m->active.present;

		if (gone && (all || (m->rev <= r->floor && m->active.rev <= r->floor)))
			free(m);
		else
			r->members[kept++] = m;
	}
	r->count = kept;
}

/* Makes room for a member among names that are nobody's. */
static void drop_a_stranger(struct roster *r)
{
	unsigned i;

	for (i = 0; i < r->count && r->members[i]->valid; i++)
		;
	if (i == r->count)
		return;
	free(r->members[i]);
	r->left_out++;
	for (r->count--; i < r->count; i++)
		r->members[i] = r->members[i + 1];
}

static struct roster_member *find_or_add(
	struct roster *r, usec_t now, const char *name, bool is_member)
{
	struct roster_member *m = find(r, name);

	if (m)
		return m;
	if (r->count == ROSTER_MAX)
		forget_the_gone(r, true);
	if (r->count == ROSTER_MAX && is_member && name_valid(name))
		drop_a_stranger(r);
	if (!name_valid(name) || r->count == ROSTER_MAX) {
		r->left_out++;
		return NULL;
	}
	m = xcalloc(1, sizeof(*m));
	copy_text(m->name, sizeof(m->name), name);
	m->rev = m->active.rev = r->floor;
	m->since = now;
	r->members = xrealloc(r->members, r->count + 1, sizeof(*r->members));
	r->members[r->count++] = m;
	return m;
}

static void active_at(struct roster_member *m, int64_t revision)
{
	m->active_rev = MAX(m->active_rev, revision);
}

/* watched: the revision at which the watch says that something changed; 0 for what comes from a listing or a
 * read, which tell only that it did. */
static void judge(const struct roster *r, struct roster_member *m, usec_t now, int64_t watched)
{
	bool active = m->present && m->valid && m->active.present && m->active.lease != 0;

	if (active != m->is_active)
		m->since = now;
	if (active)
		active_at(m, MAX(m->mod_rev, m->active.mod_rev));
	else if (m->is_active && watched)
		active_at(m, watched - 1);
	if (m->is_active && !active && r->began)
		m->was_seen |= MAX(m->rev, m->active.rev) > r->began;
	m->is_active = active;
}

/* Whether news of a key is newer than what is known; `*rev` moves on with it. */
static bool is_news(struct roster *r, int64_t *rev, bool present, int64_t mod_rev, int64_t revision)
{
	int64_t at = present || revision == 0 ? mod_rev : revision;

	r->revision = r->revision > at ? r->revision : at;
	if (at <= *rev)
		return false;
	*rev = at;
	return true;
}

static bool key_news(
	struct roster *r, struct roster_key *key, const struct key_info *info, int64_t revision)
{
	bool was = key->present;

	if (!is_news(r, &key->rev, info->present, info->mod_rev, revision))
		return false;
	if (!info->present) {
		*key = (struct roster_key){.rev = key->rev};
		return was;
	}
	key->present = true;
	key->create_rev = info->create_rev;
	key->mod_rev = info->mod_rev;
	key->lease = info->lease;
	copy_text(key->value, sizeof(key->value), info->value);
	copy_text(key->instance, sizeof(key->instance), info->instance);
	return true;
}

bool roster_record(struct roster *r, usec_t now, const char *name, const struct record_info *info,
	int64_t revision)
{
	bool is_member = info->present && info->valid;
	struct roster_member *m = find_or_add(r, now, name, is_member);
	bool was;

	if (!m && is_member && name_valid(name))
		r->crowded[0] = r->crowded[1] = true;
	if (!m)
		return false;
	if (r->listing && !revision)
		m->listed[0] = info->present;
	was = m->present;
	if (!is_news(r, &m->rev, info->present, info->mod_rev, revision))
		return false;
	m->present = info->present;
	m->valid = info->present && info->valid;
	m->voting = info->present && info->voting;
	m->mine = info->present && info->mine;
	m->mod_rev = info->present ? info->mod_rev : 0;
	if (info->present) {
		copy_text(m->address, sizeof(m->address), info->address);
		copy_text(m->version, sizeof(m->version), info->version);
	}
	judge(r, m, now, r->listing || revision ? 0 : info->mod_rev);
	return was || info->present;
}

bool roster_active(struct roster *r, usec_t now, const char *name, const struct key_info *info,
	int64_t revision)
{
	struct roster_member *m = find_or_add(r, now, name, false);

	if (!m)
		return false;
	if (r->listing && !revision)
		m->listed[1] = info->present;
	if (!key_news(r, &m->active, info, revision))
		return false;
	if (info->present && info->version)
		copy_text(m->version, sizeof(m->version), info->version);
	judge(r, m, now, r->listing || revision ? 0 : info->mod_rev);
	return true;
}

bool roster_leader(struct roster *r, const struct key_info *info, int64_t revision)
{
	if (r->listing && info->present && !revision)
		r->leader_listed = true;
	return key_news(r, &r->leader, info, revision);
}

void roster_began(struct roster *r, int64_t revision)
{
	if (!r->began)
		r->began = revision;
}

void roster_begin(struct roster *r)
{
	unsigned i;

	r->listing = true;
	r->leader_listed = r->crowded[1] = false;
	for (i = 0; i < r->count; i++) {
		r->members[i]->listed[0] = r->members[i]->listed[1] = false;
		/* who goes unseen from here on was there until now */
		if (r->members[i]->is_active)
			active_at(r->members[i], r->revision);
	}
}

bool roster_end(struct roster *r, usec_t now, int64_t revision)
{
	static const struct record_info no_record;
	static const struct key_info no_key;
	bool changed = !r->complete;
	unsigned i;

	r->listing = false;
	r->complete = true;
	r->crowded[0] = r->crowded[1];
	for (i = 0; i < r->count; i++) {
		struct roster_member *m = r->members[i];

		if (m->present && !m->listed[0])
			changed |= roster_record(r, now, m->name, &no_record, revision);
		if (m->active.present && !m->listed[1])
			changed |= roster_active(r, now, m->name, &no_key, revision);
		if (m->is_active)
			active_at(m, revision);
	}
	if (r->leader.present && !r->leader_listed)
		changed |= roster_leader(r, &no_key, revision);
	r->floor = r->floor > revision ? r->floor : revision;
	r->revision = r->revision > revision ? r->revision : revision;
	forget_the_gone(r, false);
	return changed;
}

bool roster_complete(const struct roster *r)
{
	return r->complete;
}

const struct roster_member *roster_find(const struct roster *r, const char *name)
{
	return find(r, name);
}

usec_t roster_gone_since(const struct roster_member *m, usec_t moved_at, int64_t moved_rev)
{
	bool stayed_away = m->was_seen && moved_at && m->active_rev < moved_rev;

	return stayed_away ? usec_min(m->since, moved_at) : m->since;
}

const struct roster_key *roster_leader_key(const struct roster *r)
{
	return &r->leader;
}

const struct roster_member *roster_leader_member(const struct roster *r)
{
	const struct roster_member *m;

	if (!r->leader.present || r->leader.lease == 0)
		return NULL;
	m = find(r, r->leader.value);
	return m && m->present && m->valid ? m : NULL;
}

const struct roster_member *roster_holder(const struct roster *r, int64_t lease, const char *name)
{
	const struct roster_member *m = find(r, name);
	unsigned i;

	if (m && m->active.present && m->active.lease == lease)
		return m;
	for (i = 0; i < r->count; i++)
		if (r->members[i]->is_active && r->members[i]->active.lease == lease)
			return r->members[i];
	return NULL;
}

static bool passes(const struct roster *r, const struct roster_member *m, unsigned filter)
{
	if (!m->present || !m->valid)
		return false;
	if ((filter & ROSTER_ACTIVE && !m->is_active) || (filter & ROSTER_OFFLINE && m->is_active))
		return false;
	if ((filter & ROSTER_VOTING && !m->voting) || (filter & ROSTER_NONVOTING && m->voting))
		return false;
	return !(filter & ROSTER_NO_LEADER && m == roster_leader_member(r));
}

unsigned roster_list(const struct roster *r, unsigned filter, roster_compare_fn *compare,
	const struct roster_member **ret, unsigned max)
{
	unsigned i, j, n = 0, stored = 0;

	for (i = 0; i < r->count; i++) {
		const struct roster_member *m = r->members[i];

		if (!passes(r, m, filter) || n++ >= max)
			continue;
		for (j = stored++; compare && j > 0 && compare(ret[j - 1], m) > 0; j--)
			ret[j] = ret[j - 1];
		ret[j] = m;
	}
	return n;
}

unsigned roster_foreign(const struct roster *r)
{
	unsigned i, n = 0;

	for (i = 0; i < r->count; i++)
		n += r->members[i]->active.present && !r->members[i]->is_active;
	return n;
}

unsigned roster_invalid(const struct roster *r)
{
	unsigned i, n = 0;

	for (i = 0; i < r->count; i++)
		n += r->members[i]->present && !r->members[i]->valid;
	return n;
}

unsigned roster_left_out(const struct roster *r)
{
	return r->left_out;
}

bool roster_full(const struct roster *r, const char *name)
{
	const struct roster_member *m = find(r, name);

	return !(m && m->valid) && roster_list(r, 0, NULL, NULL, 0) >= ROSTER_MEMBERS_MAX;
}

bool roster_crowded(const struct roster *r)
{
	return r->crowded[0];
}

int64_t roster_revision(const struct roster *r)
{
	return r->revision;
}
