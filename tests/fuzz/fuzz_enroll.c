/* libs: enroll trust io wire base; pkg: CJSON SSL CRYPTO EVENT CURL */
/*
 * What an enrolment takes from outside: a frame with a request, one with an answer, and the book of
 * invitations. Whatever is taken is written again and must then be taken as the same; whatever is
 * not has a text. The book gets a check sum that fits, so that its lines are reached.
 */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/b64.h"
#include "base/mem.h"
#include "enroll/book.h"
#include "enroll/message.h"
#include "trust/kdf.h"
#include "wire/frame.h"

#define INPUT_MAX ((size_t)1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
	if (!holds)
		abort();
}

static void try_request(const char *text, size_t len)
{
	struct enroll_request first, second;
	struct buf b = BUF_INIT(INPUT_MAX);
	struct err err = {""};

	if (enroll_request_decode(text, len, "0.1.0", &first, &err) < 0) {
		require(*err.text);
		return;
	}
	require(name_valid(first.name) && first.address_count <= ENROLL_ADDRESSES_MAX);
	require(enroll_request_encode(&first, &b) == 0);
	if (b.len <= ENROLL_REQUEST_MAX) {
		require(enroll_request_decode(b.data, b.len, "0.1.0", &second, &err) == 0);
		require(strcmp(first.csr, second.csr) == 0 && first.port == second.port);
		require(first.address_count == second.address_count);
		enroll_request_done(&second);
	}
	enroll_request_done(&first);
	buf_done(&b);
}

static void try_answer(const char *text, size_t len)
{
	struct enroll_answer first, second;
	struct buf b = BUF_INIT(INPUT_MAX);
	struct err err = {""};

	if (enroll_answer_decode(text, len, "0.1.0", &first, &err) < 0) {
		require(*err.text);
		return;
	}
	require(first.code == ENROLL_OK ? first.certificate && first.bundle : first.text != NULL);
	require(enroll_answer_encode(&first, "0.1.0", &b) == 0);
	if (b.len <= ENROLL_ANSWER_MAX) {
		require(enroll_answer_decode(b.data, b.len, "0.1.0", &second, &err) == 0);
		require(first.code == second.code);
		enroll_answer_done(&second);
	}
	enroll_answer_done(&first);
	buf_done(&b);
}

/* Reads a book and writes it again; false where it can't be read. Leaves `in` cut to pieces. */
static int rewrite(struct buf *in, struct buf *out)
{
	struct book_entry *entries;
	struct err err = {""};
	size_t count;

	if (book_decode(in, &entries, &count, &err) < 0) {
		require(*err.text);
		return 0;
	}
	require(book_encode(entries, count, out, &err) == 0);
	book_free(entries, count);
	return 1;
}

static void try_book(const uint8_t *data, size_t size)
{
	struct buf in = BUF_INIT(INPUT_MAX), out = BUF_INIT(INPUT_MAX), again = BUF_INIT(INPUT_MAX);
	unsigned char digest[KDF_SHA256_LEN];
	struct err err = {""};
	char *hex;

	require(buf_add(&in, data, size) == 0);
	require(kdf_sha256(buf_cstr(&in), in.len, digest, &err) == 0);
	hex = hex_encode(digest, sizeof(digest));
	require(buf_printf(&in, "check %s\n", hex) == 0);
	free(hex);
	if (rewrite(&in, &out)) {
		buf_reset(&in);
		require(buf_add(&in, out.data, out.len) == 0);
		require(rewrite(&out, &again));
		require(in.len == again.len && memcmp(in.data, again.data, in.len) == 0);
	}
	buf_done(&in);
	buf_done(&out);
	buf_done(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf b = BUF_INIT(INPUT_MAX);
	struct frame frame;
	struct err err;

	if (size > INPUT_MAX / 2)
		return 0;
	try_request((const char *)data, size);
	try_answer((const char *)data, size);
	try_book(data, size);
	require(buf_add(&b, data, size) == 0);
	if (frame_get(&b, ENROLL_REQUEST_MAX, &frame, &err) == 1) {
		try_request(frame.body, frame.len);
		try_answer(frame.body, frame.len);
	}
	buf_done(&b);
	return 0;
}
