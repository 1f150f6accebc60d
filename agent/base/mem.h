/*
 * Memory that is there or the program is not: small allocations abort when memory runs out,
 * because nothing sensible can be done then. What a peer can make large has a ceiling of its own
 * (base/buf.h), so that "too large" is an error and not an abort.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/macros.h"

void *xmalloc(size_t size) __attribute__((malloc, returns_nonnull));
void *xcalloc(size_t count, size_t size) __attribute__((malloc, returns_nonnull));
void *xrealloc(void *ptr, size_t count, size_t size) __attribute__((returns_nonnull));
char *xstrdup(const char *s) __attribute__((malloc, returns_nonnull));
/* NULL stays NULL. */
char *xstrdup_null(const char *s);
char *xstrndup(const char *s, size_t n) __attribute__((malloc, returns_nonnull));
void *xmemdup(const void *p, size_t n) __attribute__((malloc, returns_nonnull));
char *xasprintf(const char *fmt, ...) PRINTF_LIKE(1, 2) __attribute__((malloc, returns_nonnull));
char *xvasprintf(const char *fmt, va_list ap) PRINTF_LIKE(1, 0)
	__attribute__((malloc, returns_nonnull));

/* Overwrites secrets in a way that the compiler keeps. */
void mem_wipe(void *p, size_t n);
/* Wipes a terminated text, then frees it; NULL is fine. */
void secret_free(char *s);
/* Compares in a time that depends on n alone. */
int mem_equal_const(const void *a, const void *b, size_t n);

static inline void freep(void *p)
{
	free(*(void **)p);
}

static inline void secret_freep(char **p)
{
	secret_free(*p);
}

#endif
