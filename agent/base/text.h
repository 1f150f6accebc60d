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

/* The length of the UTF-8 character that the left bytes at s, at least one, begin with; 0 where they begin
 * with none (RFC 3629: the shortest form, no surrogates, nothing above U+10FFFF). */
size_t text_char_len(const char *s, size_t left);
/* Takes off the end what is left of a character in a text that was cut to fit. */
void text_whole(char *s);

/* Copies at most TEXT_PRINTABLE_MAX - 1 bytes, each control character and each byte that is no UTF-8 as
 * '?', cut with "..." between two characters. So it can be quoted in an answer, which has to be UTF-8
 * whatever it quotes. */
#define TEXT_PRINTABLE_MAX 128
const char *text_printable(const char *s, size_t len, char dst[TEXT_PRINTABLE_MAX]);

/* Splits "host", "host:port", "[v6]:port" or a bare v6 address. *ret_host is new; *ret_port is left
 * alone where no port is given. -EINVAL on anything else. */
int text_host_port(const char *s, char **ret_host, int *ret_port);

#endif
