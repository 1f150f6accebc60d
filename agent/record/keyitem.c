#include "config.h"
#include "record/keyitem.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/name.h"
#include "base/text.h"
#include "record/rekey_records.h"

void keyitems_init(struct keyitems *items, enum keyitem_kind kind, size_t max)
{
	*items = (struct keyitems){.kind = kind, .max = max};
	list_init(&items->list);
}

static void item_free(struct keyitems *items, struct keyitem *item)
{
	list_del(&item->link);
	items->n--;
	free(item->path);
	free(item->value);
	free(item);
}

void keyitems_done(struct keyitems *items)
{
	struct keyitem *item;

	while ((item = list_first(&items->list, struct keyitem, link)))
		item_free(items, item);
}

const char *keyitems_name(enum keyitem_kind kind, const char *path)
{
	const char *rest = text_after(path, kind == KEYITEM_HELD ? REKEY_HELD : REKEY_WRAPPED);

	if (rest && kind == KEYITEM_WRAPPED) {
		if (strcspn(rest, "/") != SEAL_KEY_ID_LEN || rest[SEAL_KEY_ID_LEN] != '/')
			return NULL;
		rest += SEAL_KEY_ID_LEN + 1;
	}
	return rest && name_valid(rest) ? rest : NULL;
}

static struct keyitem *find(const struct keyitems *items, const char *path)
{
	struct keyitem *item;

	list_foreach (item, &items->list, link) {
		if (text_eq(item->path, path))
			return item;
	}
	return NULL;
}

static int read_wrapped(struct keyitem *item, const struct bundle *bundle, struct err *err)
{
	const char *id = text_after(item->path, REKEY_WRAPPED);
	struct rekey_wrap wrap;
	int rc = rekey_wrap_decode(&wrap, item->path, item->value, item->len, bundle, err);

	if (rc < 0)
		return rc;
	if (strncmp(id, wrap.key, SEAL_KEY_ID_LEN) != 0)
		return err_set(err, -EBADMSG, "it is another key's");
	memcpy(item->key, wrap.key, sizeof(item->key));
	memcpy(item->receiver, wrap.receiver, sizeof(item->receiver));
	return 0;
}

static int read_held(struct keyitem *item, const struct bundle *bundle, struct err *err)
{
	struct rekey_held held;
	int rc = rekey_held_decode(&held, item->path, item->value, item->len, bundle, err);

	if (rc < 0)
		return rc;
	memcpy(item->key, held.key, sizeof(item->key));
	memcpy(item->receiver, held.receiver, sizeof(item->receiver));
	return 0;
}

static int read_item(const struct keyitems *items, struct keyitem *item,
	const struct bundle *bundle, struct err *err)
{
	item->key[0] = item->receiver[0] = '\0';
	return items->kind == KEYITEM_HELD ? read_held(item, bundle, err)
					   : read_wrapped(item, bundle, err);
}

int keyitems_put(struct keyitems *items, const struct bundle *bundle, const char *path,
	const char *value, size_t len, int64_t rev, struct err *err)
{
	struct keyitem *item = find(items, path);

	if (!item && items->n == items->max)
		return err_set(err, -ENOSPC, "there are more than %zu of its kind", items->max);
	if (!item) {
		item = xcalloc(1, sizeof(*item));
		item->path = xstrdup(path);
		item->name = strrchr(item->path, '/') + 1;
		list_add_tail(&items->list, &item->link);
		items->n++;
	}
	free(item->value);
	item->value = xstrndup(value, len);
	item->len = len;
	item->rev = rev;
	item->listed = true;
	return read_item(items, item, bundle, err);
}

void keyitems_remove(struct keyitems *items, const char *path)
{
	struct keyitem *item = find(items, path);

	if (item)
		item_free(items, item);
}

void keyitems_begin(struct keyitems *items)
{
	struct keyitem *item;

	list_foreach (item, &items->list, link)
		item->listed = false;
}

void keyitems_end(struct keyitems *items)
{
	struct keyitem *item, *tmp;

	list_foreach_safe (item, tmp, &items->list, link) {
		if (!item->listed)
			item_free(items, item);
	}
}

void keyitems_read(struct keyitems *items, const struct bundle *bundle)
{
	struct keyitem *item;

	list_foreach (item, &items->list, link)
		(void)read_item(items, item, bundle, NULL);
}

const struct keyitem *keyitems_at(const struct keyitems *items, const char *path)
{
	return find(items, path);
}

const struct keyitem *keyitems_find(
	const struct keyitems *items, const char *name, const char *receiver, const char *key)
{
	const struct keyitem *item;

	list_foreach (item, &items->list, link) {
		if (text_eq(item->name, name) && text_eq(item->key, key) &&
			text_eq(item->receiver, receiver))
			return item;
	}
	return NULL;
}
