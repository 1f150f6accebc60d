/*
 * struct enroll_client: the joiner's end of an invitation being redeemed.
 *
 * It connects, proves the token's pre-shared key and has it proved by the server, sends its name and
 * a certificate request, and checks the answer: the certificate is for its own key and the token's
 * name and comes from the CA in the bundle. It changes nothing on this host and writes nothing; what
 * to do with the answer is the owner's business. A server that did not prove the key is asked
 * nothing and believed nothing: its explanation is shown as "Invalid token: …" and that is all.
 */
#ifndef ENROLL_CLIENT_H
#define ENROLL_CLIENT_H

#include <stddef.h>

#include "base/err.h"
#include "base/macros.h"
#include "base/usec.h"

struct enroll_client;
struct loop;

struct enroll_client_options {
	const char *server; /* "host", "host:port" or "[v6]:port", as typed */
	const char *token;
	const char *key;	      /* this member's private key, PEM */
	const char *version;	      /* ours */
	const char *const *addresses; /* ours, the preferred first; may be none */
	size_t address_count;
	int port;	/* where we shall listen */
	usec_t timeout; /* for all of it; 0: 30 s */
};

/* The texts are the result's and end with the callback. */
struct enroll_result {
	/* 0, or -EACCES invalid token, -EPROTONOSUPPORT version mismatch, -EHOSTDOWN the collective has
	 * no quorum, -ETIMEDOUT, -EBADMSG the server's answer is not to be believed, -ECONNREFUSED
	 * and so on: could not connect; else: the server's refusal. */
	int rc;
	const char *why;	 /* for rc != 0: what to tell the administrator, complete */
	const char *name;	 /* the token's */
	const char *certificate; /* PEM */
	const char *bundle;	 /* text of cfg/collective */
};

typedef void enroll_client_fn(const struct enroll_result *result, void *arg);

/* Options are copied. -EINVAL at once for a token ("Invalid token format: …"), a server or a key that
 * is none. `done` is called exactly once, from the loop, unless the client is freed before; the
 * client may be freed in it, and must be freed after it. */
int enroll_client_new(struct enroll_client **ret, struct loop *loop,
	const struct enroll_client_options *options, enroll_client_fn *done, void *arg,
	struct err *err) MUST_CHECK;
void enroll_client_free(struct enroll_client *client);

#endif
