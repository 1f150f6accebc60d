/*
 * The happy path, each step begun when the one before is on disk:
 *
 *     binding -> asked -> noting      redeem_ask() binds the invitation to the joiner's key in the
 *                                     book; the owner is asked; enroll_redeem_done() notes it as
 *                                     used; those who wait are answered
 *     asked -> releasing              the owner refused: the invitation is given free, where that is
 *                                     safe, and those who wait are told
 *
 * What a death at each point leaves behind:
 *   - of the inviter before the binding is on disk: nothing; any key may redeem.
 *   - of the inviter after the binding, before or after the registration: the invitation waits for
 *     that key, which may ask again; the owner registers idempotently for one key. No other key can
 *     have been answered with success, and none will be.
 *   - of the inviter after `used` is noted: the same key is answered again until it expires.
 *   - of the joiner at any time: the owner's answer is noted all the same, the same key may ask again.
 * A registration that certainly did not happen gives the invitation free again, but only where this
 * redeem bound it: an earlier attempt of unknown outcome may have registered its key.
 *
 * A binding that can't be written is undone by the book and asks nobody; a note of use that can't be
 * written answers with no secret; a release that can't be written leaves the invitation to its key.
 */
#include "config.h"
#include "enroll/redeem.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/name.h"
#include "io/clock.h"
#include "trust/csr.h"

enum redeem_state { REDEEM_BINDING, REDEEM_ASKED, REDEEM_NOTING, REDEEM_RELEASING };

struct redeem {
	struct enroll_redeem pub;
	struct redeems *all;
	struct list link;
	struct list waiters; /* struct redeem_waiter */
	struct enroll_request request;
	unsigned char identity[INVITATION_IDENTITY_LEN];
	char name[NAME_MAX_LEN + 1];
	char key[PRIVKEY_HASH_LEN + 1];
	char *peer;
	bool bound_here;
	enum redeem_state state;
	struct invitations_wait disk; /* in all states but asked */
	/* the answer that waits for the disk; new texts */
	enum enroll_code code;
	char *certificate, *bundle, *text;
};

void redeems_init(struct redeems *all, struct invitations *book,
	const struct enroll_server_ops *ops, void *arg)
{
	*all = (struct redeems){.book = book, .ops = *ops, .arg = arg};
	list_init(&all->all);
}

static void redeem_free(struct redeem *r)
{
	invitations_leave(&r->disk);
	list_del(&r->link);
	r->all->count--;
	enroll_request_done(&r->request);
	free(r->peer);
	free(r->certificate);
	secret_free(r->bundle);
	free(r->text);
	free(r);
}

void redeem_leave(struct redeem_waiter *waiter)
{
	list_del(&waiter->link);
}

static void leave_all(struct redeem *r)
{
	struct redeem_waiter *w;

	while ((w = list_first(&r->waiters, struct redeem_waiter, link)))
		list_del(&w->link);
}

void redeems_done(struct redeems *all)
{
	struct redeem *r;

	while ((r = list_first(&all->all, struct redeem, link))) {
		leave_all(r);
		if (r->state == REDEEM_ASKED)
			all->ops.cancel(&r->pub, all->arg);
		redeem_free(r);
	}
}

/* The one to wait for with the key that the invitation is bound to; one that gives it free is over. */
static struct redeem *find(struct redeems *all, const unsigned char *identity)
{
	struct redeem *r;

	list_foreach (r, &all->all, link) {
		if (r->state != REDEEM_RELEASING &&
			memcmp(r->identity, identity, sizeof(r->identity)) == 0)
			return r;
	}
	return NULL;
}

static struct redeem *redeem_new(struct redeems *all, const unsigned char *identity,
	const struct invitation *invitation, struct enroll_request *request, const char *key,
	const char *peer)
{
	struct redeem *r = xcalloc(1, sizeof(*r));

	r->all = all;
	list_init(&r->waiters);
	memcpy(r->identity, identity, sizeof(r->identity));
	snprintf(r->name, sizeof(r->name), "%s", invitation->name);
	snprintf(r->key, sizeof(r->key), "%s", key);
	r->request = *request;
	*request = (struct enroll_request){0};
	r->peer = xstrdup(peer);
	r->pub = (struct enroll_redeem){
		.name = r->name,
		.voting = invitation->voting,
		.request = &r->request,
		.key = r->key,
		.peer = r->peer,
	};
	list_add_tail(&all->all, &r->link);
	all->count++;
	return r;
}

static void answer_all(struct redeem *r)
{
	const struct enroll_answer answer = {
		.code = r->code,
		.certificate = r->certificate,
		.bundle = r->bundle,
		.text = r->text,
	};
	struct redeem_waiter *w;

	while ((w = list_first(&r->waiters, struct redeem_waiter, link))) {
		list_del(&w->link);
		w->answer(w, &answer);
	}
	redeem_free(r);
}

static void refuse(struct redeem *r, enum enroll_code code, const char *text)
{
	free(TAKE(r->certificate));
	secret_free(TAKE(r->bundle));
	free(r->text);
	r->code = code;
	r->text = xstrdup(text);
}

static void after_binding(struct redeem *r, int rc, const char *why)
{
	struct redeems *all = r->all;
	struct err err;

	if (rc == 0) {
		r->state = REDEEM_ASKED;
		all->ops.redeem(&r->pub, all->arg);
		return;
	}
	err_set(&err, rc, "cannot note who redeems the invitation of %s: %s", r->name, why);
	if (all->ops.refused)
		all->ops.refused(r->peer, r->name, err.text, all->arg);
	refuse(r, ENROLL_UNAVAILABLE, err.text);
	answer_all(r);
}

static void after_noting(struct redeem *r, int rc, const char *why)
{
	struct redeems *all = r->all;
	struct err err = {""};

	if (rc == 0) {
		all->answered++;
	} else {
		err_set(&err, rc, "%s was registered but is not let in: %s", r->name, why);
		if (rc == -EKEYREVOKED)
			refuse(r, ENROLL_BAD_TOKEN, why);
		else
			refuse(r, ENROLL_UNAVAILABLE,
				"the server cannot write its book of invitations; try again with "
				"the same invitation when that is mended");
	}
	all->ops.answered(&r->pub, rc, err.text, all->arg);
	answer_all(r);
}

static void after_releasing(struct redeem *r, int rc, const char *why)
{
	struct redeems *all = r->all;

	/* not written: the invitation stays bound to this key, which may ask again */
	if (rc < 0 && all->ops.refused)
		all->ops.refused(r->peer, r->name, why, all->arg);
	answer_all(r);
}

static void on_disk(struct invitations_wait *wait, int rc, const char *why)
{
	struct redeem *r = CONTAINER_OF(wait, struct redeem, disk);

	switch (r->state) {
	case REDEEM_BINDING:
		after_binding(r, rc, why);
		break;
	case REDEEM_NOTING:
		after_noting(r, rc, why);
		break;
	case REDEEM_RELEASING:
		after_releasing(r, rc, why);
		break;
	case REDEEM_ASKED:
		break;
	}
}

/* Into a state that ends when the book is on disk; r may be gone afterwards. */
static void go_on(struct redeem *r, enum redeem_state state)
{
	r->state = state;
	r->disk.done = on_disk;
	if (!invitations_settle(r->all->book, &r->disk))
		on_disk(&r->disk, 0, "");
}

int redeem_ask(struct redeems *all, const unsigned char identity[INVITATION_IDENTITY_LEN],
	struct enroll_request *request, const char *peer, struct redeem_waiter *waiter,
	struct err *err)
{
	char key[PRIVKEY_HASH_LEN + 1];
	usec_t now = clock_wall();
	struct invitation invitation;
	struct redeem *r;
	int rc;

	if (!invitations_find(all->book, identity, INVITATION_IDENTITY_LEN, now, &invitation)) {
		err_set(err, -EACCES, "it was withdrawn this moment");
		return -EACCES;
	}
	if (strcmp(invitation.name, request->name) != 0)
		return err_set(err, -EACCES, "it was made for %s, not for %s", invitation.name,
			request->name);
	if (csr_check(request->csr, key, err) < 0)
		return err_wrap(err, -EBADMSG, "the certificate request was not accepted");
	rc = invitations_claim(all->book, identity, INVITATION_IDENTITY_LEN, key, peer, now, err);
	if (rc == -EALREADY || rc == -EKEYEXPIRED || rc == -EKEYREVOKED || rc == -ENOENT)
		return -EACCES;
	if (rc < 0)
		return err_wrap(err, -EBADMSG, "the key was not accepted");
	r = find(all, identity);
	if (r) {
		list_add_tail(&r->waiters, &waiter->link);
		return 0;
	}
	r = redeem_new(all, identity, &invitation, request, key, peer);
	r->bound_here = rc == 0;
	r->pub.used_before = rc == 2;
	list_add_tail(&r->waiters, &waiter->link);
	go_on(r, REDEEM_BINDING);
	return 0;
}

void enroll_redeem_done(struct enroll_redeem *redeem, const char *certificate, const char *bundle)
{
	struct redeem *r = CONTAINER_OF(redeem, struct redeem, pub);
	struct err why;
	int rc = invitations_mark_used(
		r->all->book, r->identity, sizeof(r->identity), clock_wall(), &why);

	r->code = ENROLL_OK;
	r->certificate = xstrdup(certificate);
	r->bundle = xstrdup(bundle);
	if (rc == 0)
		go_on(r, REDEEM_NOTING);
	else
		after_noting(r, rc, why.text);
}

void enroll_redeem_fail(
	struct enroll_redeem *redeem, enum enroll_code code, bool applied_never, const char *text)
{
	struct redeem *r = CONTAINER_OF(redeem, struct redeem, pub);

	refuse(r, code, text);
	if (!applied_never || !r->bound_here) {
		answer_all(r);
		return;
	}
	invitations_release(r->all->book, r->identity, sizeof(r->identity), clock_wall());
	go_on(r, REDEEM_RELEASING);
}
