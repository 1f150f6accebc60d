#include "config.h"
#include "record/field.h"

#include <errno.h>
#include <string.h>

#include "base/name.h"

/* Year 9999. */
#define SECONDS_MAX 253402300799.0

static int copy(const char *name, const char *text, char *dst, size_t size, struct err *err)
{
	if (strlen(text) >= size)
		return err_set(err, -EINVAL, "'%s' is longer than %zu bytes", name, size - 1);
	memcpy(dst, text, strlen(text) + 1);
	return 0;
}

int field_required(const json *object, const char *name, char *dst, size_t size, struct err *err)
{
	const char *text;
	int rc = json_str(object, name, &text, err);

	return rc < 0 ? rc : copy(name, text, dst, size, err);
}

int field_text(const json *object, const char *name, char *dst, size_t size, struct err *err)
{
	const char *text;
	int rc = json_str_or(object, name, "", &text, err);

	return rc < 0 ? rc : copy(name, text, dst, size, err);
}

int field_name(const json *object, const char *name, char *dst, size_t size, struct err *err)
{
	int rc = field_text(object, name, dst, size, err);

	if (rc == 0 && *dst && !name_valid(dst))
		rc = err_set(err, -EINVAL, "'%s' is no name of a member", name);
	return rc;
}

int field_time(const json *object, const char *name, usec_t *ret, struct err *err)
{
	double seconds;
	int rc;

	if (!json_at(object, name)) {
		*ret = 0;
		return 0;
	}
	rc = json_number(object, name, &seconds, err);
	if (rc < 0)
		return rc;
	if (!(seconds >= 0 && seconds <= SECONDS_MAX))
		return err_set(err, -EINVAL, "'%s' is no time", name);
	*ret = (usec_t)(seconds * (double)USEC_PER_SEC + 0.5);
	return 0;
}

int field_count(const json *object, const char *name, int64_t *ret, struct err *err)
{
	int64_t value;
	int rc = json_i64_or(object, name, 0, &value, err);

	if (rc < 0)
		return rc;
	if (value < 0)
		return err_set(err, -EINVAL, "'%s' is negative", name);
	*ret = value;
	return 0;
}
