#include "config.h"
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int err_set(struct err *err, int rc, const char *fmt, ...)
{
	va_list ap;

	if (!err)
		return rc;
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	return rc;
}

int err_wrap(struct err *err, int rc, const char *fmt, ...)
{
	char before[ERR_TEXT_MAX];
	char after[ERR_TEXT_MAX];
	va_list ap;

	if (!err)
		return rc;
	va_start(ap, fmt);
	vsnprintf(before, sizeof(before), fmt, ap);
	va_end(ap);
	snprintf(after, sizeof(after), "%s", err->text[0] ? err->text : strerror(-rc));
	snprintf(err->text, sizeof(err->text), "%.*s: %.*s", ERR_TEXT_MAX / 2, before,
		ERR_TEXT_MAX - ERR_TEXT_MAX / 2 - 4, after);
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
	snprintf(err->text, sizeof(err->text), "%s: %s", before, strerror(-rc));
	return rc;
}

void err_clear(struct err *err)
{
	if (err)
		err->text[0] = '\0';
}
