/*
 * What may become of an invitation; how the changes get to disk is enroll/keeper.h's.
 *
 * Expiry is noted in all copies when a lookup sees it and never undone, but not written at once, so
 * that strangers' handshakes cause no writes; the next change or invitations_sweep() writes it.
 *
 * Failure modes: a damaged file stops the load, because an empty book in its place would forget who
 * used an invitation; the administrator decides.
 */
#include "config.h"
#include "enroll/invitations.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "enroll/book.h"
#include "enroll/keeper.h"

#define TIME_TEXT_MAX 32

struct invitations {
	struct keeper keeper;
};

static const char *const state_names[] = {
	[INVITATION_PENDING] = "pending",
	[INVITATION_REDEEMING] = "redeeming",
	[INVITATION_USED] = "used",
	[INVITATION_REVOKED] = "revoked",
	[INVITATION_EXPIRED] = "expired",
};

const char *invitation_state_name(enum invitation_state state)
{
	return state_names[state];
}

static const char *time_text(usec_t t, char dst[TIME_TEXT_MAX])
{
	time_t seconds = (time_t)(t / USEC_PER_SEC);
	struct tm tm;

	if (!gmtime_r(&seconds, &tm) || !strftime(dst, TIME_TEXT_MAX, "%Y-%m-%d %H:%M:%S UTC", &tm))
		snprintf(dst, TIME_TEXT_MAX, "an unknown time");
	return dst;
}

static struct book_entry *find(struct invitations *book, const void *identity, size_t len)
{
	return book_find(book->keeper.now.entries, book->keeper.now.count, identity, len);
}

static void drop_key(struct book_entry *e)
{
	mem_wipe(e->key, sizeof(e->key));
	e->has_key = false;
}

static void finish(struct book_entry *e, enum invitation_state state, usec_t now)
{
	drop_key(e);
	e->state = state;
	e->ended = now;
}

static bool expire_in(struct pages *pages, usec_t now)
{
	bool any = false;

	for (size_t i = 0; i < pages->count; i++) {
		struct book_entry *e = &pages->entries[i];

		if (!e->has_key || now < e->expires)
			continue;
		if (e->state == INVITATION_USED)
			drop_key(e);
		else
			finish(e, INVITATION_EXPIRED, now);
		any = true;
	}
	return any;
}

static void expire(struct invitations *book, usec_t now)
{
	if (expire_in(&book->keeper.now, now))
		book->keeper.dirty = true;
	expire_in(&book->keeper.firm, now);
	expire_in(&book->keeper.flying, now);
}

static void forget(struct invitations *book, size_t index)
{
	struct pages *pages = &book->keeper.now;
	struct book_entry *e = &pages->entries[index];

	pages->count--;
	memmove(e, e + 1, (pages->count - index) * sizeof(*e));
	mem_wipe(&pages->entries[pages->count], sizeof(*e));
}

static bool forget_old(struct invitations *book, usec_t now)
{
	size_t before = book->keeper.now.count;

	for (size_t i = book->keeper.now.count; i-- > 0;) {
		const struct book_entry *e = &book->keeper.now.entries[i];

		if (!e->has_key && now > usec_add(e->ended, INVITATIONS_KEPT))
			forget(book, i);
	}
	return book->keeper.now.count != before;
}

static void forget_oldest_ended(struct invitations *book)
{
	size_t oldest = book->keeper.now.count;

	for (size_t i = 0; i < book->keeper.now.count; i++) {
		if (!book->keeper.now.entries[i].has_key &&
			(oldest == book->keeper.now.count ||
				book->keeper.now.entries[i].ended <
					book->keeper.now.entries[oldest].ended))
			oldest = i;
	}
	if (oldest < book->keeper.now.count)
		forget(book, oldest);
}

void invitations_sweep(struct invitations *book, usec_t now)
{
	expire(book, now);
	if (forget_old(book, now) || book->keeper.dirty)
		keeper_changed(&book->keeper);
}

static int load(struct invitations *book, struct buf *b, struct err *err)
{
	struct err why;
	int rc = book_decode(b, &book->keeper.now.entries, &book->keeper.now.count, &why);

	if (rc < 0)
		return err_set(err, rc,
			"%s is damaged (%s); restore it, or move it away, which ends all "
			"invitations "
			"made on this server",
			book->keeper.path, why.text);
	return 0;
}

int invitations_load(struct invitations **ret, struct worker *worker, const char *path, usec_t now,
	struct err *err)
{
	struct buf b = BUF_INIT(BOOK_TEXT_MAX);
	struct invitations *book = xcalloc(1, sizeof(*book));
	int rc;

	keeper_init(&book->keeper, path, worker);
	rc = file_check_secret(path, err);
	if (rc == -ENOENT) {
		*ret = book;
		err_clear(err);
		return 0;
	}
	if (rc == 0) {
		buf_reserve(&b, BOOK_TEXT_MAX);
		rc = file_read(path, &b, err);
	}
	if (rc == 0)
		rc = load(book, &b, err);
	buf_wipe(&b);
	if (rc < 0) {
		invitations_free(book);
		return rc;
	}
	keeper_loaded(&book->keeper);
	expire(book, now);
	*ret = book;
	return 0;
}

void invitations_free(struct invitations *book)
{
	if (!book)
		return;
	keeper_done(&book->keeper);
	free(book);
}

bool invitations_settle(struct invitations *book, struct invitations_wait *wait)
{
	return keeper_settle(&book->keeper, wait);
}

void invitations_leave(struct invitations_wait *wait)
{
	list_del(&wait->link);
}

void invitations_hold(struct invitations *book, bool hold)
{
	keeper_hold(&book->keeper, hold);
}

static int check_new(struct invitations *book, const char *name, const void *identity, usec_t ttl,
	struct err *err)
{
	int rc = name_check(name, err);

	if (rc < 0)
		return rc;
	if (ttl < USEC_PER_SEC || ttl > INVITATION_TTL_MAX)
		return err_set(err, -EINVAL,
			"an invitation must be good for at least 1 second and at most %d days",
			(int)(INVITATION_TTL_MAX / (86400 * USEC_PER_SEC)));
	if (find(book, identity, INVITATION_IDENTITY_LEN))
		return err_set(err, -EEXIST, "an invitation with this identity exists");
	return 0;
}

/* Ends those that the new one of that name replaces. */
static void end_others(struct invitations *book, const char *name, usec_t now)
{
	for (size_t i = 0; i < book->keeper.now.count; i++) {
		struct book_entry *e = &book->keeper.now.entries[i];

		if (!e->has_key || strcmp(e->name, name) != 0)
			continue;
		if (e->state == INVITATION_USED)
			drop_key(e);
		else
			finish(e, INVITATION_REVOKED, now);
	}
}

/* Whether one more of that name has a place, be it that of one that has ended or is to end. */
static bool has_room(const struct invitations *book, const char *name)
{
	const struct pages *now = &book->keeper.now;

	if (now->count < INVITATIONS_MAX)
		return true;
	for (size_t i = 0; i < now->count; i++) {
		if (!now->entries[i].has_key || strcmp(now->entries[i].name, name) == 0)
			return true;
	}
	return false;
}

int invitations_add(struct invitations *book, const char *name, bool voting,
	const unsigned char identity[INVITATION_IDENTITY_LEN],
	const unsigned char key[INVITATION_KEY_LEN], usec_t now, usec_t ttl, struct err *err)
{
	struct pages grown;
	struct book_entry *e;
	int rc = check_new(book, name, identity, ttl, err);

	if (rc < 0)
		return rc;
	expire(book, now);
	if (!has_room(book, name))
		return err_set(err, -ENOSPC,
			"%d invitations are pending here already; revoke some with: collective "
			"invite --revoke NAME",
			INVITATIONS_MAX);
	end_others(book, name, now);
	forget_old(book, now);
	if (book->keeper.now.count >= INVITATIONS_MAX)
		forget_oldest_ended(book);
	grown = pages_copy(&book->keeper.now);
	pages_done(&book->keeper.now);
	e = &grown.entries[grown.count++];
	book->keeper.now = grown;
	snprintf(e->name, sizeof(e->name), "%s", name);
	e->voting = voting;
	e->state = INVITATION_PENDING;
	e->created = now;
	e->expires = usec_add(now, ttl);
	memcpy(e->identity, identity, sizeof(e->identity));
	memcpy(e->key, key, sizeof(e->key));
	e->has_key = true;
	keeper_changed(&book->keeper);
	return 0;
}

static void used_text(const struct book_entry *e, struct err *err)
{
	char when[TIME_TEXT_MAX];

	err_set(err, -EALREADY, "already used by %s at %s", e->address,
		time_text(e->ended ? e->ended : e->asked, when));
}

int invitations_revoke(struct invitations *book, const char *name, usec_t now, struct err *err)
{
	struct book_entry *live = NULL, *used = NULL;

	expire(book, now);
	for (size_t i = 0; i < book->keeper.now.count; i++) {
		struct book_entry *e = &book->keeper.now.entries[i];

		if (strcmp(e->name, name) != 0)
			continue;
		if (e->state == INVITATION_USED)
			used = e;
		else if (e->has_key)
			live = e;
	}
	if (live) {
		finish(live, INVITATION_REVOKED, now);
		keeper_changed(&book->keeper);
		return 0;
	}
	if (!used)
		return err_set(err, -ENOENT, "there is no pending invitation of %s on this server",
			name_valid(name) ? name : "that name");
	used_text(used, err);
	if (used->has_key) {
		drop_key(used);
		keeper_changed(&book->keeper);
	}
	return err_wrap(err, -EALREADY, "the invitation of %s was redeemed", name);
}

int invitations_key(struct invitations *book, const void *identity, size_t len, usec_t now,
	unsigned char ret_key[INVITATION_KEY_LEN])
{
	struct book_entry *e;

	expire(book, now);
	e = find(book, identity, len);
	if (!e || !e->has_key)
		return -ENOENT;
	memcpy(ret_key, e->key, sizeof(e->key));
	return 0;
}

static void fill(const struct book_entry *e, struct invitation *ret)
{
	*ret = (struct invitation){
		.name = e->name,
		.voting = e->voting,
		.state = e->state,
		.created = e->created,
		.expires = e->expires,
		.ended = e->ended,
		.redeemer = *e->redeemer ? e->redeemer : NULL,
		.address = *e->address ? e->address : NULL,
		.asked = e->asked,
	};
}

bool invitations_find(struct invitations *book, const void *identity, size_t len, usec_t now,
	struct invitation *ret)
{
	struct book_entry *e;

	expire(book, now);
	e = find(book, identity, len);
	if (e)
		fill(e, ret);
	return e != NULL;
}

size_t invitations_count(const struct invitations *book)
{
	return book->keeper.now.count;
}

void invitations_at(const struct invitations *book, size_t index, struct invitation *ret)
{
	fill(&book->keeper.now.entries[index], ret);
}

static bool replaced(const struct invitations *book, const struct book_entry *e)
{
	/* entries are in order of creation */
	for (const struct book_entry *newer = e + 1;
		newer < book->keeper.now.entries + book->keeper.now.count; newer++) {
		if (strcmp(newer->name, e->name) == 0 && newer->created == e->ended)
			return true;
	}
	return false;
}

int invitations_why_not(
	struct invitations *book, const void *identity, size_t len, usec_t now, struct err *err)
{
	char when[TIME_TEXT_MAX];
	const struct book_entry *e;

	expire(book, now);
	e = find(book, identity, len);
	if (!e)
		return err_set(err, -ENOENT,
			"this server made no such invitation (is it the one that made it, and was "
			"the token copied completely?)");
	if (e->has_key)
		return 0;
	switch (e->state) {
	case INVITATION_EXPIRED:
		return err_set(err, -EKEYEXPIRED,
			"expired at %s, make a new one with: collective invite %s",
			time_text(e->expires, when), e->name);
	case INVITATION_REVOKED:
		if (replaced(book, e))
			return err_set(err, -EKEYREVOKED,
				"replaced at %s by a newer invitation of %s",
				time_text(e->ended, when), e->name);
		return err_set(err, -EKEYREVOKED,
			"revoked at %s, make a new one with: collective invite %s",
			time_text(e->ended, when), e->name);
	default:
		used_text(e, err);
		return -EALREADY;
	}
}

int invitations_claim(struct invitations *book, const void *identity, size_t len,
	const char *redeemer, const char *address, usec_t now, struct err *err)
{
	char when[TIME_TEXT_MAX];
	struct book_entry *e;
	int rc = invitations_why_not(book, identity, len, now, err);

	if (rc < 0)
		return rc;
	if (!privkey_hash_valid(redeemer))
		return err_set(err, -EINVAL, "not the hash of a key");
	e = find(book, identity, len);
	if (e->state != INVITATION_PENDING) {
		if (strcmp(e->redeemer, redeemer) == 0)
			return e->state == INVITATION_USED ? 2 : 1;
		if (e->state == INVITATION_USED) {
			used_text(e, err);
			return -EALREADY;
		}
		return err_set(err, -EALREADY,
			"being used by %s with another key since %s; if that was given up, make a "
			"new "
			"one with: collective invite %s",
			e->address, time_text(e->asked, when), e->name);
	}
	e->state = INVITATION_REDEEMING;
	snprintf(e->redeemer, sizeof(e->redeemer), "%s", redeemer);
	snprintf(e->address, sizeof(e->address), "%s", book_address_valid(address) ? address : "?");
	e->asked = now;
	keeper_changed(&book->keeper);
	return 0;
}

void invitations_release(struct invitations *book, const void *identity, size_t len, usec_t now)
{
	struct book_entry *e;

	expire(book, now);
	e = find(book, identity, len);
	if (!e || e->state != INVITATION_REDEEMING)
		return;
	e->state = INVITATION_PENDING;
	e->redeemer[0] = e->address[0] = '\0';
	e->asked = 0;
	keeper_changed(&book->keeper);
}

int invitations_mark_used(
	struct invitations *book, const void *identity, size_t len, usec_t now, struct err *err)
{
	char when[TIME_TEXT_MAX];
	struct book_entry *e = find(book, identity, len);

	if (!e || e->state == INVITATION_REVOKED || !*e->redeemer)
		return err_set(err, -EKEYREVOKED, "revoked at %s, while it was being redeemed",
			time_text(e ? e->ended : now, when));
	if (e->state == INVITATION_USED) {
		if (e->has_key || now >= e->expires)
			return 0;
		return err_set(err, -EKEYREVOKED, "revoked while it was being redeemed again");
	}
	e->state = INVITATION_USED;
	e->ended = now;
	if (now >= e->expires)
		drop_key(e);
	keeper_changed(&book->keeper);
	return 0;
}
