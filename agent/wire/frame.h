/*
 * The socket's frames: four bytes, big endian, then the body.
 *
 *     bit  31      reserved, 0; set: the connection is dropped
 *     bits 30..24  type: 0 text, 1 JSON, 2 file descriptor
 *     bits 23..0   length of the body; 0 is the end of the session
 *
 * These are the frames of upstream's own tools (docs/protocol). A request may be at most
 * FRAME_REQUEST_MAX long, an answer at most FRAME_BODY_MAX: what is longer is sent in several.
 */
#ifndef WIRE_FRAME_H
#define WIRE_FRAME_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/macros.h"
#include "wire/json.h"

#define FRAME_HEADER	  4
#define FRAME_BODY_MAX	  0xffffffu
#define FRAME_REQUEST_MAX ((size_t)1 << 20)

enum frame_type { FRAME_TEXT = 0, FRAME_JSON = 1, FRAME_FD = 2 };

struct frame {
	enum frame_type type;
	const char *body; /* inside the buf it was found in */
	size_t len;
};

/* Appends a frame. -EMSGSIZE where the body or the buf's ceiling is passed, the buf is then as it
 * was; -EINVAL for an empty body, which would end the session. */
int frame_put(struct buf *b, enum frame_type type, const void *body, size_t len) MUST_CHECK;
int frame_put_json(struct buf *b, const json *value) MUST_CHECK;

/*
 * Looks at the beginning of b. 1: a whole frame is there, in *ret; frame_drop() it when done with
 * it. 0: more bytes are needed. -ESHUTDOWN: the other side ended the session. -EPROTO: not a frame
 * of this protocol. -EMSGSIZE: announced longer than max. The errors hold for the rest of the
 * connection and are found as soon as the header is there.
 */
int frame_get(const struct buf *b, size_t max, struct frame *ret, struct err *err) MUST_CHECK;
void frame_drop(struct buf *b, const struct frame *frame);

#endif
