/*
 * struct etcd_frames: cuts the body of a stream into its messages.
 *
 * Messages are JSON objects, one a line; they arrive cut anywhere, the newline often later than its
 * object, and the last one of a stream may have none. So an object is complete with its closing
 * brace, whatever follows. Pure: bytes in, texts out.
 *
 * After each addition take messages until there is none: only the unfinished one is kept then.
 */
#ifndef ETCD_FRAMES_H
#define ETCD_FRAMES_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

struct etcd_frames {
	struct buf buf;
	size_t max;   /* ceiling of one message */
	size_t start; /* of the message that is being collected */
	size_t pos;   /* looked at up to here */
	int depth;    /* open brackets */
	int text;     /* inside a JSON text */
};

void etcd_frames_init(struct etcd_frames *frames, size_t max);
void etcd_frames_done(struct etcd_frames *frames);
/* -EMSGSIZE when messages were left in it and there is no room. */
int etcd_frames_add(
	struct etcd_frames *frames, const char *data, size_t len, struct err *err) MUST_CHECK;
/* 1 with the next message, which lives until the next addition and is not NUL-terminated; 0 when it
 * is not complete yet; -EMSGSIZE when it passes the ceiling, -EPROTO when it is no object. After an
 * error the stream is of no more use. */
int etcd_frames_next(
	struct etcd_frames *frames, const char **ret, size_t *ret_len, struct err *err) MUST_CHECK;
/* Bytes of the unfinished message. */
size_t etcd_frames_rest(const struct etcd_frames *frames);

#endif
