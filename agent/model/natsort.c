#include "config.h"
#include "model/natsort.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static int lower(char c)
{
	return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : (unsigned char)c;
}

/* The text part at each pointer, which is moved behind it. A text that ends first is first. */
static int compare_texts(const char **a, const char **b)
{
	while (**a && !is_digit(**a) && **b && !is_digit(**b)) {
		int d = lower(**a) - lower(**b);

		if (d)
			return d;
		(*a)++;
		(*b)++;
	}
	return (**a && !is_digit(**a)) - (**b && !is_digit(**b));
}

static size_t digits(const char **s)
{
	size_t n = 0;

	while (**s == '0')
		(*s)++;
	while (is_digit((*s)[n]))
		n++;
	return n;
}

/* The same for numbers: the one with more digits is greater once leading zeros are gone. */
static int compare_numbers(const char **a, const char **b)
{
	size_t na = digits(a), nb = digits(b);
	int d;

	if (na != nb)
		return na < nb ? -1 : 1;
	d = memcmp(*a, *b, na);
	*a += na;
	*b += nb;
	return d;
}

int natsort_compare(const char *a, const char *b)
{
	const char *pa = a, *pb = b;

	for (;;) {
		int d = compare_texts(&pa, &pb);

		if (d)
			return d;
		if (!*pa || !*pb)
			break;
		d = compare_numbers(&pa, &pb);
		if (d)
			return d;
	}
	if (*pa || *pb)
		return *pa ? 1 : -1;
	return strcmp(a, b);
}

static int compare(const void *a, const void *b)
{
	return natsort_compare(*(const char *const *)a, *(const char *const *)b);
}

void natsort_sort(const char **names, size_t count)
{
	if (count)
		qsort(names, count, sizeof(*names), compare);
}
