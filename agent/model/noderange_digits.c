#include "config.h"
#include "model/noderange_digits.h"

#include <string.h>

#include "base/mem.h"

#define VALUE_BITS 57 /* 10^17 - 1 fits */
#define VALUE_MASK (((uint64_t)1 << VALUE_BITS) - 1)

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static uint64_t power(unsigned of)
{
	uint64_t n = 1;

	while (of-- > 0)
		n *= 10;
	return n;
}

unsigned noderange_digits_width(uint64_t number)
{
	return (unsigned)(number >> VALUE_BITS);
}

bool noderange_digits_padded(uint64_t number)
{
	unsigned width = noderange_digits_width(number);

	return width > 1 && (number & VALUE_MASK) < power(width - 1);
}

bool noderange_digits_follow(uint64_t a, uint64_t b)
{
	unsigned width = noderange_digits_width(a);
	uint64_t value = (a & VALUE_MASK) + 1;

	if (noderange_digits_width(b) != width + (value == power(width)))
		return false;
	return (b & VALUE_MASK) == value;
}

void noderange_cut(struct noderange_cut *ret, const char *name)
{
	const char *end = name + strlen(name), *at = end;

	*ret = (struct noderange_cut){.name = name, .len = (size_t)(end - name)};
	/* From the end on, so that the last ones count; then the other way round. */
	while (at > name && ret->n < NODERANGE_DIMENSIONS) {
		uint64_t value = 0;
		size_t width = 0;

		while (at > name && !is_digit(at[-1]))
			at--;
		for (end = at; at > name && is_digit(at[-1]); at--)
			width++;
		if (!width || width > NODERANGE_WIDTH_MAX)
			continue;
		for (const char *p = at; p < end; p++)
			value = value * 10 + (uint64_t)(*p - '0');
		ret->at[ret->n] = (size_t)(at - name);
		ret->numbers[ret->n++] = (uint64_t)width << VALUE_BITS | value;
	}
	for (size_t i = 0, k = ret->n; i + 1 < k; i++) {
		size_t a = ret->at[i];
		uint64_t number = ret->numbers[i];

		ret->at[i] = ret->at[--k];
		ret->numbers[i] = ret->numbers[k];
		ret->at[k] = a;
		ret->numbers[k] = number;
	}
}

const char *noderange_cut_text(const struct noderange_cut *cut, size_t i, size_t *ret_len)
{
	size_t from = i ? cut->at[i - 1] + noderange_digits_width(cut->numbers[i - 1]) : 0;

	*ret_len = (i < cut->n ? cut->at[i] : cut->len) - from;
	return cut->name + from;
}

size_t noderange_put_max(const char *const *names, size_t n)
{
	size_t max = 64;

	for (size_t i = 0; i < n; i++)
		max += strlen(names[i]) + 1 + 2 * NODERANGE_DIMENSIONS;
	return max;
}

void noderange_put(struct buf *out, const char *text, size_t len)
{
	if (buf_add(out, text, len) < 0)
		abort();
}

void noderange_put_begin(struct buf *out, const char *name)
{
	if (out->len)
		noderange_put(out, ",", 1);
	if (*name == '-')
		noderange_put(out, "(", 1);
}

void noderange_put_end(struct buf *out, const char *name)
{
	if (*name == '-')
		noderange_put(out, ")", 1);
}

static void put_number(struct buf *out, uint64_t number)
{
	char digits[NODERANGE_WIDTH_MAX];
	unsigned width = noderange_digits_width(number);
	uint64_t value = number & VALUE_MASK;

	for (unsigned i = width; i-- > 0; value /= 10)
		digits[i] = (char)('0' + value % 10);
	noderange_put(out, digits, width);
}

void noderange_put_numbers(struct buf *out, const uint64_t *numbers, size_t n)
{
	if (n > 1)
		noderange_put(out, "[", 1);
	for (size_t i = 0; i < n; i++) {
		size_t last = i;

		while (last + 1 < n && noderange_digits_follow(numbers[last], numbers[last + 1]))
			last++;
		if (i)
			noderange_put(out, ",", 1);
		put_number(out, numbers[i]);
		if (last > i) {
			noderange_put(out, ":", 1);
			put_number(out, numbers[last]);
		}
		i = last;
	}
	if (n > 1)
		noderange_put(out, "]", 1);
}
