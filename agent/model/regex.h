/*
 * struct regex: regular expressions as a noderange can write them, matched in linear time.
 *
 * The dialect is what is left of Python's `re` where no '\', '|', '(', '?' or '{' can be typed: literal
 * characters, '.', '^', '$', bracket classes ([a-z], [^0-9], and in them \d \D \w \W \s \S \n \t \r \f
 * \v and any other sign behind a '\'), and after a character, '.' or class '*', '+' and their
 * possessive forms '*+' and '++'. The signs left out are errors, not literals. A '-' that is first or
 * last in a class and a ']' that is first stand for themselves. Outside ASCII \w is every character, \d
 * and \s are none; characters are those of UTF-8, a byte that is none counts as one of its own. '.' is
 * all but a newline, '$' also stands before a newline that is last. Case matters.
 *
 * A search tries nothing twice: its time is at most (length of the text) x (length of the expression).
 */
#ifndef MODEL_REGEX_H
#define MODEL_REGEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define REGEX_MAX 4096 /* bytes of an expression */

struct regex;

/* -EINVAL with a text that says what is wrong at which position (from 0, as upstream does). */
int regex_new(struct regex **ret, const char *expression, size_t len, struct err *err) MUST_CHECK;
void regex_free(struct regex *regex); /* NULL is fine */
DEFINE_CLEANUP(struct regex *, regex_free)

/* Is it found anywhere in the text? Adds its work (about one for each comparison) to *spent. */
bool regex_search(const struct regex *regex, const char *text, size_t len, uint64_t *spent);

#endif
