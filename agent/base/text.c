#include "config.h"
#include "base/text.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/num.h"

bool text_eq(const char *a, const char *b)
{
	if (!a || !b)
		return a == b;
	return strcmp(a, b) == 0;
}

const char *text_after(const char *s, const char *prefix)
{
	size_t len = strlen(prefix);

	return strncmp(s, prefix, len) == 0 ? s + len : NULL;
}

bool text_starts(const char *s, const char *prefix)
{
	return text_after(s, prefix) != NULL;
}

const char *text_printable(const char *s, size_t len, char dst[TEXT_PRINTABLE_MAX])
{
	size_t n = 0, at = 0;

	for (size_t i = 0; i < len && n < TEXT_PRINTABLE_MAX - 1; i++) {
		unsigned char c = (unsigned char)s[i];

		/* what UTF-8 makes of the control characters behind ASCII */
		if (c == 0xc2 && i + 1 < len && (unsigned char)s[i + 1] >= 0x80 &&
			(unsigned char)s[i + 1] <= 0x9f) {
			c = '?';
			i++;
		}
		at = i + 1;
		dst[n++] = c < 0x20 || c == 0x7f ? '?' : (char)c;
	}
	dst[n] = '\0';
	if (at < len)
		memcpy(dst + n - 3, "...", 3);
	return dst;
}

int text_host_port(const char *s, char **ret_host, int *ret_port)
{
	const char *host = s;
	const char *end;
	const char *port = NULL;
	int64_t v;

	if (*s == '[') {
		host = s + 1;
		end = strchr(host, ']');
		if (!end || (end[1] && end[1] != ':'))
			return -EINVAL;
		if (end[1])
			port = end + 2;
	} else {
		const char *colon = strchr(s, ':');

		end = s + strlen(s);
		if (colon && !strchr(colon + 1, ':')) {
			end = colon;
			port = colon + 1;
		}
	}
	if (end == host)
		return -EINVAL;
	if (port) {
		if (num_i64_range(port, 1, 65535, &v) < 0)
			return -EINVAL;
		*ret_port = (int)v;
	}
	*ret_host = xstrndup(host, (size_t)(end - host));
	return 0;
}
