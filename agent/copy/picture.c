#include "config.h"
#include "copy/picture.h"

#include <errno.h>

#include "base/mem.h"
#include "io/clock.h"
#include "io/worker.h"

struct picture *picture_new(void)
{
	struct picture *picture = xcalloc(1, sizeof(*picture));

	picture->db = db_new(random_u64());
	picture->others = others_new();
	return picture;
}

void picture_free(struct picture *picture)
{
	if (!picture)
		return;
	db_free(picture->db);
	others_free(picture->others);
	free(picture);
}

static int run_free(void *data, struct err *err UNUSED)
{
	struct picture **box = data;

	picture_free(TAKE(*box));
	return 0;
}

/* The job may have been refused. */
static void drop_box(void *data)
{
	struct picture **box = data;

	picture_free(*box);
	free(box);
}

void picture_free_on(struct worker *worker, struct picture *picture)
{
	struct picture **box;

	if (!picture)
		return;
	box = xmemdup(&picture, sizeof(struct picture *));
	worker_submit(worker, run_free, box, drop_box, NULL, NULL);
}

int picture_put(struct picture *picture, const struct store_kv *kv, struct err *why)
{
	if (db_is_ours(kv->key, kv->key_len))
		return db_put(picture->db, kv->key, kv->key_len, kv->value, kv->value_len,
			kv->mod_revision, why);
	if (!others_put(picture->others, kv))
		return err_set(why, -ENOSPC,
			"more than %d keys or %zu MiB below the prefix are no node's, group's or "
			"member's, or more than %d are below members/, active/ and rekey/",
			OTHERS_MAX, OTHERS_BYTES_MAX >> 20, OTHERS_REGISTRY_MAX);
	return 0;
}

void picture_delete(struct picture *picture, const char *key, size_t key_len)
{
	if (db_is_ours(key, key_len))
		db_delete(picture->db, key, key_len);
	else
		others_delete(picture->others, key, key_len);
}
