/*
 * Happy path: each key below rekey/ is kept as it is and read anew whenever this member has a key more,
 * since it may be under that one; then the keys that are wrapped for this member are taken, as long
 * as that opens further ones; then the state tells which key is the current one.
 */
#include "config.h"
#include "identity/keyring.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "core/roster.h"
#include "etcd/txn.h"
#include "identity/identity.h"
#include "record/signing.h"
#include "record/view.h"
#include "trust/wrap.h"

/* More are told and not kept. */
#define WRAPS_MAX 4096
#define HELDS_MAX 1024

struct keyring {
	struct identity *identity;
	struct list members;
	size_t n_members;
	struct keyitems wraps, helds;
	char *state; /* the value of rekey/state; NULL: there is none */
	size_t state_len;
	int64_t state_rev;
	bool state_listed;
	int state_rc;		    /* of reading it */
	struct rekey_change change; /* as last read */
	bool remembers;
	int64_t revision;
	uint64_t serial, keys, saved;
};

struct keyring *keyring_new(struct identity *identity)
{
	struct keyring *kr = xcalloc(1, sizeof(*kr));

	kr->identity = identity;
	list_init(&kr->members);
	keyitems_init(&kr->wraps, KEYITEM_WRAPPED, WRAPS_MAX);
	keyitems_init(&kr->helds, KEYITEM_HELD, HELDS_MAX);
	identity->key_revision = 0;
	return kr;
}

static void member_free(struct keyring *kr, struct keyring_member *m)
{
	list_del(&m->link);
	kr->n_members--;
	free(m);
}

void keyring_free(struct keyring *kr)
{
	struct keyring_member *m;

	if (!kr)
		return;
	while ((m = list_first(&kr->members, struct keyring_member, link)))
		member_free(kr, m);
	keyitems_done(&kr->wraps);
	keyitems_done(&kr->helds);
	free(kr->state);
	free(kr);
}

void keyring_guard(const struct identity *identity, const char *prefix, struct etcd_txn *txn)
{
	CLEANUP(freep) char *key = xasprintf("%s%s", prefix, REKEY_STATE);

	etcd_txn_if_mod(txn, key, ETCD_EQUAL, identity->key_revision);
}

/* ---- keys ---- */

static void keys_changed(struct keyring *kr)
{
	kr->keys++;
	kr->serial++;
}

/* Room for one more: the oldest that is not the current one goes. */
static void make_room(struct keyring *kr)
{
	struct bundle *bundle = kr->identity->bundle;

	if (bundle->held_count == BUNDLE_HELD_MAX)
		(void)bundle_drop_key(bundle, bundle->held[0]);
}

/* A key that is wrapped for this very member and new to it; true: it has it now. */
static bool take(struct keyring *kr, const struct keyitem *item)
{
	struct identity *id = kr->identity;
	CLEANUP(freep) char *context = rekey_context(id->bundle, item->key, id->name);
	unsigned char key[KDF_KEY_LEN];
	char has[SEAL_KEY_ID_LEN + 1];
	struct rekey_wrap wrap;
	struct err err = {""};
	int rc;

	rc = rekey_wrap_decode(&wrap, item->path, item->value, item->len, id->bundle, &err);
	if (rc == 0)
		rc = wrap_open(id->key, context, wrap.wrapped, key, &err);
	if (rc == 0)
		rc = seal_key_id(key, has, &err);
	if (rc == 0 && !text_eq(has, item->key))
		rc = err_set(&err, -EBADMSG, "it holds another key than it says");
	if (rc == 0) {
		make_room(kr);
		rc = bundle_hold_key(id->bundle, key, &err);
	}
	mem_wipe(key, sizeof(key));
	if (rc < 0) {
		log_error("rekey", "%s can't be used: %s", item->path, err.text);
		return false;
	}
	log_info("rekey", "this member has the collective key %s now", item->key);
	return true;
}

static bool take_one(struct keyring *kr)
{
	const struct identity *id = kr->identity;
	const struct keyitem *item;

	list_foreach (item, &kr->wraps.list, link) {
		if (!text_eq(item->name, id->name) || !text_eq(item->receiver, id->key_hash) ||
			keyring_has(kr, item->key) || !take(kr, item))
			continue;
		keys_changed(kr);
		/* others may be under this one */
		keyitems_read(&kr->wraps, id->bundle);
		return true;
	}
	return false;
}

static void make_current(struct keyring *kr, const char *id)
{
	struct bundle *bundle = kr->identity->bundle;
	unsigned char key[KDF_KEY_LEN];
	struct err err = {""};
	size_t which;

	if (!signing_find(bundle, id, &which) || which == 0)
		return;
	memcpy(key, bundle_key_at(bundle, which), sizeof(key));
	if (bundle_turn_key(bundle, key, &err) < 0)
		log_error("rekey", "%s", err.text);
	else
		log_info("rekey", "the collective key is %s now", id);
	mem_wipe(key, sizeof(key));
	keys_changed(kr);
}

static void follow_state(struct keyring *kr)
{
	struct identity *id = kr->identity;
	char current[SEAL_KEY_ID_LEN + 1] = "";

	kr->state_rc = 0;
	id->key_revision = kr->state ? kr->state_rev : 0;
	if (!kr->state)
		return;
	kr->state_rc = rekey_change_decode(&kr->change, kr->state, kr->state_len, id->bundle, NULL);
	kr->remembers |= kr->state_rc == 0;
	if (kr->state_rc == -ENOKEY)
		id->key_revision = -1; /* no key has it: nothing sealed is written */
	if (kr->state_rc < 0 || seal_key_id(id->bundle->key, current, NULL) < 0)
		return;
	if (kr->change.stage != REKEY_DISTRIBUTE)
		make_current(kr, kr->change.key);
	else if (!text_eq(current, kr->change.key))
		make_current(kr, kr->change.from);
}

void keyring_settle(struct keyring *kr, bool listed)
{
	uint64_t keys = kr->keys;

	if (listed) {
		keyitems_end(&kr->wraps);
		keyitems_end(&kr->helds);
		if (!kr->state_listed)
			free(TAKE(kr->state));
	}
	while (take_one(kr))
		;
	follow_state(kr);
	if (kr->keys == keys)
		return;
	keyitems_read(&kr->wraps, kr->identity->bundle);
	keyitems_read(&kr->helds, kr->identity->bundle);
}

/* ---- feeding ---- */

void keyring_begin(struct keyring *kr)
{
	struct keyring_member *m;

	kr->state_listed = false;
	list_foreach (m, &kr->members, link)
		m->listed = false;
	keyitems_begin(&kr->wraps);
	keyitems_begin(&kr->helds);
}

static int put_state(struct keyring *kr, const struct etcd_kv *kv, bool deleted, struct err *err)
{
	struct rekey_change change;
	int rc;

	free(TAKE(kr->state));
	kr->state_rev = kv->mod_revision;
	if (deleted)
		return 0;
	kr->state = xmemdup(kv->value, kv->value_len + 1);
	kr->state_len = kv->value_len;
	kr->state_listed = true;
	rc = rekey_change_decode(&change, kv->value, kv->value_len, kr->identity->bundle, err);
	return rc == -ENOKEY ? 0 : rc;
}

int keyring_key(struct keyring *kr, const char *path, const struct etcd_kv *kv, bool deleted,
	struct err *err)
{
	struct keyitems *items = NULL;
	int rc;

	kr->serial++;
	if (text_eq(path, REKEY_STATE))
		return put_state(kr, kv, deleted, err);
	if (keyitems_name(KEYITEM_WRAPPED, path))
		items = &kr->wraps;
	else if (keyitems_name(KEYITEM_HELD, path))
		items = &kr->helds;
	if (items && deleted)
		keyitems_remove(items, path);
	if (deleted)
		return 0;
	if (!items)
		return err_set(err, -EINVAL, "it is none that this version knows");
	rc = keyitems_put(
		items, kr->identity->bundle, path, kv->value, kv->value_len, kv->mod_revision, err);
	/* under a key that this member may have in a moment */
	return rc == -ENOKEY ? 0 : rc;
}

void keyring_early(struct keyring *kr, const char *path, const char *value, size_t len)
{
	const struct identity *id = kr->identity;

	if (text_eq(keyitems_name(KEYITEM_WRAPPED, path), id->name) &&
		keyitems_put(&kr->wraps, id->bundle, path, value, len, 0, NULL) < 0)
		log_debug("rekey", "%s in the copy on disk is of no use", path);
}

static struct keyring_member *find(const struct keyring *kr, const char *name)
{
	struct keyring_member *m;

	list_foreach (m, &kr->members, link) {
		if (text_eq(m->record.name, name))
			return m;
	}
	return NULL;
}

void keyring_member(struct keyring *kr, const char *name, const struct view_member *view)
{
	struct keyring_member *m = find(kr, name);

	kr->serial++;
	if (!view || !view->info.present || !view->info.valid) {
		if (m)
			member_free(kr, m);
		return;
	}
	if (!m && kr->n_members == ROSTER_MAX)
		return;
	if (!m) {
		m = xcalloc(1, sizeof(*m));
		list_add_tail(&kr->members, &m->link);
		kr->n_members++;
	}
	m->record = view->record;
	m->rev = view->info.mod_rev;
	m->listed = true;
}

void keyring_active(struct keyring *kr, const char *name, const char *public_key)
{
	struct keyring_member *m = find(kr, name);

	if (!m || text_eq(m->active_key, public_key))
		return;
	kr->serial++;
	memcpy(m->active_key, public_key, strlen(public_key) + 1);
}

void keyring_seen(struct keyring *kr, int64_t revision)
{
	kr->revision = MAX(kr->revision, revision);
}

void keyring_end(struct keyring *kr, int64_t revision)
{
	struct keyring_member *m, *tmp;

	kr->serial++;
	kr->revision = MAX(kr->revision, revision);
	list_foreach_safe (m, tmp, &kr->members, link) {
		if (!m->listed)
			member_free(kr, m);
	}
}

/* ---- what is known ---- */

uint64_t keyring_serial(const struct keyring *kr)
{
	return kr->serial;
}

int64_t keyring_revision(const struct keyring *kr)
{
	return kr->revision;
}

const struct rekey_change *keyring_change(const struct keyring *kr, int64_t *ret_rev)
{
	if (ret_rev)
		*ret_rev = kr->state ? kr->state_rev : 0;
	return kr->state && kr->state_rc == 0 ? &kr->change : NULL;
}

bool keyring_behind(const struct keyring *kr)
{
	return kr->state && kr->state_rc == -ENOKEY;
}

const struct rekey_change *keyring_remembered(const struct keyring *kr)
{
	return kr->remembers ? &kr->change : NULL;
}

bool keyring_has(const struct keyring *kr, const char *id)
{
	size_t which;

	return signing_find(kr->identity->bundle, id, &which);
}

const struct list *keyring_members(const struct keyring *kr)
{
	return &kr->members;
}

const struct keyring_member *keyring_find(const struct keyring *kr, const char *name)
{
	return find(kr, name);
}

const struct keyitems *keyring_wraps(const struct keyring *kr)
{
	return &kr->wraps;
}

const struct keyitems *keyring_helds(const struct keyring *kr)
{
	return &kr->helds;
}

bool keyring_is_wrapped(const struct keyring *kr, const struct keyring_member *m, const char *key)
{
	return keyitems_find(&kr->wraps, m->record.name, m->record.key, key) != NULL;
}

bool keyring_is_held(const struct keyring *kr, const struct keyring_member *m, const char *key)
{
	return keyitems_find(&kr->helds, m->record.name, m->record.key, key) != NULL;
}

const char *keyring_public(const struct keyring_member *m)
{
	if (*m->record.public_key)
		return m->record.public_key;
	return privkey_public_is(m->active_key, m->record.key) ? m->active_key : NULL;
}

/* ---- the disk ---- */

bool keyring_unsaved(const struct keyring *kr)
{
	return kr->saved != kr->keys;
}

uint64_t keyring_keys_serial(const struct keyring *kr)
{
	return kr->keys;
}

void keyring_saved(struct keyring *kr, uint64_t keys_serial)
{
	kr->saved = MAX(kr->saved, keys_serial);
	kr->serial++;
}

void keyring_drop(struct keyring *kr)
{
	struct bundle *bundle = kr->identity->bundle;

	while (bundle->held_count)
		(void)bundle_drop_key(bundle, bundle->held[0]);
	keys_changed(kr);
}
