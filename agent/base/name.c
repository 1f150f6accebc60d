#include "config.h"
#include "base/name.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"

static bool alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool name_valid(const char *name)
{
	size_t len = strlen(name);

	if (!len || len > NAME_MAX_LEN || !alnum(name[0]) || !alnum(name[len - 1]))
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!alnum(name[i]) && !strchr(".-_", name[i]))
			return false;
	}
	return true;
}

int name_check(const char *name, struct err *err)
{
	char shown[TEXT_PRINTABLE_MAX];

	if (name_valid(name))
		return 0;
	if (!*name)
		return err_set(err, -EINVAL, "a member name must not be empty");
	return err_set(err, -EINVAL,
		"'%s' is not a valid member name (letters, digits, '.', '-' and '_', at most %d "
		"characters, a letter or digit first and last)",
		text_printable(name, strlen(name), shown), NAME_MAX_LEN);
}

bool name_object_valid(const char *name)
{
	size_t len = 0;

	if (!alnum(*name))
		return false;
	for (; name[len]; len++) {
		if (len >= NAME_OBJECT_MAX || (!alnum(name[len]) && !strchr("-_.", name[len])))
			return false;
	}
	return true;
}

int name_object_check(const char *name, const char *kind, struct err *err)
{
	char shown[TEXT_PRINTABLE_MAX];

	if (name_object_valid(name))
		return 0;
	return err_set(err, -EINVAL,
		"\"%s\" is not a valid %s name (letters, digits, '-', '_' and '.', a letter or "
		"digit first, at most %d characters)",
		text_printable(name, strlen(name), shown), kind, NAME_OBJECT_MAX);
}
