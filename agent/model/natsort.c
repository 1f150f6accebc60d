#include "config.h"
#include "model/natsort.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"

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

/* ---- sorting many ---- */

#define KEY_BYTES 16

/* A name with the beginning of its order as numbers to compare: most pairs need no look at the names. */
struct entry {
	uint64_t key[KEY_BYTES / 8];
	const char *name;
};

struct key {
	unsigned char bytes[KEY_BYTES];
	size_t len;
};

static void put(struct key *key, int byte)
{
	if (key->len < KEY_BYTES)
		key->bytes[key->len++] = (unsigned char)byte;
}

/* Texts end in a 0 so that one that ends first is first; a number is how many digits it has, then the
 * digits. From 255 digits on the key ends, and says no more. */
static void make_key(struct key *key, const char *s)
{
	*key = (struct key){.len = 0};
	while (*s && key->len < KEY_BYTES) {
		size_t n;

		while (*s && !is_digit(*s))
			put(key, lower(*s++));
		put(key, 0);
		if (!*s)
			return;
		n = digits(&s);
		put(key, n < 255 ? (int)n : 255);
		if (n >= 255)
			return;
		for (; n > 0; n--)
			put(key, *s++);
	}
}

/* Where the first names differ from all others, but not within a number. */
static size_t common(const char *const *names, size_t count)
{
	size_t n = strlen(names[0]);

	for (size_t i = 1; i < count && n; i++) {
		size_t k = 0;

		while (k < n && names[0][k] == names[i][k])
			k++;
		n = k;
	}
	while (n && is_digit(names[0][n - 1]))
		n--;
	return n;
}

static int compare(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	for (size_t i = 0; i < KEY_BYTES / 8; i++) {
		if (x->key[i] != y->key[i])
			return x->key[i] < y->key[i] ? -1 : 1;
	}
	return natsort_compare(x->name, y->name);
}

void natsort_sort(const char **names, size_t count)
{
	struct entry *entries;
	size_t from;

	if (count < 2)
		return;
	entries = xcalloc(count, sizeof(*entries));
	from = common(names, count);
	for (size_t i = 0; i < count; i++) {
		struct key key;

		make_key(&key, names[i] + from);
		for (size_t k = 0; k < KEY_BYTES; k++)
			entries[i].key[k / 8] = entries[i].key[k / 8] << 8 | key.bytes[k];
		entries[i].name = names[i];
	}
	qsort(entries, count, sizeof(*entries), compare);
	for (size_t i = 0; i < count; i++)
		names[i] = entries[i].name;
	free(entries);
}
