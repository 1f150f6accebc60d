#include "config.h"
#include "model/noderange_range.h"

#include <string.h>

#include "base/mem.h"
#include "model/noderange.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* What an end may be made of besides digits; '+' and the like make no range. */
static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c && strchr("-_.", c));
}

/* The run of digits, or of anything else, that s begins with. */
static struct noderange_slice first_run(struct noderange_slice s)
{
	struct noderange_slice run = {s.at, 0};

	while (run.len < s.len && is_digit(s.at[run.len]) == is_digit(*s.at))
		run.len++;
	return run;
}

static void drop(struct noderange_slice *s, size_t n)
{
	s->at += n;
	s->len -= n;
}

static bool plain(struct noderange_slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (!is_digit(s.at[i]) && !is_letter(s.at[i]))
			return false;
	}
	return true;
}

/* Makes the walk from a to b. False: they don't make one. */
static bool make_walk(
	struct noderange_walk *walk, struct noderange_slice a, struct noderange_slice b)
{
	if (!plain(a) || !plain(b))
		return false;
	while (a.len && b.len) {
		struct noderange_slice of_a = first_run(a), of_b = first_run(b);

		if (of_a.len == of_b.len && memcmp(of_a.at, of_b.at, of_a.len) == 0)
			noderange_walk_text(walk, of_a.at, of_a.len);
		else if (!is_digit(*of_a.at) || !is_digit(*of_b.at) ||
			 !noderange_walk_count(walk, of_a.at, of_a.len, of_b.at, of_b.len, 1))
			return false;
		drop(&a, of_a.len);
		drop(&b, of_b.len);
	}
	return !a.len && !b.len;
}

/* Do a and b differ in nothing but their numbers, and have a number? Then a range was meant. */
static bool same_letters(struct noderange_slice a, struct noderange_slice b)
{
	bool numbers = false;

	while (a.len && b.len) {
		struct noderange_slice of_a = first_run(a), of_b = first_run(b);
		bool digits = is_digit(*of_a.at);

		if (digits != is_digit(*of_b.at) ||
			(!digits && (of_a.len != of_b.len || memcmp(of_a.at, of_b.at, of_a.len))))
			return false;
		numbers |= digits;
		drop(&a, of_a.len);
		drop(&b, of_b.len);
	}
	return numbers && !a.len && !b.len;
}

static struct noderange_slice piece_at(const char **at, const char *separator)
{
	const char *end = strstr(*at, separator);
	struct noderange_slice piece = {*at, end ? (size_t)(end - *at) : strlen(*at)};

	*at = end ? end + strlen(separator) : NULL;
	return piece;
}

static size_t count_pieces(const char *name, const char *separator, bool *same)
{
	const char *at = name;
	struct noderange_slice first = piece_at(&at, separator);
	size_t n = 1;

	*same = true;
	while (at) {
		*same &= same_letters(first, piece_at(&at, separator));
		n++;
	}
	return n;
}

static bool begins_well(struct noderange_slice end)
{
	return end.len && (is_digit(*end.at) || (is_letter(*end.at) && *end.at != '.'));
}

enum noderange_range_kind noderange_range(
	const char *name, const char *separator, struct noderange_walk *walk)
{
	const char *at = name;
	struct noderange_slice a, b;
	bool same;
	size_t n = count_pieces(name, separator, &same);

	if (n % 2 || (n > 2 && *separator != '-'))
		return same ? NODERANGE_IS_UNUSABLE : NODERANGE_IS_NAME;
	a = piece_at(&at, separator);
	for (size_t i = 1; i < n / 2; i++) {
		b = piece_at(&at, separator);
		a.len = (size_t)(b.at + b.len - a.at);
	}
	b = (struct noderange_slice){at, strlen(at)};
	if (!begins_well(a) || !begins_well(b))
		return NODERANGE_IS_BROKEN;
	if (make_walk(walk, a, b))
		return NODERANGE_IS_RANGE;
	return same_letters(a, b) ? NODERANGE_IS_UNUSABLE : NODERANGE_IS_NAME;
}

/* The last number of the name, or of what stands before its first dot. */
static struct noderange_slice last_number(struct noderange_slice name)
{
	const char *dot = memchr(name.at, '.', name.len);
	size_t end = name.len;
	struct noderange_slice number;

	if (end && !is_digit(name.at[end - 1]) && dot)
		end = (size_t)(dot - name.at);
	number = (struct noderange_slice){name.at + end, 0};
	while (number.at > name.at && is_digit(number.at[-1])) {
		number.at--;
		number.len++;
	}
	return number;
}

enum noderange_range_kind noderange_range_plus(
	const char *name, struct noderange_walk *walk, char **upto)
{
	const char *plus = strchr(name, '+');
	struct noderange_slice from = {name, (size_t)(plus - name)};
	struct noderange_slice number = last_number(from);
	const char *behind = number.at + number.len, *more = plus + 1;
	size_t wide = number.len + 8; /* NODERANGE_NAMES_MAX has seven digits */
	uint64_t count = 0;

	if (!number.len || !*more || !plain(from))
		return NODERANGE_IS_BROKEN;
	for (; *more; more++) {
		if (!is_digit(*more))
			return NODERANGE_IS_BROKEN;
		count = MIN(count * 10 + (uint64_t)(*more - '0'), NODERANGE_NAMES_MAX + 1);
	}
	if (count > NODERANGE_NAMES_MAX)
		return NODERANGE_IS_UNUSABLE;
	*upto = xmalloc(wide);
	memset(*upto, '0', wide - number.len);
	memcpy(*upto + wide - number.len, number.at, number.len);
	(void)noderange_raise(*upto, wide, count);
	noderange_walk_text(walk, name, (size_t)(number.at - name));
	if (!count)
		noderange_walk_text(walk, number.at, number.len);
	else
		(void)noderange_walk_count(walk, number.at, number.len, *upto, wide, 1);
	noderange_walk_text(walk, behind, (size_t)(plus - behind));
	return NODERANGE_IS_RANGE;
}
