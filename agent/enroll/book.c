/*
 * Reading is strict, because what it reads decides who may become a member: any doubt about one
 * line refuses the whole text.
 */
#include "config.h"
#include "enroll/book.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/b64.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "trust/kdf.h"

#define FORMAT_LINE "collective-invitations 1\n"
#define CHECK_WORD  "check "
#define CHECK_LEN   (sizeof(CHECK_WORD) - 1 + 2 * KDF_SHA256_LEN + 1)
#define FIELDS	    11

static int add_hex(struct buf *b, bool there, const void *data, size_t len)
{
	char *hex;
	int rc;

	if (!there)
		return buf_str(b, "-");
	hex = hex_encode(data, len);
	rc = buf_str(b, hex);
	secret_free(hex);
	return rc;
}

static int encode_entry(const struct book_entry *e, struct buf *b)
{
	int rc = buf_printf(b, "%s %s %s %" PRId64 " %" PRId64 " %" PRId64 " ", e->name,
		e->voting ? "voting" : "nonvoting", invitation_state_name(e->state), e->created,
		e->expires, e->ended);

	if (rc == 0)
		rc = add_hex(b, true, e->identity, sizeof(e->identity));
	if (rc == 0)
		rc = buf_str(b, " ");
	if (rc == 0)
		rc = add_hex(b, e->has_key, e->key, sizeof(e->key));
	if (rc == 0)
		rc = buf_printf(b, " %s %s %" PRId64 "\n", *e->redeemer ? e->redeemer : "-",
			*e->address ? e->address : "-", e->asked);
	return rc;
}

static int check_line(const struct buf *b, char ret[CHECK_LEN + 1], struct err *err)
{
	unsigned char digest[KDF_SHA256_LEN];
	CLEANUP(freep) char *hex = NULL;
	int rc = kdf_sha256(b->data, b->len, digest, err);

	if (rc < 0)
		return rc;
	hex = hex_encode(digest, sizeof(digest));
	snprintf(ret, CHECK_LEN + 1, "%s%s\n", CHECK_WORD, hex);
	return 0;
}

int book_encode(const struct book_entry *entries, size_t count, struct buf *b, struct err *err)
{
	char check[CHECK_LEN + 1];
	int rc = buf_str(b, FORMAT_LINE);

	for (size_t i = 0; i < count && rc == 0; i++)
		rc = encode_entry(&entries[i], b);
	if (rc < 0)
		return err_set(err, rc, "the book of invitations is too large");
	rc = check_line(b, check, err);
	if (rc < 0)
		return rc;
	return buf_str(b, check);
}

bool book_address_valid(const char *address)
{
	size_t len = strlen(address);

	if (!len || len > BOOK_ADDRESS_MAX)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (address[i] <= ' ' || address[i] > '~')
			return false;
	}
	return true;
}

static bool parse_state(const char *text, enum invitation_state *ret)
{
	for (int i = INVITATION_PENDING; i <= INVITATION_EXPIRED; i++) {
		if (strcmp(text, invitation_state_name((enum invitation_state)i)) == 0) {
			*ret = (enum invitation_state)i;
			return true;
		}
	}
	return false;
}

static bool parse_time(const char *text, usec_t *ret)
{
	return num_i64_range(text, 0, INT64_MAX, ret) == 0;
}

/* Cuts the line at its blanks. */
static bool split(char *line, char *field[FIELDS])
{
	for (size_t i = 0; i < FIELDS; i++) {
		char *end = strchr(line, ' ');
		bool last = i == FIELDS - 1;

		field[i] = line;
		if (!*line || *line == ' ' || (end == NULL) != last)
			return false;
		if (end) {
			*end = '\0';
			line = end + 1;
		}
	}
	return true;
}

static bool consistent(const struct book_entry *e)
{
	bool asked = *e->redeemer && *e->address;

	switch (e->state) {
	case INVITATION_PENDING:
		return e->has_key && !*e->redeemer && !*e->address;
	case INVITATION_REDEEMING:
		return e->has_key && asked;
	case INVITATION_USED:
		return asked;
	default:
		return !e->has_key;
	}
}

/* NULL, or which part is wrong. */
static const char *parse_entry(char *line, struct book_entry *e)
{
	char *f[FIELDS];

	if (!split(line, f))
		return "the number of fields";
	if (!name_valid(f[0]))
		return "the name";
	snprintf(e->name, sizeof(e->name), "%s", f[0]);
	e->voting = strcmp(f[1], "voting") == 0;
	if (!e->voting && strcmp(f[1], "nonvoting") != 0)
		return "the role";
	if (!parse_state(f[2], &e->state))
		return "the state";
	if (!parse_time(f[3], &e->created) || !parse_time(f[4], &e->expires) ||
		!parse_time(f[5], &e->ended) || !parse_time(f[10], &e->asked))
		return "a time";
	if (hex_decode(f[6], e->identity, sizeof(e->identity)) < 0)
		return "the identity";
	e->has_key = strcmp(f[7], "-") != 0;
	if (e->has_key && hex_decode(f[7], e->key, sizeof(e->key)) < 0)
		return "the key";
	if (strcmp(f[8], "-") != 0) {
		if (!privkey_hash_valid(f[8]))
			return "the redeemer";
		snprintf(e->redeemer, sizeof(e->redeemer), "%s", f[8]);
	}
	if (strcmp(f[9], "-") != 0) {
		if (!book_address_valid(f[9]))
			return "the address";
		snprintf(e->address, sizeof(e->address), "%s", f[9]);
	}
	return consistent(e) ? NULL : "the state does not go with the rest";
}

static int damaged(size_t line, const char *what, struct err *err)
{
	return err_set(err, -EBADMSG, "line %zu: %s", line, what);
}

/* Every line ends with a newline here. All room is taken at once: memory that grows would leave keys
 * behind. */
static int parse_lines(char *text, struct book_entry **ret, size_t *ret_count, struct err *err)
{
	struct book_entry *entries;
	size_t lines = 0, count = 0;

	for (const char *p = text; (p = strchr(p, '\n')); p++)
		lines++;
	if (lines > INVITATIONS_MAX)
		return damaged(2, "too many invitations", err);
	entries = xcalloc(lines + 1, sizeof(*entries));
	for (char *line = text; *line; count++) {
		char *end = strchr(line, '\n');
		struct book_entry *e = &entries[count];
		const char *wrong;

		*end = '\0';
		wrong = parse_entry(line, e);
		if (!wrong && book_find(entries, count, e->identity, sizeof(e->identity)))
			wrong = "an identity that occurs twice";
		if (wrong) {
			book_free(entries, lines);
			return damaged(count + 2, wrong, err);
		}
		line = end + 1;
	}
	*ret = entries;
	*ret_count = count;
	return 0;
}

int book_decode(struct buf *b, struct book_entry **ret, size_t *ret_count, struct err *err)
{
	const size_t first = sizeof(FORMAT_LINE) - 1;
	char check[CHECK_LEN + 1];
	char *tail;
	int rc;

	if (memchr(buf_cstr(b), '\0', b->len))
		return damaged(1, "the text holds a NUL byte", err);
	if (!text_starts(buf_cstr(b), FORMAT_LINE))
		return damaged(1, "not a book of invitations of format 1", err);
	tail = b->len < first + CHECK_LEN ? NULL : b->data + b->len - CHECK_LEN;
	if (!tail || tail[-1] != '\n' || !text_starts(tail, CHECK_WORD))
		return damaged(1, "the check sum at the end is missing", err);
	b->len -= CHECK_LEN;
	rc = check_line(b, check, err);
	if (rc < 0)
		return rc;
	if (strcmp(tail, check) != 0)
		return damaged(1, "the check sum at the end does not fit", err);
	*tail = '\0';
	return parse_lines(b->data + first, ret, ret_count, err);
}

void book_free(struct book_entry *entries, size_t count)
{
	if (entries)
		mem_wipe(entries, count * sizeof(*entries));
	free(entries);
}

struct book_entry *book_find(
	struct book_entry *entries, size_t count, const void *identity, size_t len)
{
	struct book_entry *found = NULL;

	if (len != INVITATION_IDENTITY_LEN)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		if (mem_equal_const(entries[i].identity, identity, len))
			found = &entries[i];
	}
	return found;
}
