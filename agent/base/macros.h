/*
 * Small compile-time helpers: scope clean-up, hand-over, containers, format checking.
 */
#ifndef BASE_MACROS_H
#define BASE_MACROS_H

#include <stddef.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b)     ((a) < (b) ? (a) : (b))
#define MAX(a, b)     ((a) > (b) ? (a) : (b))

#define CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* Run FN(&variable) when the variable goes out of scope; see TAKE() for the hand-over. */
#define CLEANUP(fn) __attribute__((cleanup(fn)))

/* The value of a pointer variable, which is left NULL: the one place where ownership moves on. */
#define TAKE(ptr)                                                                                  \
	__extension__({                                                                            \
		__typeof__(ptr) take_tmp_ = (ptr);                                                 \
		(ptr) = NULL;                                                                      \
		take_tmp_;                                                                         \
	})

/* Defines FNp(T **) that calls FN(T *), for CLEANUP(). */
#define DEFINE_CLEANUP(type, fn)                                                                   \
	static inline void fn##p(type *p)                                                          \
	{                                                                                          \
		if (*p)                                                                            \
			fn(*p);                                                                    \
	}

#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define NORETURN	       __attribute__((noreturn))
#define UNUSED		       __attribute__((unused))
#define MUST_CHECK	       __attribute__((warn_unused_result))

#endif
