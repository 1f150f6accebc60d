/*
 * struct etcd_frames: cuts the body of a stream into its messages.
 *
 * Messages are JSON objects, one a line; they arrive cut anywhere, the newline often later than its
 * object, and the last one of a stream may have none. So an object counts as complete with its
 * closing brace, whatever follows. Pure: bytes in, texts out.
 */
#ifndef ETCD_FRAMES_H
#define ETCD_FRAMES_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

struct etcd_frames {
	struct buf buf;
	size_t taken;	/* bytes at the front that etcd_frames_next() handed out */
	size_t scanned; /* bytes looked at, taken ones included */
	int depth;
	int in_text;
};

/* max: the ceiling of one message. */
void etcd_frames_init(struct etcd_frames *frames, size_t max);
void etcd_frames_done(struct etcd_frames *frames);
/* -EMSGSIZE when the message that is being collected passes the ceiling; -EPROTO when what comes is
 * no object. After an error the stream is of no more use. */
int etcd_frames_add(
	struct etcd_frames *frames, const char *data, size_t len, struct err *err) MUST_CHECK;
/* The next complete message, or NULL. It lives until the next call; not NUL-terminated. */
const char *etcd_frames_next(struct etcd_frames *frames, size_t *ret_len);
/* Bytes of an unfinished message. */
size_t etcd_frames_rest(const struct etcd_frames *frames);

#endif
