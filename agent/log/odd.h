/*
 * struct odd: the keys below the prefix that can't be used (malformed, or written by no member). Each
 * is told once, however often it is listed, and again only when it changes; the number of those that
 * are there now is for `show -v`.
 */
#ifndef LOG_ODD_H
#define LOG_ODD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct odd;

#define ODD_MAX 256 /* kept; more are counted only */

struct odd *odd_new(void);
void odd_free(struct odd *odd);
/* A new listing begins: what is not seen in it is gone. */
void odd_begin(struct odd *odd);
void odd_end(struct odd *odd);
/* True when this key was not known to be odd at this revision. */
bool odd_add(struct odd *odd, const char *key, int64_t mod_revision);
/* It is gone or was mended. */
void odd_remove(struct odd *odd, const char *key);
size_t odd_count(const struct odd *odd);

#endif
