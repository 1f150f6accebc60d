/*
 * The two messages of an enrolment, as JSON: what a joiner asks for and what it is answered.
 *
 *     {"format":1,"name":"mgt2","version":"0.1.0","addresses":["10.0.0.2"],"port":13001,
 *      "csr":"-----BEGIN CERTIFICATE REQUEST-----…"}
 *     {"format":1,"version":"0.1.0","certificate":"-----BEGIN CERTIFICATE-----…","bundle":"…"}
 *     {"format":1,"version":"0.1.0","error":{"code":"token","text":"already used by …"}}
 *
 * On the wire each is one type 1 frame of wire/frame.h under TLS. Pure: text in, struct out. Both
 * decoders take input from strangers: sizes have ceilings, members must have the right type and be
 * there, texts must be printable ASCII (PEM and the bundle: and newlines); members that are not known
 * are ignored, so that a later version can add some.
 *
 * `format` is raised when a message changes its meaning. Who gets another format than its own answers
 * with code "version" and names both sides' versions.
 */
#ifndef ENROLL_MESSAGE_H
#define ENROLL_MESSAGE_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/macros.h"

#define ENROLL_FORMAT	       1
#define ENROLL_REQUEST_MAX     65536
#define ENROLL_ANSWER_MAX      262144
#define ENROLL_ADDRESSES_MAX   16
#define ENROLL_ADDRESS_LEN_MAX 255
#define ENROLL_VERSION_LEN_MAX 64
#define ENROLL_TEXT_LEN_MAX    512

struct enroll_request {
	char *name;
	char *version;
	char *addresses
		[ENROLL_ADDRESSES_MAX]; /* as the joiner sees itself, the preferred one first */
	size_t address_count;
	int port; /* where it will listen */
	char *csr;
};

enum enroll_code {
	ENROLL_OK,
	ENROLL_BAD_TOKEN,   /* "token": unknown, used, revoked, expired, or of another name */
	ENROLL_BAD_VERSION, /* "version" */
	ENROLL_BAD_REQUEST, /* "request": not understood, or a certificate request that is none */
	ENROLL_NO_QUORUM,   /* "quorum" */
	ENROLL_UNAVAILABLE, /* "unavailable": could not be carried out now; the same key may retry */
	ENROLL_REFUSED,	    /* "refused": the collective does not want this member */
};

struct enroll_answer {
	enum enroll_code code;
	char *text;	   /* for code other than ENROLL_OK */
	char *certificate; /* for ENROLL_OK */
	char *bundle;	   /* for ENROLL_OK; wiped on free */
};

/* Both encoders append to b and fail only with -EMSGSIZE. What is not printable in an answer's text
 * becomes '?', what is too long is cut. `version` is our own everywhere. */
int enroll_request_encode(const struct enroll_request *request, struct buf *b) MUST_CHECK;
int enroll_answer_encode(
	const struct enroll_answer *answer, const char *version, struct buf *b) MUST_CHECK;

/* -EPROTONOSUPPORT: another format; the text names it and both versions. -EBADMSG: anything else;
 * the text quotes nothing. Nothing is left to free after a failure. */
int enroll_request_decode(const char *text, size_t len, const char *version,
	struct enroll_request *ret, struct err *err) MUST_CHECK;
int enroll_answer_decode(const char *text, size_t len, const char *version,
	struct enroll_answer *ret, struct err *err) MUST_CHECK;

void enroll_request_done(struct enroll_request *request);
void enroll_answer_done(struct enroll_answer *answer);

#endif
