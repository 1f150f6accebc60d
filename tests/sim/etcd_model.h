/*
 * An etcd in memory: what a coordination agent can observe of one.
 *
 * Revisions, create and mod revisions, transactions with compares, leases that end between 0 and
 * 500 ms after their TTL, a leader change that stops the service for a while, raises the raft term
 * and restarts the full TTL of every lease plus one second, compaction, and the history of changes
 * for watches. Everything that is applied passes the observer, with the key before and after.
 *
 * Networks, timeouts and delays are not its business: it is called at the instant at which a
 * request is applied. All time is true time.
 */
#ifndef SIM_ETCD_MODEL_H
#define SIM_ETCD_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/usec.h"
#include "core/prng.h"

#define EKEY_MAX 96

struct ekv {
	char key[EKEY_MAX];
	bool present;
	int64_t create_rev;
	int64_t mod_rev; /* of the deletion, where it is gone */
	int64_t lease;
	char value[64];
	char tag[64]; /* whatever else the value would say: instance, key fingerprint */
};

enum ecompare_target { ECOMPARE_CREATE, ECOMPARE_MOD, ECOMPARE_LEASE };

struct ecompare {
	char key[EKEY_MAX];
	enum ecompare_target target;
	int64_t value;
};

#define ECOMPARES_MAX 6

enum eop { EOP_READ, EOP_PUT, EOP_DELETE };

/* One more write in the same transaction. */
struct ewrite {
	bool deletes;
	char key[EKEY_MAX];
	char value[64];
	char tag[64];
};

struct etxn {
	struct ecompare compares[ECOMPARES_MAX];
	unsigned count;
	enum eop op;
	char key[EKEY_MAX];
	int64_t lease;
	char value[64];
	char tag[64];
	/* Large transactions: in addition to the above, at the same revision. */
	const struct ecompare *more_compares;
	unsigned more_count;
	const struct ewrite *writes;
	unsigned write_count;
};

enum eresult { ERESULT_OK, ERESULT_REFUSED, ERESULT_EXISTS, ERESULT_NOT_FOUND, ERESULT_NO_SPACE };

/* writer: whoever the caller said applied it, -1 for the end of a lease. */
typedef void etcd_observe_fn(
	void *arg, int writer, const struct ekv *before, const struct ekv *after);

struct etcd_model;

struct etcd_model *etcd_new(uint64_t seed, etcd_observe_fn *observe, void *arg);
void etcd_free(struct etcd_model *e);

/* Ends leases and elections that are due. */
void etcd_tick(struct etcd_model *e, usec_t now);
usec_t etcd_wakeup(const struct etcd_model *e);

enum eresult etcd_txn(struct etcd_model *e, int writer, const struct etxn *txn);
enum eresult etcd_grant(struct etcd_model *e, usec_t now, int64_t id, int64_t ttl);
/* The TTL, 0 for no such lease. */
int64_t etcd_keepalive(struct etcd_model *e, usec_t now, int64_t id);
enum eresult etcd_revoke(struct etcd_model *e, int64_t id);

/* No leader for `length`, then a new one. */
void etcd_lose_leader(struct etcd_model *e, usec_t now, usec_t length);
bool etcd_has_leader(const struct etcd_model *e);
usec_t etcd_election_start(const struct etcd_model *e);
usec_t etcd_election_end(const struct etcd_model *e);
void etcd_set_no_space(struct etcd_model *e, bool full);

uint64_t etcd_term(const struct etcd_model *e);
int64_t etcd_revision(const struct etcd_model *e);
/* Never NULL; not present where there is none. */
const struct ekv *etcd_get(const struct etcd_model *e, const char *key);
/* All keys that are or were there, for a listing. NULL past the last. */
const struct ekv *etcd_key(const struct etcd_model *e, unsigned i);

void etcd_compact(struct etcd_model *e);
/* Changes at or after this revision are kept. */
int64_t etcd_oldest(const struct etcd_model *e);
/* The i-th change ever; NULL past the last. The revision is its mod_rev. */
const struct ekv *etcd_change(const struct etcd_model *e, unsigned i);
unsigned etcd_changes(const struct etcd_model *e);

#endif
