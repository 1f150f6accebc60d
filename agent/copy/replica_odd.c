#include "config.h"
#include "copy/replica_odd.h"

#include <stdbool.h>
#include <string.h>

#include "base/log.h"
#include "base/macros.h"
#include "base/mem.h"
#include "base/text.h"
#include "io/loop.h"
#include "log/odd.h"
#include "model/db.h"

#define PERIOD (60 * USEC_PER_SEC)
#define KEPT   16 /* of one batch */
/* So many odd keys are looked through after a batch; of more only the number counts. */
#define FEW 1000

struct suspect {
	char *key;
	int64_t mod_revision;
	char *why;
	bool odd; /* still, at the end of its batch */
};

struct replica_odd {
	struct loop *loop;
	struct odd *odd;
	size_t before; /* db_odd() when the last batch was complete */
	struct suspect suspects[KEPT];
	size_t n;
	usec_t until; /* end of the present minute */
	unsigned told;
	size_t left_out;
};

struct listed {
	struct replica_odd *odd;
	const struct db *db;
};

struct replica_odd *replica_odd_new(struct loop *loop)
{
	struct replica_odd *odd = xcalloc(1, sizeof(*odd));

	odd->loop = loop;
	odd->odd = odd_new();
	return odd;
}

static void drop_suspects(struct replica_odd *odd)
{
	for (size_t i = 0; i < odd->n; i++) {
		free(odd->suspects[i].key);
		free(odd->suspects[i].why);
	}
	odd->n = 0;
}

void replica_odd_free(struct replica_odd *odd)
{
	if (!odd)
		return;
	drop_suspects(odd);
	odd_free(odd->odd);
	free(odd);
}

static void tell(struct replica_odd *odd, const char *key, int64_t mod_revision, const char *why)
{
	if (odd_count(odd->odd) < ODD_MAX && !odd_add(odd->odd, key, mod_revision))
		return;
	if (loop_now(odd->loop) >= odd->until) {
		odd->until = loop_now(odd->loop) + PERIOD;
		odd->told = 0;
	}
	if (odd->told >= REPLICA_ODD_BURST) {
		odd->left_out++;
		return;
	}
	odd->told++;
	log_warning("database", "%s", why);
}

static void tell_left_out(struct replica_odd *odd, const struct db *db)
{
	if (!odd->left_out || odd->told > REPLICA_ODD_BURST)
		return;
	odd->told++;
	log_warning("database", "%zu keys in all can't be used; %zu of them were not named here",
		db_odd(db), odd->left_out);
	odd->left_out = 0;
}

static void on_odd(const char *key, const char *why, void *arg)
{
	const struct listed *listed = arg;
	char shown[TEXT_PRINTABLE_MAX];
	int64_t mod_revision = 0;

	/* what is not kept can't be told apart from what was told: it is counted */
	if (odd_count(listed->odd->odd) >= ODD_MAX) {
		listed->odd->left_out++;
		return;
	}
	(void)db_raw(listed->db, key, &mod_revision);
	CLEANUP(freep)
	char *text = xasprintf("%s: %s", text_printable(key, strlen(key), shown), why);
	tell(listed->odd, key, mod_revision, text);
}

void replica_odd_listed(struct replica_odd *odd, const struct db *db)
{
	struct listed listed = {.odd = odd, .db = db};

	drop_suspects(odd);
	odd->left_out = 0;
	odd_begin(odd->odd);
	if (db_odd(db))
		db_each_odd(db, on_odd, &listed);
	odd_end(odd->odd);
	odd->before = db_odd(db);
	tell_left_out(odd, db);
}

void replica_odd_add(struct replica_odd *odd, const char *key, size_t key_len, int64_t mod_revision,
	const char *why)
{
	if (odd->n == KEPT) {
		odd->left_out++;
		return;
	}
	odd->suspects[odd->n++] = (struct suspect){
		.key = xstrndup(key, key_len), .mod_revision = mod_revision, .why = xstrdup(why)};
}

void replica_odd_remove(struct replica_odd *odd, const char *key, size_t key_len)
{
	if (!odd_count(odd->odd))
		return;
	CLEANUP(freep) char *name = xstrndup(key, key_len);
	odd_remove(odd->odd, name);
}

static void on_still_odd(const char *key, const char *why UNUSED, void *arg)
{
	struct replica_odd *odd = arg;

	for (size_t i = 0; i < odd->n; i++)
		odd->suspects[i].odd |= text_eq(odd->suspects[i].key, key);
}

/* An attribute may come before the key that makes its node. */
static void find_still_odd(struct replica_odd *odd, const struct db *db)
{
	if (db_odd(db) && db_odd(db) <= FEW) {
		db_each_odd(db, on_still_odd, odd);
		return;
	}
	for (size_t i = 0; i < odd->n; i++)
		odd->suspects[i].odd = db_odd(db) > odd->before;
}

void replica_odd_batch(struct replica_odd *odd, const struct db *db)
{
	if (odd->n)
		find_still_odd(odd, db);
	for (size_t i = 0; i < odd->n; i++) {
		if (odd->suspects[i].odd)
			tell(odd, odd->suspects[i].key, odd->suspects[i].mod_revision,
				odd->suspects[i].why);
	}
	drop_suspects(odd);
	odd->before = db_odd(db);
	tell_left_out(odd, db);
}
