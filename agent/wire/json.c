#include "config.h"
#include "wire/json.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "base/b64.h"
#include "base/mem.h"
#include "base/num.h"

/* Integers up to here are exact in a double (2^53). */
#define EXACT_MAX 9007199254740992.0

void json_free(json *value)
{
	cJSON_Delete(value);
}

static void wipe_texts(json *value)
{
	for (json *child = value->child; child; child = child->next)
		wipe_texts(child);
	if (value->valuestring)
		mem_wipe(value->valuestring, strlen(value->valuestring));
}

void json_wipe(json *value)
{
	if (value)
		wipe_texts(value);
	cJSON_Delete(value);
}

/* cJSON answers NULL when memory runs out; here that ends the program, as everywhere. */
static json *must(json *value)
{
	if (!value)
		abort();
	return value;
}

json *json_clone(const json *value)
{
	return must(cJSON_Duplicate(value, 1));
}

bool json_is_object(const json *value)
{
	return cJSON_IsObject(value);
}

bool json_is_array(const json *value)
{
	return cJSON_IsArray(value);
}

const char *json_text(const json *value)
{
	return cJSON_IsString(value) ? value->valuestring : NULL;
}

const char *json_name(const json *value)
{
	return value->string;
}

const char *json_type_name(const json *value)
{
	if (cJSON_IsObject(value))
		return "an object";
	if (cJSON_IsArray(value))
		return "an array";
	if (cJSON_IsString(value))
		return "a text";
	if (cJSON_IsNumber(value))
		return "a number";
	if (cJSON_IsBool(value))
		return "a boolean";
	return "null";
}

static const json *get(const json *object, const char *name, size_t len)
{
	if (!cJSON_IsObject(object))
		return NULL;
	for (const json *child = object->child; child; child = child->next)
		if (child->string && strncmp(child->string, name, len) == 0 && !child->string[len])
			return child;
	return NULL;
}

const json *json_get(const json *object, const char *name)
{
	return get(object, name, strlen(name));
}

const json *json_at(const json *object, const char *path)
{
	const json *value = object;

	for (;;) {
		size_t len = strcspn(path, "/");

		value = get(value, path, len);
		if (!value || cJSON_IsNull(value))
			return NULL;
		if (!path[len])
			return value;
		path += len + 1;
	}
}

size_t json_count(const json *value)
{
	size_t n = 0;

	for (const json *child = json_first(value); child; child = child->next)
		n++;
	return n;
}

const json *json_first(const json *value)
{
	return cJSON_IsObject(value) || cJSON_IsArray(value) ? value->child : NULL;
}

const json *json_next(const json *child)
{
	return child->next;
}

static int missing(const char *path, struct err *err)
{
	return err_set(err, -ENOENT, "'%s' is missing", path);
}

static int mismatch(const char *path, const char *expected, const json *found, struct err *err)
{
	return err_set(
		err, -EINVAL, "'%s': expected %s, found %s", path, expected, json_type_name(found));
}

int json_str(const json *object, const char *path, const char **ret, struct err *err)
{
	const json *value = json_at(object, path);

	if (!value)
		return missing(path, err);
	if (!cJSON_IsString(value))
		return mismatch(path, "a text", value, err);
	*ret = value->valuestring;
	return 0;
}

int json_bool(const json *object, const char *path, bool *ret, struct err *err)
{
	const json *value = json_at(object, path);

	if (!value)
		return missing(path, err);
	if (!cJSON_IsBool(value))
		return mismatch(path, "true or false", value, err);
	*ret = cJSON_IsTrue(value);
	return 0;
}

/* A number that is an integer which a double holds exactly. */
static int exact(const char *path, const json *value, double min, int64_t *ret, struct err *err)
{
	double d = value->valuedouble;

	if (!(d >= min && d <= EXACT_MAX))
		return err_set(err, -ERANGE,
			"'%s': the number is out of range (beyond 2^53 it must be sent as a text)",
			path);
	if ((double)(int64_t)d < d || (double)(int64_t)d > d)
		return err_set(err, -EINVAL, "'%s': expected an integer, found a fraction", path);
	*ret = (int64_t)d;
	return 0;
}

int json_i64(const json *object, const char *path, int64_t *ret, struct err *err)
{
	const json *value = json_at(object, path);
	int rc;

	if (!value)
		return missing(path, err);
	if (cJSON_IsNumber(value))
		return exact(path, value, -EXACT_MAX, ret, err);
	if (!cJSON_IsString(value))
		return mismatch(path, "an integer", value, err);
	rc = num_i64(value->valuestring, ret);
	if (rc < 0)
		return err_set(err, rc, "'%s': the text is not a 64-bit integer", path);
	return 0;
}

int json_u64(const json *object, const char *path, uint64_t *ret, struct err *err)
{
	const json *value = json_at(object, path);
	int64_t v;
	int rc;

	if (!value)
		return missing(path, err);
	if (cJSON_IsNumber(value)) {
		rc = exact(path, value, 0, &v, err);
		if (rc == 0)
			*ret = (uint64_t)v;
		return rc;
	}
	if (!cJSON_IsString(value))
		return mismatch(path, "an integer", value, err);
	rc = num_u64(value->valuestring, ret);
	if (rc < 0)
		return err_set(err, rc, "'%s': the text is not an unsigned 64-bit integer", path);
	return 0;
}

int json_number(const json *object, const char *path, double *ret, struct err *err)
{
	const json *value = json_at(object, path);

	if (!value)
		return missing(path, err);
	if (!cJSON_IsNumber(value))
		return mismatch(path, "a number", value, err);
	*ret = value->valuedouble;
	return 0;
}

int json_object(const json *object, const char *path, const json **ret, struct err *err)
{
	const json *value = json_at(object, path);

	if (!value)
		return missing(path, err);
	if (!cJSON_IsObject(value))
		return mismatch(path, "an object", value, err);
	*ret = value;
	return 0;
}

int json_array(const json *object, const char *path, const json **ret, struct err *err)
{
	const json *value = json_at(object, path);

	if (!value)
		return missing(path, err);
	if (!cJSON_IsArray(value))
		return mismatch(path, "an array", value, err);
	*ret = value;
	return 0;
}

int json_b64(const json *object, const char *path, struct buf *b, struct err *err)
{
	const char *text;
	int rc;

	rc = json_str(object, path, &text, err);
	if (rc < 0)
		return rc;
	rc = b64_decode(text, strlen(text), b);
	if (rc == -EMSGSIZE)
		return err_set(err, rc, "'%s': longer than the allowed %zu bytes", path, b->max);
	if (rc < 0)
		return err_set(err, rc, "'%s': the text is not base64", path);
	return 0;
}

int json_str_or(
	const json *object, const char *path, const char *dflt, const char **ret, struct err *err)
{
	if (json_at(object, path))
		return json_str(object, path, ret, err);
	*ret = dflt;
	return 0;
}

int json_bool_or(const json *object, const char *path, bool dflt, bool *ret, struct err *err)
{
	if (json_at(object, path))
		return json_bool(object, path, ret, err);
	*ret = dflt;
	return 0;
}

int json_i64_or(const json *object, const char *path, int64_t dflt, int64_t *ret, struct err *err)
{
	if (json_at(object, path))
		return json_i64(object, path, ret, err);
	*ret = dflt;
	return 0;
}

int json_u64_or(const json *object, const char *path, uint64_t dflt, uint64_t *ret, struct err *err)
{
	if (json_at(object, path))
		return json_u64(object, path, ret, err);
	*ret = dflt;
	return 0;
}

json *json_new_object(void)
{
	return must(cJSON_CreateObject());
}

json *json_new_array(void)
{
	return must(cJSON_CreateArray());
}

json *json_new_str(const char *text)
{
	return must(cJSON_CreateString(text));
}

json *json_set(json *object, const char *name, json *child)
{
	if (!cJSON_AddItemToObject(object, name, child))
		abort();
	return child;
}

json *json_add(json *array, json *child)
{
	if (!cJSON_AddItemToArray(array, child))
		abort();
	return child;
}

void json_set_str(json *object, const char *name, const char *text)
{
	json_set(object, name, text ? json_new_str(text) : must(cJSON_CreateNull()));
}

void json_set_bool(json *object, const char *name, bool v)
{
	json_set(object, name, must(cJSON_CreateBool(v)));
}

void json_set_number(json *object, const char *name, int64_t v)
{
	assert((double)v >= -EXACT_MAX && (double)v <= EXACT_MAX);
	json_set(object, name, must(cJSON_CreateNumber((double)v)));
}

void json_set_seconds(json *object, const char *name, usec_t t)
{
	json_set(object, name, must(cJSON_CreateNumber((double)(t / USEC_PER_MSEC) / 1000)));
}

void json_set_i64(json *object, const char *name, int64_t v)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, v);
	json_set_str(object, name, text);
}

void json_set_u64(json *object, const char *name, uint64_t v)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, v);
	json_set_str(object, name, text);
}

void json_set_null(json *object, const char *name)
{
	json_set_str(object, name, NULL);
}

void json_set_b64(json *object, const char *name, const void *data, size_t len)
{
	char *text = b64_encode(data, len);

	json_set_str(object, name, text);
	secret_free(text);
}

void json_add_str(json *array, const char *text)
{
	json_add(array, json_new_str(text));
}
