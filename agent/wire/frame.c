#include "config.h"
#include "wire/frame.h"

#include <errno.h>
#include <stdint.h>

static void put_header(unsigned char *to, enum frame_type type, size_t len)
{
	to[0] = (unsigned char)type;
	to[1] = (unsigned char)(len >> 16);
	to[2] = (unsigned char)(len >> 8);
	to[3] = (unsigned char)len;
}

int frame_put(struct buf *b, enum frame_type type, const void *body, size_t len)
{
	unsigned char *header;

	if (!len)
		return -EINVAL;
	if (len > FRAME_BODY_MAX || !buf_reserve(b, FRAME_HEADER + len))
		return -EMSGSIZE;
	header = buf_reserve(b, FRAME_HEADER);
	put_header(header, type, len);
	b->len += FRAME_HEADER;
	return buf_add(b, body, len);
}

/* Takes back what was added since the buf was `len` long. */
static void cut(struct buf *b, size_t len)
{
	b->len = len;
	if (b->data)
		b->data[len] = '\0';
}

int frame_put_json(struct buf *b, const json *value)
{
	size_t start = b->len;
	size_t len;
	int rc;

	if (!buf_reserve(b, FRAME_HEADER))
		return -EMSGSIZE;
	b->len += FRAME_HEADER;
	rc = json_print(value, b);
	len = b->len - start - FRAME_HEADER;
	if (rc == 0 && len > FRAME_BODY_MAX)
		rc = -EMSGSIZE;
	if (rc < 0) {
		cut(b, start);
		return rc;
	}
	put_header((unsigned char *)b->data + start, FRAME_JSON, len);
	return 0;
}

int frame_get(const struct buf *b, size_t max, struct frame *ret, struct err *err)
{
	const unsigned char *h = (const unsigned char *)b->data;
	size_t len;

	if (b->len < FRAME_HEADER)
		return 0;
	if (h[0] & 0x80)
		return err_set(err, -EPROTO, "reserved bit set in a frame header");
	len = (size_t)h[1] << 16 | (size_t)h[2] << 8 | h[3];
	if (!len)
		return err_set(err, -ESHUTDOWN, "end of session");
	if (h[0] > FRAME_FD)
		return err_set(err, -EPROTO, "unknown frame type %u", (unsigned)h[0]);
	if (len > max)
		return err_set(
			err, -EMSGSIZE, "frame of %zu bytes, at most %zu are taken", len, max);
	if (b->len - FRAME_HEADER < len)
		return 0;
	*ret = (struct frame){
		.type = (enum frame_type)h[0],
		.body = b->data + FRAME_HEADER,
		.len = len,
	};
	return 1;
}

void frame_drop(struct buf *b, const struct frame *frame)
{
	buf_consume(b, FRAME_HEADER + frame->len);
}
