/*
 * The happy path: redeem_ask() binds the invitation to the joiner's key in the book (fsynced), asks
 * the owner, enroll_redeem_done() notes it as used (fsynced) and answers those who wait.
 *
 * What a death at each point leaves behind:
 *   - of the inviter before the binding: nothing; any key may redeem.
 *   - of the inviter after the binding, before or after the registration: the invitation waits for
 *     that key, which may ask again; the owner registers idempotently for one key. No other key can
 *     have been answered with success, and none will be.
 *   - of the inviter after `used` is noted: the same key is answered again until it expires.
 *   - of the joiner at any time: the owner's answer is noted all the same, the same key may ask again.
 * A registration that certainly did not happen gives the invitation free again, but only where this
 * redeem bound it: an earlier attempt of unknown outcome may have registered its key.
 *
 * The book is written from the loop, two fsyncs each time. Only who holds a token can cause that, and
 * only twice per redeem.
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
};

void redeems_init(struct redeems *all, struct invitations *book,
	const struct enroll_server_ops *ops, void *arg)
{
	*all = (struct redeems){.book = book, .ops = *ops, .arg = arg};
	list_init(&all->all);
}

static void redeem_free(struct redeem *r)
{
	list_del(&r->link);
	r->all->count--;
	enroll_request_done(&r->request);
	free(r->peer);
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
		all->ops.cancel(&r->pub, all->arg);
		redeem_free(r);
	}
}

static struct redeem *find(struct redeems *all, const unsigned char *identity)
{
	struct redeem *r;

	list_foreach (r, &all->all, link) {
		if (memcmp(r->identity, identity, sizeof(r->identity)) == 0)
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
		return err_wrap(
			err, rc, "cannot note who redeems the invitation of %s", request->name);
	r = find(all, identity);
	if (r) {
		list_add_tail(&r->waiters, &waiter->link);
		return 0;
	}
	r = redeem_new(all, identity, &invitation, request, key, peer);
	r->bound_here = rc == 0;
	r->pub.used_before = rc == 2;
	list_add_tail(&r->waiters, &waiter->link);
	all->ops.redeem(&r->pub, all->arg);
	return 0;
}

static void answer_all(struct redeem *r, const struct enroll_answer *answer)
{
	struct redeem_waiter *w;

	while ((w = list_first(&r->waiters, struct redeem_waiter, link))) {
		list_del(&w->link);
		w->answer(w, answer);
	}
	redeem_free(r);
}

int enroll_redeem_done(
	struct enroll_redeem *redeem, const char *certificate, const char *bundle, struct err *err)
{
	struct redeem *r = CONTAINER_OF(redeem, struct redeem, pub);
	struct enroll_answer answer = {.code = ENROLL_OK};
	struct err why;
	int rc = invitations_mark_used(
		r->all->book, r->identity, sizeof(r->identity), clock_wall(), &why);

	if (rc == 0) {
		r->all->answered++;
		answer.certificate = (char *)certificate;
		answer.bundle = (char *)bundle;
	} else if (rc == -EKEYREVOKED) {
		answer.code = ENROLL_BAD_TOKEN;
		answer.text = why.text;
	} else {
		answer.code = ENROLL_UNAVAILABLE;
		answer.text = (char *)"the server cannot write its book of invitations; try again "
				      "with the same invitation when that is mended";
	}
	if (rc < 0)
		err_set(err, rc, "%s was registered but is not let in: %s", r->name, why.text);
	answer_all(r, &answer);
	return rc;
}

void enroll_redeem_fail(
	struct enroll_redeem *redeem, enum enroll_code code, bool applied_never, const char *text)
{
	struct redeem *r = CONTAINER_OF(redeem, struct redeem, pub);
	struct enroll_answer answer = {.code = code, .text = (char *)text};
	struct err why;

	/* not written: the invitation stays bound to this key, which may ask again */
	if (applied_never && r->bound_here &&
		invitations_release(
			r->all->book, r->identity, sizeof(r->identity), clock_wall(), &why) < 0 &&
		r->all->ops.refused)
		r->all->ops.refused(r->peer, r->name, why.text, r->all->arg);
	answer_all(r, &answer);
}
