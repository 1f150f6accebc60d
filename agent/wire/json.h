/*
 * JSON: the one door between cJSON and the rest.
 *
 * What comes in is parsed strictly (RFC 8259, UTF-8, one value and nothing behind it, at most
 * JSON_DEPTH_MAX levels, no NUL in a text, so that no text is cut short by it) and read with getters
 * that check the type and name the path in their error text. What goes out is built with the
 * json_new_*, json_set_* and json_add_* calls (or cJSON's own, json is its struct) and printed into
 * a buf with a ceiling.
 *
 * A path is member names separated by '/', "header/revision". Names are compared exactly; of several
 * members with one name the first counts. A member that is null is treated as absent. A NULL object
 * has no members. 64-bit numbers travel as decimal texts, as etcd's gateway sends them, because
 * other JSON readers keep numbers as doubles: json_i64() and json_u64() read both, a number only
 * where it is exact (an integer within 2^53).
 *
 * The getters return 0, -ENOENT for an absent member ("'a/b' is missing") or -EINVAL/-ERANGE
 * ("'a/b': expected a text, found a number") and leave *ret alone then. The *_or getters return 0
 * with the default for an absent member, but still -EINVAL for one of the wrong type. Texts and
 * children that are got belong to the object.
 */
#ifndef WIRE_JSON_H
#define WIRE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/macros.h"
#include "base/usec.h"

typedef struct cJSON json;

#define JSON_DEPTH_MAX 64

/* The whole of text[0..len) must be one value; *ret is new, json_free() it. -EINVAL with the byte
 * offset in the text; the offending text itself is not quoted, it may hold a secret. */
int json_parse(const char *text, size_t len, json **ret, struct err *err) MUST_CHECK;
/* Appends the value without blanks, members in order of insertion, non-ASCII characters as they
 * are. -EMSGSIZE past the buf's ceiling: the buf is then as it was. */
int json_print(const json *value, struct buf *b) MUST_CHECK;
/* NULL is fine. */
void json_free(json *value);
/* As json_free(), but overwrites every text first. */
void json_wipe(json *value);
json *json_clone(const json *value);

bool json_is_object(const json *value);
bool json_is_array(const json *value);
/* The text of a value that is one, else NULL. */
const char *json_text(const json *value);
/* The member's name inside an object; NULL in an array. */
const char *json_name(const json *value);
/* "an object", "a text", …: for error texts. */
const char *json_type_name(const json *value);

/* The member called name, which may hold any character and may be null; NULL where there is none. */
const json *json_get(const json *object, const char *name);
/* The same by path; null and absent are both NULL. */
const json *json_at(const json *object, const char *path);

/* Members or elements in order; 0 and NULL for anything but an object or array. */
size_t json_count(const json *value);
const json *json_first(const json *value);
const json *json_next(const json *child);
#define json_foreach(it, value) for ((it) = json_first(value); (it); (it) = json_next(it))

int json_str(const json *object, const char *path, const char **ret, struct err *err) MUST_CHECK;
int json_bool(const json *object, const char *path, bool *ret, struct err *err) MUST_CHECK;
int json_i64(const json *object, const char *path, int64_t *ret, struct err *err) MUST_CHECK;
int json_u64(const json *object, const char *path, uint64_t *ret, struct err *err) MUST_CHECK;
/* A JSON number as it is, fractions included; for durations and the like. */
int json_number(const json *object, const char *path, double *ret, struct err *err) MUST_CHECK;
int json_object(const json *object, const char *path, const json **ret, struct err *err) MUST_CHECK;
int json_array(const json *object, const char *path, const json **ret, struct err *err) MUST_CHECK;
/* A text of base64; the bytes are appended to b (-EMSGSIZE past its ceiling). */
int json_b64(const json *object, const char *path, struct buf *b, struct err *err) MUST_CHECK;

int json_str_or(const json *object, const char *path, const char *dflt, const char **ret,
	struct err *err) MUST_CHECK;
int json_bool_or(
	const json *object, const char *path, bool dflt, bool *ret, struct err *err) MUST_CHECK;
int json_i64_or(const json *object, const char *path, int64_t dflt, int64_t *ret,
	struct err *err) MUST_CHECK;
int json_u64_or(const json *object, const char *path, uint64_t dflt, uint64_t *ret,
	struct err *err) MUST_CHECK;

json *json_new_object(void);
json *json_new_array(void);
json *json_new_str(const char *text);

/* Each appends a member, without looking for one of the same name. */
void json_set_str(json *object, const char *name, const char *text); /* NULL: null */
void json_set_bool(json *object, const char *name, bool v);
/* A JSON number: for what fits 2^53 (asserted): seconds, counts. */
void json_set_number(json *object, const char *name, int64_t v);
/* A time or interval in seconds, with milliseconds where there are some: 1795314328.25. */
void json_set_seconds(json *object, const char *name, usec_t t);
/* A decimal text: for revisions, lease ids and everything else of 64 bits. */
void json_set_i64(json *object, const char *name, int64_t v);
void json_set_u64(json *object, const char *name, uint64_t v);
void json_set_null(json *object, const char *name);
void json_set_b64(json *object, const char *name, const void *data, size_t len);
/* Takes the child. Returns it, for building further. */
json *json_set(json *object, const char *name, json *child);

/* The same for arrays. */
void json_add_str(json *array, const char *text);
json *json_add(json *array, json *child);

DEFINE_CLEANUP(json *, json_free)
DEFINE_CLEANUP(json *, json_wipe)

#endif
