/*
 * The fields of a bundle: one row each, from which it is freed, checked, written and read. For
 * bundle.c and bundle_text.c alone.
 */
#ifndef TRUST_BUNDLE_FIELDS_H
#define TRUST_BUNDLE_FIELDS_H

#include <stdbool.h>
#include <stddef.h>

#include "trust/bundle.h"

enum bundle_kind {
	BUNDLE_PLAIN, /* char *, a word that stands as it is */
	BUNDLE_CODED, /* char *, base64 in the text */
	BUNDLE_LIST,  /* the endpoints, a line each */
	BUNDLE_KEY,   /* the collective key, base64 */
	BUNDLE_HELD,  /* the held keys, base64, a line each */
	BUNDLE_FLAG,  /* bool, a line "NAME yes" when true */
};

struct bundle_field {
	const char *name;
	enum bundle_kind kind;
	size_t offset; /* in struct bundle */
	size_t max;    /* bytes */
	bool required;
};

#define BUNDLE_FIELDS 13
extern const struct bundle_field bundle_fields[BUNDLE_FIELDS];

/* Where a field of kind PLAIN or CODED is. */
char **bundle_text_of(const struct bundle *b, const struct bundle_field *f);

#endif
