/*
 * struct invitations: the inviter's book of invitations, kept in one small file (0600) that is
 * replaced whole at each change, so that an invitation survives a restart of its inviter.
 *
 * The book holds what a token is checked with (the pre-shared key derived from it), never the token.
 * An invitation goes through
 *
 *     pending -> redeeming -> used         the normal course
 *     pending, redeeming -> revoked        by the administrator, or by a newer one for the same name
 *     pending, redeeming -> expired        its time has come
 *     redeeming -> pending                 the registration certainly did not take place
 *
 * `redeeming` is written before the registration is sent to etcd and names the public key that
 * asked: from then on no other key can win, whatever dies when; the same key may ask again until
 * the invitation expires, also after `used`. Expiry is recorded when it is first seen and is final: a
 * wall clock that is set back revives nothing. An ended invitation has no key any more; it is kept
 * for a week so that a late joiner is told what became of it.
 *
 * Times are CLOCK_REALTIME and come from the caller.
 *
 * A change is decided in memory, at once, and written by the worker thread (io/worker.h). Whoever
 * acts on it in the world waits with invitations_settle() until it is on disk (fsynced). Changes are
 * written in their order, what came together in one go. One that can't be written is undone, with
 * all that were made since, which may have been built on it, and each that waits is told.
 */
#ifndef ENROLL_INVITATIONS_H
#define ENROLL_INVITATIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/list.h"
#include "base/macros.h"
#include "base/usec.h"

#define INVITATION_IDENTITY_LEN 32
#define INVITATION_KEY_LEN	32
/* Entries in the book, ended ones included. */
#define INVITATIONS_MAX	   1000
#define INVITATION_TTL_MAX (30 * 86400 * USEC_PER_SEC)
/* How long an ended invitation is remembered. */
#define INVITATIONS_KEPT (7 * 86400 * USEC_PER_SEC)

struct invitations;
struct worker;

enum invitation_state {
	INVITATION_PENDING,
	INVITATION_REDEEMING,
	INVITATION_USED,
	INVITATION_REVOKED,
	INVITATION_EXPIRED,
};

/* What may be seen of an entry; the texts are the book's and last until it changes. */
struct invitation {
	const char *name;
	bool voting;
	enum invitation_state state;
	usec_t created;
	usec_t expires;
	usec_t ended;	      /* when it was used, revoked or seen expired; 0 before */
	const char *redeemer; /* "sha256:…" of the key that redeems or redeemed it; NULL: none */
	const char *address;  /* where that came from; NULL: none */
	usec_t asked;	      /* when it first asked; 0: never */
};

/* "pending", "redeeming", "used", "revoked", "expired". */
const char *invitation_state_name(enum invitation_state state);

/* A file that is not there is an empty book. -EACCES when others can read the file, -EBADMSG when it
 * is damaged (nothing of it is used then: the text names the file and the remedy). Invitations that
 * have expired meanwhile are marked at the first change. */
int invitations_load(struct invitations **ret, struct worker *worker, const char *path, usec_t now,
	struct err *err) MUST_CHECK;
/* Wipes the keys. A write that is under way goes on; nobody is told. */
void invitations_free(struct invitations *book);

/* Who waits for the disk; part of the waiting object. */
struct invitations_wait {
	struct list link;
	uint64_t until; /* the book's */
	/* Once, from the loop. 0: all that was changed before invitations_settle() is on disk;
	 * negative errno: it could not be written and did not happen. */
	void (*done)(struct invitations_wait *wait, int rc, const char *why);
};

/* False when all is on disk: done is not called, go on at once. */
bool invitations_settle(struct invitations *book, struct invitations_wait *wait) MUST_CHECK;
/* done is not called any more. Harmless when it was called, or when nobody waited. */
void invitations_leave(struct invitations_wait *wait);
/* While held nothing new is written, and who waits goes on waiting: another job is replacing the
 * file. What is under way when it begins is still written. */
void invitations_hold(struct invitations *book, bool hold);

/* A new pending invitation that replaces an unused one of the same name; the key of a used one is
 * dropped, so that its redeemer can't come back through it. -ENOSPC when the book is full of pending
 * ones, -EINVAL for a bad name or a ttl that is not between 1 s and 30 days, -EEXIST when the identity
 * is taken. The token may be given out when the book has settled. */
int invitations_add(struct invitations *book, const char *name, bool voting,
	const unsigned char identity[INVITATION_IDENTITY_LEN],
	const unsigned char key[INVITATION_KEY_LEN], usec_t now, usec_t ttl,
	struct err *err) MUST_CHECK;

/* Ends the pending or redeeming invitation of that name. -ENOENT: there is none. -EALREADY: it was
 * used; its key is dropped all the same. The text says so and names the next step. */
int invitations_revoke(
	struct invitations *book, const char *name, usec_t now, struct err *err) MUST_CHECK;

/* The key to prove with, or -ENOENT: unknown, ended, or expired at `now`. */
int invitations_key(struct invitations *book, const void *identity, size_t len, usec_t now,
	unsigned char ret_key[INVITATION_KEY_LEN]) MUST_CHECK;
/* The entry of an identity in whatever state; false where there is none. */
bool invitations_find(struct invitations *book, const void *identity, size_t len, usec_t now,
	struct invitation *ret);
/* Why the identity has no key: -ENOENT (never heard of), -EKEYEXPIRED, -EKEYREVOKED, -EALREADY
 * (used); 0 when it has one. The text is for the joiner. */
int invitations_why_not(
	struct invitations *book, const void *identity, size_t len, usec_t now, struct err *err);

/* Binds the invitation to the public key that redeems it (pending -> redeeming), or checks that it
 * is bound to this one; nothing is to be registered before the book has settled. 0: bound by this call; 1: bound to this key by an earlier attempt that did
 * not come to an end; 2: used by this key before. -EALREADY: another key was first (the text says
 * from where and when); else as invitations_why_not(). */
int invitations_claim(struct invitations *book, const void *identity, size_t len,
	const char *redeemer, const char *address, usec_t now, struct err *err) MUST_CHECK;
/* The registration certainly did not take place: redeeming -> pending. Harmless in other states. */
void invitations_release(struct invitations *book, const void *identity, size_t len, usec_t now);
/* The registration took place: redeeming -> used (also when it has expired since the claim). Nothing
 * is to be answered before the book has settled. -EKEYREVOKED when it was revoked or replaced meanwhile: answer with that, not with secrets. */
int invitations_mark_used(struct invitations *book, const void *identity, size_t len, usec_t now,
	struct err *err) MUST_CHECK;

/* Marks what has expired and forgets what ended a week ago; to be called now and then. Writes only
 * when there was something. */
void invitations_sweep(struct invitations *book, usec_t now);

/* Entries in order of creation; index < invitations_count(). Call invitations_sweep() before. */
size_t invitations_count(const struct invitations *book);
void invitations_at(const struct invitations *book, size_t index, struct invitation *ret);

#endif
