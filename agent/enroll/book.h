/*
 * The text of the book of invitations (enroll/invitations.h): one line per invitation, eleven fields
 * separated by one blank ("-": none), between a line with the format and one with a check sum that
 * tells a damaged file from a whole one:
 *
 *     collective-invitations 1
 *     NAME ROLE STATE CREATED EXPIRES ENDED IDENTITY KEY REDEEMER ADDRESS ASKED
 *     check SHA-256 over all lines above
 *
 * Pure. Times are microseconds of CLOCK_REALTIME, identity and key hex, REDEEMER "sha256:…".
 */
#ifndef ENROLL_BOOK_H
#define ENROLL_BOOK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/macros.h"
#include "base/name.h"
#include "base/usec.h"
#include "enroll/invitations.h"
#include "trust/privkey.h"

#define BOOK_ADDRESS_MAX 63 /* characters */
#define BOOK_LINE_MAX	 512
#define BOOK_TEXT_MAX	 ((INVITATIONS_MAX + 2) * BOOK_LINE_MAX)

struct book_entry {
	char name[NAME_MAX_LEN + 1];
	bool voting;
	enum invitation_state state;
	usec_t created, expires, ended, asked;
	unsigned char identity[INVITATION_IDENTITY_LEN];
	bool has_key; /* false: it can't be redeemed any more */
	unsigned char key[INVITATION_KEY_LEN];
	char redeemer[PRIVKEY_HASH_LEN + 1]; /* "": none */
	char address[BOOK_ADDRESS_MAX + 1];  /* "": none */
};

/* Printable, without blanks, and not too long. */
bool book_address_valid(const char *address);

/* Appends to b, which the caller wipes. */
int book_encode(
	const struct book_entry *entries, size_t count, struct buf *b, struct err *err) MUST_CHECK;
/* Cuts the text of b to pieces; the caller wipes it. -EBADMSG with a text that says which line is
 * wrong and quotes nothing of it. */
int book_decode(
	struct buf *b, struct book_entry **ret, size_t *ret_count, struct err *err) MUST_CHECK;
/* Wipes and frees. */
void book_free(struct book_entry *entries, size_t count);

/* The entry with that identity, or NULL; looks at all of them, whatever it finds. */
struct book_entry *book_find(
	struct book_entry *entries, size_t count, const void *identity, size_t len);

#endif
