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

size_t text_char_len(const char *s, size_t left)
{
	const unsigned char *p = (const unsigned char *)s;
	unsigned char low = 0x80, high = 0xbf;
	size_t len;

	if (*p < 0x80)
		return 1;
	if (*p >= 0xc2 && *p <= 0xdf)
		len = 2;
	else if (*p >= 0xe0 && *p <= 0xef)
		len = 3;
	else if (*p >= 0xf0 && *p <= 0xf4)
		len = 4;
	else
		return 0;
	if (*p == 0xe0)
		low = 0xa0;
	else if (*p == 0xed)
		high = 0x9f;
	else if (*p == 0xf0)
		low = 0x90;
	else if (*p == 0xf4)
		high = 0x8f;
	if (left < len || p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < len; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return len;
}

void text_whole(char *s)
{
	size_t len = strlen(s), at = len;

	/* behind the last byte that is not the middle of a character, three back at most */
	while (at > 0 && len - at < 3 && ((unsigned char)s[at - 1] & 0xc0) == 0x80)
		at--;
	if (at > 0 && (unsigned char)s[at - 1] >= 0xc0 && !text_char_len(s + at - 1, len - at + 1))
		s[at - 1] = '\0';
}

/* A control character: of ASCII, or one of those behind it as UTF-8 has them. */
static bool is_control(const char *s, size_t len)
{
	unsigned char c = (unsigned char)*s;

	return len == 1 ? c < 0x20 || c == 0x7f : c == 0xc2 && (unsigned char)s[1] <= 0x9f;
}

const char *text_printable(const char *s, size_t len, char dst[TEXT_PRINTABLE_MAX])
{
	size_t n = 0, cut = 0;

	for (size_t at = 0; at < len;) {
		size_t one = text_char_len(s + at, len - at);
		bool shown = one && !is_control(s + at, one);
		size_t room = shown ? one : 1;

		if (n + room > TEXT_PRINTABLE_MAX - 1) {
			memcpy(dst + cut, "...", 3);
			n = cut + 3;
			break;
		}
		memcpy(dst + n, shown ? s + at : "?", room);
		n += room;
		if (n <= TEXT_PRINTABLE_MAX - 4)
			cut = n;
		at += one ? one : 1;
	}
	dst[n] = '\0';
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
