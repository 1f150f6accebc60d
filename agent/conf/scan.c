/*
 * One pass with the five states of libconfig's own scanner: settings, a text in quotes, a word, and
 * both forms of comments.
 *
 * libconfig opens what a line that starts with @include names, and there is no way to tell it not to.
 * So such a line is refused wherever it is, in a comment or a text too: erring on that side needs no
 * proof that both scanners agree on where a comment ends. libconfig 1.5 also takes a number modulo
 * 2^32 without a word ("ttl = 4294967302" is 6), lets a comment that nobody closes swallow the rest,
 * tells of a missing quote only where the next one ends, stops reading at a NUL, and gives up at a name
 * that is there twice (scan_mark_names()).
 */
#include "config.h"
#include "conf/scan.h"

#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "conf/problem.h"

#define DIGITS	   "0123456789"
#define HEX_DIGITS DIGITS "abcdefABCDEF"
#define LETTERS	   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define BLANKS	   " \t\r\v\f"
#define NUMBER_MAX 24 /* bytes of the longest number that may fit, with room to spare */

struct scan {
	const char *file;
	struct conf_problems *problems;
	unsigned line;
	bool refused;
};

static bool number_fits(const char *digits, size_t len, bool hex, bool wide)
{
	char text[NUMBER_MAX];
	uint64_t max = wide ? INT64_MAX : INT32_MAX;
	uint64_t v = 0;

	while (len > 1 && *digits == '0') {
		digits++;
		len--;
	}
	if (len >= sizeof(text))
		return false;
	if (hex)
		return len <= (wide ? 15 : 7) || (len == (wide ? 16 : 8) && *digits < '8');
	memcpy(text, digits, len);
	text[len] = '\0';
	return num_u64(text, &v) == 0 && v <= max;
}

/* A number that starts at p: complains when it is too large, returns where it ends. */
static const char *scan_number(struct scan *scan, const char *p)
{
	bool hex = p[0] == '0' && (p[1] == 'x' || p[1] == 'X');
	const char *digits = p + (hex ? 2 : 0);
	size_t len = strspn(digits, hex ? HEX_DIGITS : DIGITS);
	const char *end = digits + len;
	char shown[TEXT_PRINTABLE_MAX];

	if (!hex && (*end == '.' || *end == 'e' || *end == 'E'))
		return end + strspn(end, DIGITS LETTERS ".+-");
	if (!number_fits(digits, len, hex, *end == 'L'))
		problem_add(scan->problems, scan->file, scan->line,
			"'%s' is too large a number (expected at most 2147483647)",
			text_printable(p, (size_t)(end - p), shown));
	return end + strspn(end, "L");
}

static void start_of_line(struct scan *scan, const char *p)
{
	p += strspn(p, BLANKS);
	if (!text_starts(p, "@include"))
		return;
	problem_add(scan->problems, scan->file, scan->line,
		"@include is not supported (expected all options in one file)");
	scan->refused = true;
}

bool scan_text(const char *text, size_t len, const char *file, struct conf_problems *problems)
{
	struct scan scan = {.file = file, .problems = problems, .line = 1};
	enum { SETTINGS, QUOTES, LINE_COMMENT, COMMENT } where = SETTINGS;
	const char *p = text;
	unsigned opened = 0; /* the line where a text or comment starts */

	start_of_line(&scan, p);
	while (*p) {
		char c = *p++;

		if (c == '\n') {
			if (where == QUOTES && opened == scan.line)
				problem_add(problems, file, opened,
					"a text is not closed (expected \" on the same line)");
			scan.line++;
			start_of_line(&scan, p);
			if (where == LINE_COMMENT)
				where = SETTINGS;
		} else if (where == QUOTES) {
			if (c == '"')
				where = SETTINGS;
			else if (c == '\\' && *p && *p != '\n')
				p++;
		} else if (where == COMMENT) {
			if (c == '*' && *p == '/') {
				where = SETTINGS;
				p++;
			}
		} else if (where == LINE_COMMENT) {
			continue;
		} else if (c == '"') {
			where = QUOTES;
			opened = scan.line;
		} else if (c == '#' || (c == '/' && *p == '/')) {
			where = LINE_COMMENT;
		} else if (c == '/' && *p == '*') {
			where = COMMENT;
			opened = scan.line;
			p++;
		} else if (strchr(LETTERS "*", c)) {
			p += strspn(p, LETTERS DIGITS "-_*");
		} else if (strchr(DIGITS, c)) {
			p = scan_number(&scan, p - 1);
		}
	}
	if (where == COMMENT)
		problem_add(problems, file, opened, "a comment is not closed (expected */)");
	if ((size_t)(p - text) < len) {
		problem_add(problems, file, scan.line, "has a NUL byte in it (expected text)");
		scan.refused = true;
	}
	return !scan.refused;
}

/* The mark is "*", a number and "*": libconfig takes a '*' in names, the table of options has none. */
const char *scan_plain_name(const char *name)
{
	const char *end = *name == '*' ? name + 1 + strspn(name + 1, DIGITS) : name;

	return end > name + 1 && *end == '*' ? scan_plain_name(end + 1) : name;
}

/* The text between p and end, with marked names. */
static bool mark_line(struct buf *out, const char *p, const char *end, unsigned *count)
{
	unsigned before = *count;
	bool quoted = false;
	int rc = 0;

	while (p < end && rc == 0) {
		size_t word = strspn(p, LETTERS DIGITS "-_*");
		size_t len = word ? word : 1;

		if (!word && *p == '\\' && quoted && p + 1 < end)
			len = 2;
		else if (!word && *p == '"')
			quoted = !quoted;
		else if (word && !quoted && strchr(LETTERS "*", *p) &&
			 strchr(":=", p[word + strspn(p + word, BLANKS)]))
			rc = buf_printf(out, "*%u*", ++*count);
		if (rc == 0)
			rc = buf_add(out, p, len);
		p += len;
	}
	return rc == 0 && *count > before;
}

char *scan_mark_names(const char *text, unsigned line, unsigned *count)
{
	struct buf out = BUF_INIT(8 * CONF_FILE_MAX);
	const char *p = text;
	const char *end;

	while (--line && *p) {
		p += strcspn(p, "\n");
		p += *p ? 1 : 0;
	}
	end = p + strcspn(p, "\n");
	if (buf_add(&out, text, (size_t)(p - text)) < 0 || !mark_line(&out, p, end, count) ||
		buf_str(&out, end) < 0) {
		buf_done(&out);
		return NULL;
	}
	return buf_take(&out);
}
