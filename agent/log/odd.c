#include "config.h"
#include "log/odd.h"

#include <string.h>

#include "base/list.h"
#include "base/mem.h"
#include "base/text.h"

struct odd_key {
	struct list link;
	int64_t mod_revision;
	bool seen;
	char key[];
};

struct odd {
	struct list keys;
	size_t count;
};

struct odd *odd_new(void)
{
	struct odd *odd = xcalloc(1, sizeof(*odd));

	list_init(&odd->keys);
	return odd;
}

static void drop(struct odd *odd, struct odd_key *key)
{
	list_del(&key->link);
	free(key);
	odd->count--;
}

void odd_free(struct odd *odd)
{
	struct odd_key *key, *tmp;

	if (!odd)
		return;
	list_foreach_safe (key, tmp, &odd->keys, link)
		drop(odd, key);
	free(odd);
}

void odd_begin(struct odd *odd)
{
	struct odd_key *key;

	list_foreach (key, &odd->keys, link)
		key->seen = false;
}

void odd_end(struct odd *odd)
{
	struct odd_key *key, *tmp;

	list_foreach_safe (key, tmp, &odd->keys, link) {
		if (!key->seen)
			drop(odd, key);
	}
}

static struct odd_key *find(struct odd *odd, const char *name)
{
	struct odd_key *key;

	list_foreach (key, &odd->keys, link) {
		if (text_eq(key->key, name))
			return key;
	}
	return NULL;
}

bool odd_add(struct odd *odd, const char *name, int64_t mod_revision)
{
	struct odd_key *key = find(odd, name);
	bool news = !key || key->mod_revision != mod_revision;

	if (!key) {
		if (odd->count == ODD_MAX)
			return false;
		key = xcalloc(1, sizeof(*key) + strlen(name) + 1);
		memcpy(key->key, name, strlen(name) + 1);
		list_add_tail(&odd->keys, &key->link);
		odd->count++;
	}
	key->mod_revision = mod_revision;
	key->seen = true;
	return news;
}

void odd_remove(struct odd *odd, const char *name)
{
	struct odd_key *key = find(odd, name);

	if (key)
		drop(odd, key);
}

size_t odd_count(const struct odd *odd)
{
	return odd->count;
}
