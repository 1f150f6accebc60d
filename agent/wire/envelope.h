/*
 * What is inside the frames: the greeting, requests, and the forms of replies, word for word as
 * upstream's tools expect them (docs/protocol).
 *
 *     S text  Confluent -- v4 --
 *     S json  {"authpassed":1}
 *     C json  {"operation":"retrieve","path":"/nodes/"}      any number of JSON frames, then
 *     S json  {"_requestdone":1}
 *     C json  {"collective":{"operation":"show"}}            answered by one {"collective":…}
 *
 * The envelope_new_* calls build replies; json_free() what they return.
 */
#ifndef WIRE_ENVELOPE_H
#define WIRE_ENVELOPE_H

#include <stdbool.h>

#include "base/err.h"
#include "base/macros.h"
#include "wire/json.h"

#define ENVELOPE_BANNER "Confluent -- v4 --"

enum envelope_kind {
	ENVELOPE_REQUEST,    /* operation, path, parameters */
	ENVELOPE_COLLECTIVE, /* operation, body */
	ENVELOPE_LOGIN,	     /* username and password */
};

struct envelope {
	enum envelope_kind kind;
	const char *operation; /* NULL for a login */
	const char *path;      /* ENVELOPE_REQUEST only */
	const json *body;      /* the parameters (NULL where there are none) or the inner object */
};

/* Takes a message apart; what *ret points to belongs to the message. -EINVAL with the reason for
 * everything that is none of the three. */
int envelope_parse(const json *message, struct envelope *ret, struct err *err) MUST_CHECK;

/* Is the text a greeting of this protocol? -EPROTO with what was found where it is not. */
int envelope_check_banner(const char *text, size_t len, struct err *err) MUST_CHECK;

json *envelope_new_authpassed(bool passed);
/* {"_requestdone":1}: the end of the reply to a request. */
json *envelope_new_done(void);
json *envelope_new_item(const char *href);
/* {"collective":inner}; takes inner. */
json *envelope_new_collective(json *inner);
json *envelope_new_collective_error(const char *text);
/* {"errorcode":404,"error":text,"detail":"{\"error\": \"text\"}"}; unexpected errors (500) that
 * begin with "Unexpected error" carry no detail. */
json *envelope_new_error(int code, const char *text);

#endif
