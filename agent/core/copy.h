/*
 * Texts of fixed size: always terminated, cut where too long.
 */
#ifndef CORE_COPY_H
#define CORE_COPY_H

#include <string.h>

static inline void copy_text(char *dst, size_t size, const char *src)
{
	size_t n = src ? strnlen(src, size - 1) : 0;

	if (n)
		memcpy(dst, src, n);
	dst[n] = '\0';
}

#endif
