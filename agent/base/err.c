#include "config.h"
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

int err_set(struct err *err, int rc, const char *fmt, ...)
{
	va_list ap;

	if (!err)
		return rc;
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	text_whole(err->text);
	return rc;
}

int err_wrap(struct err *err, int rc, const char *fmt, ...)
{
	char before[ERR_TEXT_MAX / 2 + 1];
	char after[ERR_TEXT_MAX - ERR_TEXT_MAX / 2 - 3];
	va_list ap;

	if (!err)
		return rc;
	va_start(ap, fmt);
	vsnprintf(before, sizeof(before), fmt, ap);
	va_end(ap);
	snprintf(after, sizeof(after), "%.*s", (int)sizeof(after) - 1,
		err->text[0] ? err->text : strerror(-rc));
	text_whole(before);
	text_whole(after);
	snprintf(err->text, sizeof(err->text), "%s: %s", before, after);
	return rc;
}

int err_errno(struct err *err, int rc, const char *fmt, ...)
{
	char before[ERR_TEXT_MAX / 2];
	va_list ap;

	if (!err)
		return rc;
	va_start(ap, fmt);
	vsnprintf(before, sizeof(before), fmt, ap);
	va_end(ap);
	text_whole(before);
	snprintf(err->text, sizeof(err->text), "%s: %s", before, strerror(-rc));
	return rc;
}

void err_clear(struct err *err)
{
	if (err)
		err->text[0] = '\0';
}
