/*
 * What the tests of both ends of an enrolment share: one loop, a book, a server on a free port of
 * the loopback address whose owner registers members in no etcd at all, and joiners.
 */
#ifndef TEST_ENROLL_WORLD_H
#define TEST_ENROLL_WORLD_H

#include <stdbool.h>

#include "base/err.h"
#include "enroll/client.h"
#include "enroll/invitations.h"
#include "enroll/server.h"
#include "trust/bundle.h"
#include "trust/ca.h"
#include "trust/token.h"

enum world_redeem {
	WORLD_REGISTERS, /* at once */
	WORLD_HOLDS,	 /* until the test answers */
	WORLD_FAILS,	 /* at once, with .fail_* */
};

struct world {
	struct loop *loop;
	struct worker *worker;
	struct invitations *book;
	struct enroll_server *server;
	const char *address;  /* to listen on */
	char server_text[80]; /* "127.0.0.1:PORT" */
	struct bundle *bundle;
	char *bundle_text;
	struct ca *ca;
	char *certificate, *key; /* the server's */

	enum world_redeem redeem;
	enum enroll_code fail_code;
	bool fail_applied_never;
	const char *fail_text;
	struct enroll_redeem *held[64];
	unsigned held_count;
	unsigned redeems, registered, cancels, refusals;
	bool last_used_before;
	char last_peer[64];
	struct err last_refusal;
	unsigned answered;
	int done_rc; /* of the last enroll_redeem_done() */
	struct err done_err;
};

extern struct world w;

void world_setup(void);
void world_teardown(void);
void world_start_server(void);
/* As if the process had died: no answer, no notice; the book is read again from its file. */
void world_kill_server(void);
/* Makes an enroll_server write fail, or lets it work again. */
void world_block_writes(bool block);

/* A new token for a name, made `age` ago. secret_free() it. */
char *world_invite(const char *name, usec_t age, usec_t ttl);
char *world_new_key(void);
/* Registers and answers a held redeem, and waits until that is noted. */
void world_register(struct enroll_redeem *redeem);
/* The same without waiting. */
void world_answer(struct enroll_redeem *redeem);
/* Holds the disk up, or lets it go on: nothing that is written ends before that. */
void world_hold_disk(bool hold);
/* Waits until what the book holds is on disk; 0, or what it could not be written with. */
int world_settle(void);

struct joiner {
	struct enroll_client *client;
	bool done;
	int rc;
	char *why;
	char *certificate, *bundle;
};

/* key NULL: a new one. */
void joiner_start(struct joiner *j, const char *server, const char *token, const char *key);
void joiner_start_with_timeout(
	struct joiner *j, const char *server, const char *token, const char *key, usec_t timeout);
void joiner_done(struct joiner *j);
/* Starts, waits for the result, leaves it in j. */
void joiner_run(struct joiner *j, const char *token, const char *key);

/* Runs the loop until cond(arg) holds; the test fails after 20 s. */
void run_until(bool (*cond)(void *arg), void *arg);
bool joiner_is_done(void *joiner);
bool one_is_held(void *unused);
/* Of the server's stats, against a number. */
bool connections_are(void *unsigned_number);
bool waiting_are(void *unsigned_number);

#endif
