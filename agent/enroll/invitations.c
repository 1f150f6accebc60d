/*
 * Each change is made in memory, written with file_replace(), and taken back where that fails: the
 * file and the memory never tell different stories about who may have an invitation. (A write that
 * fails after its rename leaves the file ahead of the memory; that errs on the side of a bound or
 * ended invitation, or of a key nobody was given.) The exception is expiry, which is only noted in
 * memory when a lookup sees it, so that strangers' handshakes cause no writes; the next change or
 * invitations_sweep() writes it.
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

#define TIME_TEXT_MAX 32

struct invitations {
	char *path;
	struct book_entry *entries;
	size_t count;
	bool dirty; /* something expired that the file doesn't say yet */
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

static int save(struct invitations *book, struct err *err)
{
	struct buf b = BUF_INIT(BOOK_TEXT_MAX);
	int rc;

	/* all the room at once: a buf that grows would leave keys behind in freed memory */
	buf_reserve(&b, (book->count + 2) * BOOK_LINE_MAX);
	rc = book_encode(book->entries, book->count, &b, err);
	if (rc == 0)
		rc = file_replace(book->path, b.data, b.len, 0600, err);
	buf_wipe(&b);
	if (rc == 0)
		book->dirty = false;
	return rc;
}

static struct book_entry *find(struct invitations *book, const void *identity, size_t len)
{
	return book_find(book->entries, book->count, identity, len);
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

static void expire(struct invitations *book, usec_t now)
{
	for (size_t i = 0; i < book->count; i++) {
		struct book_entry *e = &book->entries[i];

		if (!e->has_key || now < e->expires)
			continue;
		if (e->state == INVITATION_USED)
			drop_key(e);
		else
			finish(e, INVITATION_EXPIRED, now);
		book->dirty = true;
	}
}

static void forget(struct invitations *book, size_t index)
{
	struct book_entry *e = &book->entries[index];

	book->count--;
	memmove(e, e + 1, (book->count - index) * sizeof(*e));
	mem_wipe(&book->entries[book->count], sizeof(*e));
}

static bool forget_old(struct invitations *book, usec_t now)
{
	size_t before = book->count;

	for (size_t i = book->count; i-- > 0;) {
		const struct book_entry *e = &book->entries[i];

		if (!e->has_key && now > usec_add(e->ended, INVITATIONS_KEPT))
			forget(book, i);
	}
	return book->count != before;
}

static bool forget_oldest_ended(struct invitations *book)
{
	size_t oldest = book->count;

	for (size_t i = 0; i < book->count; i++) {
		if (!book->entries[i].has_key &&
			(oldest == book->count ||
				book->entries[i].ended < book->entries[oldest].ended))
			oldest = i;
	}
	if (oldest == book->count)
		return false;
	forget(book, oldest);
	return true;
}

int invitations_sweep(struct invitations *book, usec_t now, struct err *err)
{
	expire(book, now);
	if (forget_old(book, now))
		book->dirty = true;
	return book->dirty ? save(book, err) : 0;
}

/* Changes that are undone when they can't be written. */
struct undo {
	struct book_entry *entries;
	size_t count;
};

static struct undo undo_begin(const struct invitations *book)
{
	/* one more than there are, so that an empty book has a copy too */
	struct undo u = {xcalloc(book->count + 1, sizeof(struct book_entry)), book->count};

	if (book->count)
		memcpy(u.entries, book->entries, book->count * sizeof(struct book_entry));
	return u;
}

static int undo_or_save(struct invitations *book, struct undo *u, struct err *err)
{
	int rc = save(book, err);

	if (rc < 0) {
		book_free(book->entries, book->count);
		book->entries = TAKE(u->entries);
		book->count = u->count;
	}
	book_free(u->entries, u->count);
	return rc;
}

static int load(struct invitations *book, struct buf *b, struct err *err)
{
	struct err why;
	int rc = book_decode(b, &book->entries, &book->count, &why);

	if (rc < 0)
		return err_set(err, rc,
			"%s is damaged (%s); restore it, or move it away, which ends all "
			"invitations "
			"made on this server",
			book->path, why.text);
	return 0;
}

int invitations_load(struct invitations **ret, const char *path, usec_t now, struct err *err)
{
	struct buf b = BUF_INIT(BOOK_TEXT_MAX);
	struct invitations *book = xcalloc(1, sizeof(*book));
	int rc;

	book->path = xstrdup(path);
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
	expire(book, now);
	*ret = book;
	return 0;
}

void invitations_free(struct invitations *book)
{
	if (!book)
		return;
	book_free(book->entries, book->count);
	free(book->path);
	free(book);
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

int invitations_add(struct invitations *book, const char *name, bool voting,
	const unsigned char identity[INVITATION_IDENTITY_LEN],
	const unsigned char key[INVITATION_KEY_LEN], usec_t now, usec_t ttl, struct err *err)
{
	struct undo undo;
	struct book_entry *grown, *e;
	int rc = check_new(book, name, identity, ttl, err);

	if (rc < 0)
		return rc;
	expire(book, now);
	undo = undo_begin(book);
	forget_old(book, now);
	for (size_t i = 0; i < book->count; i++) {
		e = &book->entries[i];
		if (!e->has_key || strcmp(e->name, name) != 0)
			continue;
		if (e->state == INVITATION_USED)
			drop_key(e);
		else
			finish(e, INVITATION_REVOKED, now);
	}
	if (book->count >= INVITATIONS_MAX && !forget_oldest_ended(book)) {
		book_free(undo.entries, undo.count);
		return err_set(err, -ENOSPC,
			"%d invitations are pending here already; revoke some with: collective "
			"invite "
			"--revoke NAME",
			INVITATIONS_MAX);
	}
	/* a copy in new memory: realloc() would leave the keys behind in the old */
	grown = xcalloc(book->count + 1, sizeof(*grown));
	if (book->count)
		memcpy(grown, book->entries, book->count * sizeof(*grown));
	book_free(book->entries, book->count);
	book->entries = grown;
	e = &grown[book->count++];
	snprintf(e->name, sizeof(e->name), "%s", name);
	e->voting = voting;
	e->state = INVITATION_PENDING;
	e->created = now;
	e->expires = usec_add(now, ttl);
	memcpy(e->identity, identity, sizeof(e->identity));
	memcpy(e->key, key, sizeof(e->key));
	e->has_key = true;
	return undo_or_save(book, &undo, err);
}

static void used_text(const struct book_entry *e, struct err *err)
{
	char when[TIME_TEXT_MAX];

	err_set(err, -EALREADY, "already used by %s at %s", e->address,
		time_text(e->ended ? e->ended : e->asked, when));
}

int invitations_revoke(struct invitations *book, const char *name, usec_t now, struct err *err)
{
	struct undo undo;
	struct book_entry *live = NULL, *used = NULL;
	int rc;

	expire(book, now);
	undo = undo_begin(book);
	for (size_t i = 0; i < book->count; i++) {
		struct book_entry *e = &book->entries[i];

		if (strcmp(e->name, name) != 0)
			continue;
		if (e->state == INVITATION_USED)
			used = e;
		else if (e->has_key)
			live = e;
	}
	if (live) {
		finish(live, INVITATION_REVOKED, now);
		return undo_or_save(book, &undo, err);
	}
	if (used && used->has_key) {
		drop_key(used);
		rc = undo_or_save(book, &undo, err);
		if (rc < 0)
			return rc;
	} else {
		book_free(undo.entries, undo.count);
	}
	if (used) {
		used_text(used, err);
		return err_wrap(err, -EALREADY, "the invitation of %s was redeemed", name);
	}
	return err_set(err, -ENOENT, "there is no pending invitation of %s on this server",
		name_valid(name) ? name : "that name");
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
	return book->count;
}

void invitations_at(const struct invitations *book, size_t index, struct invitation *ret)
{
	fill(&book->entries[index], ret);
}

static bool replaced(const struct invitations *book, const struct book_entry *e)
{
	/* entries are in order of creation */
	for (const struct book_entry *newer = e + 1; newer < book->entries + book->count; newer++) {
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
	struct undo undo;
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
	undo = undo_begin(book);
	e->state = INVITATION_REDEEMING;
	snprintf(e->redeemer, sizeof(e->redeemer), "%s", redeemer);
	snprintf(e->address, sizeof(e->address), "%s", book_address_valid(address) ? address : "?");
	e->asked = now;
	return undo_or_save(book, &undo, err);
}

int invitations_release(
	struct invitations *book, const void *identity, size_t len, usec_t now, struct err *err)
{
	struct undo undo;
	struct book_entry *e;

	expire(book, now);
	e = find(book, identity, len);
	if (!e || e->state != INVITATION_REDEEMING)
		return 0;
	undo = undo_begin(book);
	e->state = INVITATION_PENDING;
	e->redeemer[0] = e->address[0] = '\0';
	e->asked = 0;
	return undo_or_save(book, &undo, err);
}

int invitations_mark_used(
	struct invitations *book, const void *identity, size_t len, usec_t now, struct err *err)
{
	char when[TIME_TEXT_MAX];
	struct undo undo;
	struct book_entry *e = find(book, identity, len);

	if (!e || e->state == INVITATION_REVOKED || !*e->redeemer)
		return err_set(err, -EKEYREVOKED, "revoked at %s, while it was being redeemed",
			time_text(e ? e->ended : now, when));
	if (e->state == INVITATION_USED) {
		if (e->has_key || now >= e->expires)
			return 0;
		return err_set(err, -EKEYREVOKED, "revoked while it was being redeemed again");
	}
	undo = undo_begin(book);
	e->state = INVITATION_USED;
	e->ended = now;
	if (now >= e->expires)
		drop_key(e);
	return undo_or_save(book, &undo, err);
}
