/*
 * Time. All intervals and instants are microseconds in a usec_t. An instant is read from one of
 * two clocks and never mixed: CLOCK_BOOTTIME for everything that decides (it goes on while the
 * machine sleeps, as etcd's does), CLOCK_REALTIME for what people read and what certificates and
 * invitations say. This header only names the type: reading a clock is io/clock.h's business.
 */
#ifndef BASE_USEC_H
#define BASE_USEC_H

#include <stdint.h>

typedef int64_t usec_t;

#define USEC_PER_MSEC ((usec_t)1000)
#define USEC_PER_SEC  ((usec_t)1000000)
/* Later than any instant. */
#define USEC_NEVER INT64_MAX

static inline usec_t usec_add(usec_t t, usec_t d)
{
	return t > USEC_NEVER - d ? USEC_NEVER : t + d;
}

static inline usec_t usec_min(usec_t a, usec_t b)
{
	return a < b ? a : b;
}

static inline usec_t usec_max(usec_t a, usec_t b)
{
	return a > b ? a : b;
}

#endif
