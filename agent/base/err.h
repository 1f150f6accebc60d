/*
 * struct err: the text that goes with a negative errno.
 *
 * A function that can fail for a reason worth telling returns 0 or a negative errno and takes a
 * `struct err *` as its last argument, which may be NULL. The number is for code, the text for
 * people. The lowest layer writes the text with err_set(); each layer above puts its own context in
 * front, once, with err_wrap(). Texts have no trailing full stop or newline and name the value that
 * was wrong and, where there is one, the remedy:
 *
 *     cannot start with /etc/confluent/collective.conf: line 14: etcd.endpoints[1]: 'htp://a' is
 *     not a URL (expected http://host:port or https://host:port)
 *
 * The text lives in the struct, is always terminated and is cut at ERR_TEXT_MAX - 1 bytes,
 * not within a character.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include "base/macros.h"

#define ERR_TEXT_MAX 1024

struct err {
	char text[ERR_TEXT_MAX];
};

/* Replaces the text. Returns rc, so that `return err_set(err, -EINVAL, "…")` reads well. */
int err_set(struct err *err, int rc, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Puts "context: " before the text (or sets the context alone where there is no text yet, with
 * strerror(-rc) behind it). Returns rc. */
int err_wrap(struct err *err, int rc, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Sets "context: strerror(-rc)". Returns rc. */
int err_errno(struct err *err, int rc, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Empties the text. */
void err_clear(struct err *err);

#endif
