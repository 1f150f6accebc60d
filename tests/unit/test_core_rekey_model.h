/*
 * A collective whose keys are changed, as a model: etcd with every revision it ever had, members whose
 * copies lag behind, and transactions on their way.
 */
#ifndef TESTS_UNIT_TEST_CORE_REKEY_MODEL_H
#define TESTS_UNIT_TEST_CORE_REKEY_MODEL_H

#include <stdbool.h>

#include "core/prng.h"
#include "core/rekey.h"

#define MS(n) ((n)*USEC_PER_MSEC)

#define MEMBERS	  6
#define VALUES	  8
#define KEYS	  12 /* collective keys, one after the other; key 0 is the founder's */
#define REVISIONS 8000

/* Everything that is in etcd at one revision. */
struct store {
	struct {
		enum rekey_stage stage;
		int from, to;
		int mod;
	} change;
	struct {
		bool there;
		int under, mod;
	} record[MEMBERS], value[VALUES];
	bool active[MEMBERS];
	bool wrapped[KEYS][MEMBERS]; /* with the key before it */
	int held[MEMBERS];	     /* the key that it says it has; -1: none */
	int leader;		     /* -1: none */
};

struct member {
	bool runs;
	int seen;	    /* the revision that its copy is at */
	unsigned has, disk; /* sets of keys, in memory and on disk */
	int current, disk_current;
	int copy; /* revision of its copy on disk */
	struct rekey rekey;
	int written; /* its last write that was applied */
	bool sweeping_seen;
};

/* A transaction on its way; it may be applied late, or never. */
struct flight {
	bool used;
	int who;
	enum { FLIGHT_VALUE, FLIGHT_STEP, FLIGHT_BEGIN, FLIGHT_INVITE } kind;
	enum rekey_step step;
	int change_mod, record_mod, view;
	int value, value_mod, under;
	int invited;
	unsigned targets; /* wrap, sign: members */
	int target_mod[MEMBERS];
	bool answered; /* the sender has given up on it */
};

#define FLIGHTS 32

struct world {
	int seed;
	struct store *at; /* by revision */
	int now;	  /* the latest revision */
	struct member member[MEMBERS];
	struct flight flight[FLIGHTS];
	struct prng prng;
	int next_key;
	usec_t clock;
	unsigned finished; /* changes that were completed */
};

struct store *latest(struct world *w);
/* 0 to n - 1. */
unsigned draw(struct world *w, unsigned n);
/* A new revision, the same as before until it is changed. */
struct store *write_to(struct world *w);
bool has(const struct member *m, int key);
/* The revision to compare with, from what was seen; -1: the change can't be read. */
int readable(const struct world *w, const struct member *m);
/* What a member does at once with what it sees. */
void take_in(struct world *w, int who);
/* What members send. */
void seal_one(struct world *w, int who, int value);
void begin_change(struct world *w, int who);
void invite(struct world *w, int who, int name);
/* The next step of its machine. */
void think(struct world *w, int who);
void start(struct world *w, int who);
void stop(struct world *w, int who);
/* A transaction arrives; answer: the sender hears of it. */
void land(struct world *w, struct flight *f, bool answer);

#endif
