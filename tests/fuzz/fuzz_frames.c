/* libs: wire base; pkg: CJSON */
/*
 * Bytes from a client of the socket, as they arrive: in pieces. The first byte says how large. Every
 * frame is taken as a message; what is JSON must come back the same once printed.
 */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "wire/envelope.h"
#include "wire/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Printed, read and printed again it is the same text. */
static void expect_round_trip(const json *value)
{
	struct buf once = BUF_INIT(8 << 20), twice = BUF_INIT(8 << 20);
	json *again = NULL;

	if (json_print(value, &once) < 0 || json_parse(once.data, once.len, &again, NULL) < 0 ||
		json_print(again, &twice) < 0 || once.len != twice.len ||
		memcmp(once.data, twice.data, once.len) != 0)
		abort();
	json_free(again);
	buf_done(&once);
	buf_done(&twice);
}

static void read_numbers(const json *value)
{
	const json *it;
	int64_t i;
	uint64_t u;
	bool b;

	json_foreach(it, value)
	{
		const char *name = json_name(it);

		if (name && !strchr(name, '/')) {
			(void)!json_i64(value, name, &i, NULL);
			(void)!json_u64(value, name, &u, NULL);
			(void)!json_bool(value, name, &b, NULL);
		}
	}
}

static void take(const struct frame *frame)
{
	/* Of its own size, so that a sanitizer sees a read too far. */
	char *body = xmemdup(frame->body, frame->len);
	struct envelope e;
	struct err err = {""};
	json *message = NULL;

	(void)!envelope_check_banner(body, frame->len, &err);
	if (json_parse(body, frame->len, &message, &err) == 0) {
		expect_round_trip(message);
		read_numbers(message);
		if (envelope_parse(message, &e, &err) == 0 && e.kind == ENVELOPE_COLLECTIVE &&
			!e.operation)
			abort();
	} else if (!err.text[0]) {
		abort();
	}
	json_wipe(message);
	free(body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf in = BUF_INIT(FRAME_HEADER + FRAME_REQUEST_MAX + 256);
	struct frame frame;
	size_t step, at = 1;
	int rc = 0;

	if (!size)
		return 0;
	step = (size_t)data[0] + 1;
	while (rc >= 0 && at < size) {
		size_t n = MIN(step, size - at);

		if (buf_add(&in, data + at, n) < 0)
			abort();
		at += n;
		while ((rc = frame_get(&in, FRAME_REQUEST_MAX, &frame, NULL)) > 0) {
			take(&frame);
			frame_drop(&in, &frame);
		}
	}
	buf_done(&in);
	return 0;
}
