/*
 * struct enroll_server: the inviter's end of an invitation being redeemed (port 13001).
 *
 * It listens, makes TLS 1.3 connections that prove the invitation's pre-shared key, reads one
 * request, checks that it is of the invitation's name, binds the invitation to the joiner's key on
 * disk, and then asks its owner to register the member. The owner answers with enroll_redeem_done() or
 * enroll_redeem_fail(); the joiner gets the certificate and the bundle, or the reason.
 *
 * A joiner whose token is unknown, used, revoked or expired gets an ordinary handshake with the
 * server's certificate and, without being asked anything, the reason.
 *
 * Limits: 64 connections (the oldest in its handshake makes room for a new one), 8 per remote
 * address (loopback is exempt), 5 s for the handshake, 10 s until the request is complete, 25 s for
 * the owner's answer, 64 KiB of request. Strangers can neither exhaust memory nor keep a joiner out.
 */
#ifndef ENROLL_SERVER_H
#define ENROLL_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/macros.h"
#include "base/usec.h"
#include "enroll/message.h"

#define ENROLL_PORT 13001

struct enroll_server;
struct invitations;
struct loop;

/* One member to be registered. Lives until it is answered; any number of connections may be
 * waiting for the answer (none, when the joiner has gone: register it all the same). */
struct enroll_redeem {
	const char *name; /* of the invitation; the request's is the same */
	bool voting;
	const struct enroll_request *request;
	const char *key;  /* "sha256:…" of the joiner's public key */
	const char *peer; /* the address it came from, without port */
	/* This key redeemed the invitation before: the record should be there. If it is not, the
	 * member was deleted since and must not come back this way (ENROLL_REFUSED). */
	bool used_before;
	void *owner; /* the owner's own */
};

struct enroll_server_ops {
	/* To be answered exactly once, at once or later. */
	void (*redeem)(struct enroll_redeem *redeem, void *arg);
	/* The server is being freed: forget the redeem, don't answer it. */
	void (*cancel)(struct enroll_redeem *redeem, void *arg);
	/* What came of enroll_redeem_done(), once, perhaps within that call. 0: the use is noted and the
	 * joiner answered; else it was told and got nothing; for the log. */
	void (*answered)(const struct enroll_redeem *redeem, int rc, const char *why, void *arg);
	/* A joiner was turned away; for the log. name is NULL where the token was unknown. May be
	 * NULL. Called as often as strangers like: limit the rate. */
	void (*refused)(const char *peer, const char *name, const char *why, void *arg);
};

struct enroll_server_options {
	const char *address;	 /* to listen on; NULL: all */
	int port;		 /* 0: any, see enroll_server_port() */
	const char *certificate; /* PEM, for those without a good token */
	const char *key;	 /* PEM */
	const char *version;	 /* ours */
};

struct enroll_server_stats {
	uint64_t accepted;
	uint64_t dropped;  /* no room: refused at once, or pushed out by a newer one */
	uint64_t timeouts; /* of handshake or request */
	uint64_t garbage;  /* handshakes that failed, requests not understood */
	uint64_t refused;  /* tokens or requests turned away */
	uint64_t redeemed; /* answered with a bundle */
	unsigned connections;
	unsigned waiting;   /* of these, for the owner's answer */
	unsigned under_way; /* redeems the owner has not answered */
};

/* Texts are copied; the book stays the caller's and must outlive the server. */
int enroll_server_new(struct enroll_server **ret, struct loop *loop, struct invitations *book,
	const struct enroll_server_options *options, const struct enroll_server_ops *ops, void *arg,
	struct err *err) MUST_CHECK;
void enroll_server_free(struct enroll_server *server);
int enroll_server_port(const struct enroll_server *server);
/* A renewed certificate, for connections from now on. */
int enroll_server_set_certificate(struct enroll_server *server, const char *certificate,
	const char *key, struct err *err) MUST_CHECK;
void enroll_server_stats(const struct enroll_server *server, struct enroll_server_stats *ret);

/* The member is registered: notes the invitation as used and, when that is on disk, answers. Where it
 * can't be noted, or the invitation was revoked meanwhile, the joiner is told and gets nothing. The
 * redeem is the server's again. */
void enroll_redeem_done(struct enroll_redeem *redeem, const char *certificate, const char *bundle);
/* Not registered. `applied_never`: certainly not, so that another key may redeem the invitation
 * later; false: unknown, only the same key may ask again. The redeem is the server's again. */
void enroll_redeem_fail(
	struct enroll_redeem *redeem, enum enroll_code code, bool applied_never, const char *text);

#endif
