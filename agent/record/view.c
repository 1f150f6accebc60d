#include "config.h"
#include "record/view.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"

static void key_info(struct key_info *info, const struct etcd_kv *kv)
{
	*info = (struct key_info){.value = "", .instance = "", .version = ""};
	if (!kv)
		return;
	info->present = true;
	info->create_rev = kv->create_revision;
	info->mod_rev = kv->mod_revision;
	info->lease = kv->lease;
}

void view_leader(struct view_leader *ret, const struct etcd_kv *kv)
{
	key_info(&ret->info, kv);
	ret->name[0] = '\0';
	if (kv && kv->value_len < sizeof(ret->name) && strlen(kv->value) == kv->value_len &&
		name_valid(kv->value))
		memcpy(ret->name, kv->value, kv->value_len + 1);
	ret->info.value = ret->name;
}

void view_active(struct view_active *ret, const struct etcd_kv *kv)
{
	key_info(&ret->info, kv);
	memset(&ret->record, 0, sizeof(ret->record));
	if (kv && active_record_decode(&ret->record, kv->value, kv->value_len, NULL) < 0)
		memset(&ret->record, 0, sizeof(ret->record));
	ret->info.value = ret->record.address;
	ret->info.instance = ret->record.boot;
	ret->info.version = ret->record.version;
}

void view_member(struct view_member *ret, const char *name, const struct etcd_kv *kv,
	const struct bundle *bundle, const char *own_key)
{
	int rc;

	memset(ret, 0, sizeof(*ret));
	ret->info.address = ret->record.address;
	ret->info.version = ret->record.version;
	if (!kv)
		return;
	ret->info.present = true;
	ret->info.mod_rev = kv->mod_revision;
	rc = member_record_decode(&ret->record, name, kv->value, kv->value_len, bundle, &ret->why);
	ret->unreadable = rc == -ENOKEY;
	if (rc < 0) {
		memset(&ret->record, 0, sizeof(ret->record));
		return;
	}
	ret->info.valid = true;
	ret->info.voting = !ret->record.nonvoting;
	ret->info.mine = text_eq(ret->record.key, own_key);
}
