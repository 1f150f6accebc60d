/*
 * Strict numbers: the whole text must be the number, within range, or the call fails with -EINVAL
 * (not a number) or -ERANGE (out of range) and leaves *ret alone. No blanks, no sign on unsigned
 * values, base 10.
 */
#ifndef BASE_NUM_H
#define BASE_NUM_H

#include <stdint.h>

#include "base/macros.h"
#include "base/usec.h"

int num_i64(const char *s, int64_t *ret) MUST_CHECK;
int num_u64(const char *s, uint64_t *ret) MUST_CHECK;
int num_i64_range(const char *s, int64_t min, int64_t max, int64_t *ret) MUST_CHECK;

/* A duration as people write it: "90" (seconds), "500ms", "30s", "15m", "24h", "7d", "1h30m". */
int num_duration(const char *s, usec_t *ret) MUST_CHECK;

/* The opposite, short: "2d 3h", "1h 5m", "42s", "3.2s", "15ms". dst is at least 32 bytes. */
#define NUM_DURATION_MAX 32
const char *num_format_duration(usec_t d, char dst[NUM_DURATION_MAX]);

#endif
