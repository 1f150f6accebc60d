#include "config.h"
#include "base/num.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

int num_u64(const char *s, uint64_t *ret)
{
	uint64_t v = 0;

	if (!*s)
		return -EINVAL;
	for (const char *p = s; *p; p++) {
		uint64_t digit;

		if (*p < '0' || *p > '9')
			return -EINVAL;
		digit = (uint64_t)(*p - '0');
		if (v > (UINT64_MAX - digit) / 10)
			return -ERANGE;
		v = v * 10 + digit;
	}
	*ret = v;
	return 0;
}

int num_i64(const char *s, int64_t *ret)
{
	bool negative = *s == '-';
	uint64_t v;
	int rc = num_u64(negative ? s + 1 : s, &v);

	if (rc < 0)
		return rc;
	if (v > (uint64_t)INT64_MAX + (negative ? 1 : 0))
		return -ERANGE;
	*ret = negative ? (int64_t)(0 - v) : (int64_t)v;
	return 0;
}

int num_i64_range(const char *s, int64_t min, int64_t max, int64_t *ret)
{
	int64_t v;
	int rc = num_i64(s, &v);

	if (rc < 0)
		return rc;
	if (v < min || v > max)
		return -ERANGE;
	*ret = v;
	return 0;
}

static const struct {
	const char *name;
	usec_t unit;
} units[] = {
	{"ms", USEC_PER_MSEC},
	{"d", 86400 * USEC_PER_SEC},
	{"h", 3600 * USEC_PER_SEC},
	{"m", 60 * USEC_PER_SEC},
	{"s", USEC_PER_SEC},
};

int num_duration(const char *s, usec_t *ret)
{
	usec_t total = 0;

	if (!*s)
		return -EINVAL;
	while (*s) {
		size_t digits = strspn(s, "0123456789");
		char number[20];
		usec_t unit = 0;
		int64_t v;
		int rc;

		if (!digits)
			return -EINVAL;
		if (digits >= sizeof(number))
			return -ERANGE;
		memcpy(number, s, digits);
		number[digits] = '\0';
		rc = num_i64(number, &v);
		if (rc < 0)
			return rc;
		s += digits;
		if (!*s) {
			unit = USEC_PER_SEC;
		} else {
			for (size_t i = 0; i < ARRAY_SIZE(units) && !unit; i++) {
				size_t len = strlen(units[i].name);

				if (strncmp(s, units[i].name, len) == 0) {
					unit = units[i].unit;
					s += len;
				}
			}
		}
		if (!unit)
			return -EINVAL;
		if (v > (USEC_NEVER - total) / unit)
			return -ERANGE;
		total += v * unit;
	}
	*ret = total;
	return 0;
}

const char *num_format_duration(usec_t d, char dst[NUM_DURATION_MAX])
{
	int64_t s = d / USEC_PER_SEC;

	if (d < 0 || d == USEC_NEVER)
		snprintf(dst, NUM_DURATION_MAX, "never");
	else if (d < USEC_PER_SEC)
		snprintf(dst, NUM_DURATION_MAX, "%" PRId64 "ms", d / USEC_PER_MSEC);
	else if (d < 10 * USEC_PER_SEC)
		snprintf(dst, NUM_DURATION_MAX, "%" PRId64 ".%" PRId64 "s", s,
			d % USEC_PER_SEC / (100 * USEC_PER_MSEC));
	else if (s < 60)
		snprintf(dst, NUM_DURATION_MAX, "%" PRId64 "s", s);
	else if (s < 3600)
		snprintf(dst, NUM_DURATION_MAX, "%" PRId64 "m %" PRId64 "s", s / 60, s % 60);
	else if (s < 86400)
		snprintf(dst, NUM_DURATION_MAX, "%" PRId64 "h %" PRId64 "m", s / 3600,
			s % 3600 / 60);
	else
		snprintf(dst, NUM_DURATION_MAX, "%" PRId64 "d %" PRId64 "h", s / 86400,
			s % 86400 / 3600);
	return dst;
}
