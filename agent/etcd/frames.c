/*
 * Brackets are counted outside of texts; a message ends where the count is back at zero. Between
 * messages only blanks may come. Whether a message is sound JSON is the codec's business.
 */
#include "config.h"
#include "etcd/frames.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/text.h"

/* What one addition may bring on top of an unfinished message. */
#define FRAMES_ADDITION ((size_t)1 << 20)

enum { OUTSIDE, IN_TEXT, ESCAPED };

void etcd_frames_init(struct etcd_frames *frames, size_t max)
{
	*frames = (struct etcd_frames){.max = max};
	buf_init(&frames->buf, max + FRAMES_ADDITION);
}

void etcd_frames_done(struct etcd_frames *frames)
{
	buf_done(&frames->buf);
}

static int too_long(const struct etcd_frames *frames, struct err *err)
{
	return err_set(err, -EMSGSIZE, "a message of more than %zu bytes", frames->max);
}

int etcd_frames_add(struct etcd_frames *frames, const char *data, size_t len, struct err *err)
{
	if (frames->start) {
		buf_consume(&frames->buf, frames->start);
		frames->pos -= frames->start;
		frames->start = 0;
	}
	return buf_add(&frames->buf, data, len) < 0 ? too_long(frames, err) : 0;
}

static bool blank(char c)
{
	return c == '\n' || c == '\r' || c == ' ' || c == '\t';
}

/* Takes one byte of a message; true when it is the last one. */
static bool step(struct etcd_frames *frames, char c)
{
	if (frames->text == ESCAPED) {
		frames->text = IN_TEXT;
	} else if (frames->text == IN_TEXT) {
		if (c == '\\')
			frames->text = ESCAPED;
		else if (c == '"')
			frames->text = OUTSIDE;
	} else if (c == '"') {
		frames->text = IN_TEXT;
	} else if (c == '{' || c == '[') {
		frames->depth++;
	} else if (c == '}' || c == ']') {
		frames->depth--;
		return frames->depth == 0;
	}
	return false;
}

int etcd_frames_next(struct etcd_frames *frames, const char **ret, size_t *ret_len, struct err *err)
{
	const char *data = buf_cstr(&frames->buf);
	size_t len = frames->buf.len;

	while (frames->pos < len) {
		char c = data[frames->pos];

		if (frames->depth == 0 && blank(c)) {
			frames->start = ++frames->pos;
			continue;
		}
		if (frames->depth == 0 && c != '{') {
			char shown[TEXT_PRINTABLE_MAX];

			return err_set(err, -EPROTO,
				"expected a JSON object in the stream, got '%s'",
				text_printable(data + frames->pos, len - frames->pos, shown));
		}
		frames->pos++;
		if (!step(frames, c))
			continue;
		if (frames->pos - frames->start > frames->max)
			return too_long(frames, err);
		*ret = data + frames->start;
		*ret_len = frames->pos - frames->start;
		frames->start = frames->pos;
		return 1;
	}
	if (frames->pos - frames->start > frames->max)
		return too_long(frames, err);
	return 0;
}

size_t etcd_frames_rest(const struct etcd_frames *frames)
{
	return frames->buf.len - frames->start;
}
