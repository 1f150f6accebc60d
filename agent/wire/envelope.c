#include "config.h"
#include "wire/envelope.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"

/* Longer texts than any that is meant for people; see envelope_new_error(). */
#define ERROR_TEXT_MAX 65536

static int parse_collective(const json *message, struct envelope *ret, struct err *err)
{
	const json *inner;
	int rc;

	rc = json_object(message, "collective", &inner, err);
	if (rc < 0)
		return -EINVAL;
	rc = json_str(inner, "operation", &ret->operation, err);
	if (rc < 0)
		return err_wrap(err, -EINVAL, "collective");
	ret->kind = ENVELOPE_COLLECTIVE;
	ret->body = inner;
	return 0;
}

static int parse_request(const json *message, struct envelope *ret, struct err *err)
{
	const json *parameters = json_at(message, "parameters");

	if (json_str(message, "operation", &ret->operation, err) < 0 ||
		json_str(message, "path", &ret->path, err) < 0)
		return -EINVAL;
	if (parameters && json_object(message, "parameters", &parameters, err) < 0)
		return -EINVAL;
	ret->kind = ENVELOPE_REQUEST;
	ret->body = parameters;
	return 0;
}

int envelope_parse(const json *message, struct envelope *ret, struct err *err)
{
	*ret = (struct envelope){0};
	if (!json_is_object(message))
		return err_set(
			err, -EINVAL, "expected an object, found %s", json_type_name(message));
	if (json_get(message, "collective"))
		return parse_collective(message, ret, err);
	if (json_get(message, "username")) {
		ret->kind = ENVELOPE_LOGIN;
		return 0;
	}
	return parse_request(message, ret, err);
}

int envelope_check_banner(const char *text, size_t len, struct err *err)
{
	static const char start[] = "Confluent -- v4 ";
	char shown[TEXT_PRINTABLE_MAX];

	if (len >= strlen(start) && memcmp(text, start, strlen(start)) == 0)
		return 0;
	return err_set(err, -EPROTO, "the greeting is '%s' (expected '" ENVELOPE_BANNER "')",
		text_printable(text, len, shown));
}

json *envelope_new_authpassed(bool passed)
{
	json *value = json_new_object();

	json_set_number(value, "authpassed", passed);
	return value;
}

json *envelope_new_done(void)
{
	json *value = json_new_object();

	json_set_number(value, "_requestdone", 1);
	return value;
}

json *envelope_new_item(const char *href)
{
	json *value = json_new_object();

	json_set_str(json_set(value, "item", json_new_object()), "href", href);
	return value;
}

json *envelope_new_collective(json *inner)
{
	json *value = json_new_object();

	json_set(value, "collective", inner);
	return value;
}

json *envelope_new_collective_error(const char *text)
{
	json *inner = json_new_object();

	json_set_str(inner, "error", text);
	return envelope_new_collective(inner);
}

json *envelope_new_error(int code, const char *text)
{
	json *value = json_new_object();
	json *copy;
	struct buf detail = BUF_INIT(ERROR_TEXT_MAX);

	json_set_number(value, "errorcode", code);
	json_set_str(value, "error", text);
	if (text_starts(text, "Unexpected error"))
		return value;
	copy = json_new_str(text);
	if (buf_str(&detail, "{\"error\": ") == 0 && json_print(copy, &detail) == 0 &&
		buf_str(&detail, "}") == 0)
		json_set_str(value, "detail", buf_cstr(&detail));
	json_free(copy);
	buf_done(&detail);
	return value;
}
