/*
 * What leadership is decided on.
 */
#include "config.h"

#include "core/leader_view.h"

#include "base/text.h"

const struct roster_key *leader_view_key(const struct leader_view *v)
{
	return roster_leader_key(v->roster);
}

const struct roster_member *leader_view_self(const struct leader_view *v)
{
	return roster_find(v->roster, v->name);
}

bool leader_view_ours(const struct leader_view *v)
{
	const struct roster_key *key = leader_view_key(v);

	return key->present && v->lease->id != 0 && key->lease == v->lease->id &&
	       text_eq(key->value, v->name);
}

bool leader_view_created(const struct leader_view *v, int64_t create_rev)
{
	const struct roster_key *key = leader_view_key(v);

	return key->present && key->create_rev == create_rev;
}

bool leader_view_stray(const struct leader_view *v)
{
	const struct roster_key *key = leader_view_key(v);
	const struct roster_member *holder = roster_holder(v->roster, key->lease, key->value);

	return key->present && (key->lease == 0 || (holder && !text_eq(holder->name, key->value)));
}

bool leader_view_others(const struct leader_view *v)
{
	const struct roster_member *self = leader_view_self(v);
	unsigned n = roster_list(v->roster, ROSTER_ACTIVE | ROSTER_VOTING, NULL, NULL, 0);

	return n > (self && self->is_active && self->voting);
}

void leader_view_put(
	const struct leader_view *v, int64_t create_rev, int64_t mod_rev, int64_t lease)
{
	struct key_info key = {
		.present = true,
		.create_rev = create_rev,
		.mod_rev = mod_rev,
		.lease = lease,
		.value = v->name,
	};

	(void)roster_leader(v->roster, &key, mod_rev);
}

void leader_view_delete(const struct leader_view *v, int64_t revision)
{
	static const struct key_info none;

	(void)roster_leader(v->roster, &none, revision);
}
