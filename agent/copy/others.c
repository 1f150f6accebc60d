#include "config.h"
#include "copy/others.h"

#include <string.h>

#include "base/macros.h"
#include "base/mem.h"

struct other {
	struct store_kv kv; /* points into bytes */
	struct share *share;
	char bytes[]; /* key and value, each followed by a NUL */
};

/* Of the room. */
struct share {
	size_t n, bytes, max;
	bool passed; /* something was left out */
};

struct others {
	struct other **at; /* sorted */
	size_t n, cap;
	struct share registry, rest;
};

struct others *others_new(void)
{
	struct others *others = xcalloc(1, sizeof(*others));

	others->registry.max = OTHERS_REGISTRY_MAX;
	others->rest.max = OTHERS_MAX;
	return others;
}

void others_free(struct others *others)
{
	if (!others)
		return;
	for (size_t i = 0; i < others->n; i++)
		free(others->at[i]);
	free(others->at);
	free(others);
}

static bool begins(const char *key, size_t len, const char *with)
{
	size_t n = strlen(with);

	return len >= n && memcmp(key, with, n) == 0;
}

static bool is(const char *key, size_t len, const char *what)
{
	return len == strlen(what) && begins(key, len, what);
}

static bool of_registry(const char *key, size_t len)
{
	return begins(key, len, "members/") || begins(key, len, "active/") ||
	       begins(key, len, "rekey/") || is(key, len, "leader") || is(key, len, "collective") ||
	       is(key, len, "pulse");
}

static int compare(const struct other *other, const char *key, size_t len)
{
	int order = memcmp(other->kv.key, key, MIN(other->kv.key_len, len));

	if (order)
		return order;
	return (other->kv.key_len > len) - (other->kv.key_len < len);
}

/* Where the key is, or would be. */
static size_t find(const struct others *others, const char *key, size_t len, bool *ret_there)
{
	size_t low = 0, high = others->n;

	*ret_there = false;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = compare(others->at[middle], key, len);

		if (order == 0)
			*ret_there = true;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static size_t weight(const struct store_kv *kv)
{
	return kv->key_len + kv->value_len;
}

static struct other *make(const struct store_kv *kv, struct share *share)
{
	struct other *other = xmalloc(sizeof(*other) + weight(kv) + 2);
	char *value = other->bytes + kv->key_len + 1;

	memcpy(other->bytes, kv->key, kv->key_len);
	other->bytes[kv->key_len] = '\0';
	if (kv->value_len)
		memcpy(value, kv->value, kv->value_len);
	value[kv->value_len] = '\0';
	other->kv = *kv;
	other->kv.key = other->bytes;
	other->kv.value = value;
	other->share = share;
	share->n++;
	share->bytes += weight(kv);
	return other;
}

static void insert(struct others *others, size_t place, struct other *other)
{
	if (others->n == others->cap) {
		others->cap = others->cap ? 2 * others->cap : 64;
		others->at = xrealloc(others->at, others->cap, sizeof(*others->at));
	}
	memmove(&others->at[place + 1], &others->at[place],
		(others->n - place) * sizeof(*others->at));
	others->at[place] = other;
	others->n++;
}

static void take_out(struct others *others, size_t place)
{
	struct other *other = others->at[place];

	other->share->n--;
	other->share->bytes -= weight(&other->kv);
	others->n--;
	memmove(&others->at[place], &others->at[place + 1],
		(others->n - place) * sizeof(*others->at));
	free(other);
}

bool others_put(struct others *others, const struct store_kv *kv)
{
	bool there;
	size_t place = find(others, kv->key, kv->key_len, &there);
	struct share *share = of_registry(kv->key, kv->key_len) ? &others->registry : &others->rest;

	if (there)
		take_out(others, place);
	if (share->n >= share->max || weight(kv) > OTHERS_BYTES_MAX - share->bytes) {
		share->passed = true;
		return false;
	}
	insert(others, place, make(kv, share));
	return true;
}

void others_delete(struct others *others, const char *key, size_t key_len)
{
	bool there;
	size_t place = find(others, key, key_len, &there);

	if (there)
		take_out(others, place);
}

size_t others_count(const struct others *others)
{
	return others->n;
}

bool others_whole(const struct others *others)
{
	return !others->registry.passed;
}

void others_each(
	const struct others *others, void (*fn)(const struct store_kv *kv, void *arg), void *arg)
{
	for (size_t i = 0; i < others->n; i++)
		fn(&others->at[i]->kv, arg);
}
