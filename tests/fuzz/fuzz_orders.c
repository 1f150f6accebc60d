/* libs: record model trust etcd core io wire base */
/*
 * What anybody may put into etcd in the place of an order or of an entry of history: a line of the input is
 * a key, the next one its value. Whatever it is, a pause or a drain of a good name counts, and what was
 * read can be written and read again.
 */
#include "config.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "etcd/codec.h"
#include "record/history.h"
#include "record/orders.h"

#define NOW  (1000 * USEC_PER_SEC)
#define WALL (1795333836 * USEC_PER_SEC)

static void tell_all(const struct history *history)
{
	struct history_telling *telling = history_telling_new(history, 0);
	json *entry;
	int rc;

	while ((rc = history_telling_next(telling, &entry)) != 0) {
		if (rc == 1)
			json_free(entry);
	}
	history_telling_free(telling);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int truth)
{
	if (!truth)
		abort();
}

/* The next line; it is ended there. */
static char *line(char **at)
{
	char *begin = *at;
	size_t len = strcspn(begin, "\n");

	*at += len + (begin[len] == '\n');
	begin[len] = '\0';
	return begin;
}

static void read_order(const char *path, const struct etcd_kv *kv)
{
	struct etcd_kv again = {.mod_revision = 1};
	struct order is, was;
	char *text;

	if (order_decode(&was, path, kv, NULL) < 0)
		return;
	text = order_encode(&was);
	again.value = text;
	again.value_len = strlen(text);
	must(order_decode(&is, path, &again, NULL) == 0);
	must(text_eq(is.reason, was.reason) && text_eq(is.by, was.by) && is.left == was.left);
	free(text);
	text = order_text(&was);
	free(text);
	json_free(order_tell(&was));
}

static void read_entry(const char *value, size_t len)
{
	struct history_entry is, was;
	struct err err = {""};
	char *text;

	if (history_decode(&was, value, len, &err) < 0) {
		must(*err.text);
		return;
	}
	text = history_encode(&was);
	must(history_decode(&is, text, strlen(text), NULL) == 0);
	must(is.kind == was.kind && is.n_counts == was.n_counts && is.fence == was.fence);
	must(!is.reason == !(was.reason && *was.reason));
	free(text);
	history_entry_done(&is);
	history_entry_done(&was);
}

static void feed(struct orders *orders, struct history *history, const char *path,
	const struct etcd_kv *kv, bool deleted)
{
	struct err err = {""};
	int rc = 1;

	if (orders_key(orders, path, kv, deleted, &rc, &err)) {
		must((rc < 0) == (*err.text != '\0'));
		if (text_eq(path, ORDERS_PAUSE))
			must(deleted == !orders_pause(orders));
	} else if (history_key(history, path, kv, deleted, NOW, WALL, &rc, &err)) {
		must((rc < 0) == (*err.text != '\0'));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct orders *orders = orders_new();
	struct history *history = history_new();
	CLEANUP(freep) char *text = xmalloc(size + 1);
	char *at = text;
	int64_t revision = 1;
	bool resigned;

	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	history_begin(history);
	orders_begin(orders);
	while (*at) {
		const char *path = line(&at);
		const char *value = line(&at);
		const struct etcd_kv kv = {.key = path,
			.key_len = strlen(path),
			.value = value,
			.value_len = strlen(value),
			.mod_revision = ++revision};

		feed(orders, history, path, &kv, text_eq(value, "deleted"));
		read_order(path, &kv);
		read_entry(value, kv.value_len);
		if (text_eq(path, "end")) {
			orders_end(orders);
			history_end(history);
		}
	}
	tell_all(history);
	(void)!history_last_leader(history, &resigned);
	(void)!history_moved_at(history, "mgt1", &revision);
	history_free(history);
	orders_free(orders);
	return 0;
}
