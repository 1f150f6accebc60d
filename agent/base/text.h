/*
 * Texts: comparing, splitting, and showing what came from outside without letting it move the
 * cursor.
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

bool text_eq(const char *a, const char *b); /* NULL equals only NULL */
bool text_starts(const char *s, const char *prefix);
/* The rest of s behind prefix, or NULL where it does not start so. */
const char *text_after(const char *s, const char *prefix);

/* Copies at most TEXT_PRINTABLE_MAX - 1 bytes, each control character as '?', cut with "...". */
#define TEXT_PRINTABLE_MAX 128
const char *text_printable(const char *s, size_t len, char dst[TEXT_PRINTABLE_MAX]);

/* Splits "host", "host:port", "[v6]:port" or a bare v6 address. *ret_host is new; *ret_port is left
 * alone where no port is given. -EINVAL on anything else. */
int text_host_port(const char *s, char **ret_host, int *ret_port);

#endif
