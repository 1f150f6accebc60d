/*
 * Members of the JSON that is kept in etcd: of records, orders and history. Those of the last two may be
 * missing: people put such keys by hand, too. What is there must be of the right type and within its
 * ceiling.
 */
#ifndef RECORD_FIELD_H
#define RECORD_FIELD_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/usec.h"
#include "wire/json.h"

/* size: of dst. -EINVAL where it is missing. */
int field_required(
	const json *object, const char *name, char *dst, size_t size, struct err *err) MUST_CHECK;
/* The same, but "" where it is missing. */
int field_text(
	const json *object, const char *name, char *dst, size_t size, struct err *err) MUST_CHECK;
/* A name of a member, or "". */
int field_name(
	const json *object, const char *name, char *dst, size_t size, struct err *err) MUST_CHECK;
/* Seconds since 1970, with fractions; 0 where it is missing. */
int field_time(const json *object, const char *name, usec_t *ret, struct err *err) MUST_CHECK;
/* 0 or greater; 0 where it is missing. */
int field_count(const json *object, const char *name, int64_t *ret, struct err *err) MUST_CHECK;

#endif
