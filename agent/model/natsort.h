/*
 * Natural order: n2 before n10.
 *
 * A name is a row of parts, text, number, text, …, where a number is a run of ASCII digits of any
 * length; it begins and ends with a text, which may be empty. Names compare part by part: texts by
 * their bytes (for UTF-8 that is code point order) with A-Z as a-z, numbers by their value, and a name
 * that ends first is first. Names that are equal so far (n1 and n01, N1 and n1) are ordered by their
 * bytes, so that only equal names compare equal and the order is total.
 */
#ifndef MODEL_NATSORT_H
#define MODEL_NATSORT_H

#include <stddef.h>

/* <0, 0, >0, as strcmp(). */
int natsort_compare(const char *a, const char *b);
void natsort_sort(const char **names, size_t count);

#endif
