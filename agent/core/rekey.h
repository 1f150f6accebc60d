/*
 * Changing the collective key while everybody works: what each member does for it, and what the leader.
 *
 * A change has a record in etcd that says the new key's id and the stage:
 *
 *     distribute  the new key is wrapped for each member; each that is active takes it, writes it
 *                 to its disk and says so. Everything is still sealed with the old key.
 *     reseal      from this revision on everything is sealed and authenticated with the new key,
 *                 because every write of something sealed compares this record's revision. The
 *                 leader does what is under the old key anew.
 *     done        nothing is under the old key: the members drop it.
 *
 * It goes on from distribute when every member that is active has the new key on disk and every other
 * one finds it in etcd when it comes back. So whoever can act at all can at each moment open what is
 * in etcd: the old key goes only when its last use has gone, the new one is used only when it is
 * everywhere.
 *
 * Level-triggered (R5): a step is worked out from the whole picture each time; a leader that dies
 * leaves work that the next one finds. A member that was deleted is not waited for.
 *
 * Pure: the owner gives a view (rekey_look()), carries out what rekey_next() says and tells with
 * rekey_done() or rekey_failed() what became of it; the effects are seen in the next view.
 */
#ifndef CORE_REKEY_H
#define CORE_REKEY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/name.h"
#include "base/usec.h"
#include "core/attempt.h"
#include "core/prng.h"
#include "core/sm.h"

enum rekey_stage {
	REKEY_NONE, /* there was no change yet */
	REKEY_DISTRIBUTE,
	REKEY_RESEAL,
	REKEY_DONE,
};

/* States of the machine: the change as this member sees it. */
enum rekey_state {
	REKEY_IDLE,
	REKEY_DISTRIBUTING,
	REKEY_RESEALING,
	REKEY_DROPPING,
	REKEY_BEHIND,
};

extern const struct sm_machine rekey_machine;

/* Of each member with a valid record. */
struct rekey_member {
	const char *name;
	bool active;
	bool wrapped;	/* the new key is in etcd for it */
	bool can_wrap;	/* its public key is known */
	bool held;	/* it says that it has the new key on disk */
	bool is_signed; /* its record is under the new key */
};

struct rekey_view {
	enum rekey_stage stage; /* as this member can read it; `behind`: it can't */
	bool behind;		/* the record is under a key that this member does not have */
	bool damaged;		/* behind, or the record is there and is none */
	bool remembered;	/* this run has read it before, as it should be */
	bool live;		/* what follows is current */
	bool may_write;
	bool acting;	   /* this member leads */
	bool leader_lacks; /* another one leads, and does not say that it has the new key */
	/* this member's keys */
	bool has_new; /* in memory */
	bool saved;   /* what is in memory is on disk */
	bool others;  /* it has other keys than the new one */
	bool copied;  /* its copy of the database on disk needs no other */
	bool told;    /* etcd says that it has the new one on disk */
	/* for the leader */
	const struct rekey_member *members;
	size_t n;
	bool counted;	   /* all values have been looked through since the stage began */
	size_t old_values; /* those under another key that open */
	bool rests;	   /* wrapped keys and the like that nobody needs any more */
};

enum rekey_step {
	/* of every member */
	REKEY_SAVE, /* write the keys to disk */
	REKEY_TELL, /* say in etcd that the new key is on disk */
	REKEY_DROP, /* forget all keys but the new one, unless the own copy has something under another */
	/* of the leader; each compares its leadership and the record's revision. Who leads without
	 * having the new key has come after the change began: others wrap for it then, whose writes
	 * compare only what every write of a member does. */
	REKEY_WRAP,   /* wrap the new key for members without it; compares that they are */
	REKEY_SWITCH, /* to stage reseal; compares that no member's record is newer than the view */
	REKEY_SIGN,   /* records under the new key */
	REKEY_SEAL,   /* look through the values, seal anew what is under another key */
	REKEY_FINISH, /* to stage done */
	REKEY_SWEEP,  /* remove the rests */
	REKEY_REPAIR, /* put the record of the change as it was last read; compares its revision */
};
#define REKEY_STEPS (REKEY_REPAIR + 1)
const char *rekey_step_name(enum rekey_step step);

struct rekey {
	struct sm sm;
	struct prng prng;
	/* what is wanted of this member, and of the leader; one of each is under way at most */
	enum rekey_step own_step, lead_step;
	struct attempt own, lead;
	uint64_t last_id;
};

void rekey_init(struct rekey *r, uint64_t seed, usec_t now, sm_observe_fn *observe, void *arg);
void rekey_look(struct rekey *r, usec_t now, const struct rekey_view *view);
/* One that is due, now under way until it is answered. */
bool rekey_next(struct rekey *r, usec_t now, enum rekey_step *ret);
void rekey_done(struct rekey *r, enum rekey_step step);
void rekey_failed(struct rekey *r, enum rekey_step step);
usec_t rekey_wakeup(const struct rekey *r);
/* The stage waits for this member. */
bool rekey_waits_for(const struct rekey_view *view, const struct rekey_member *m);
/* "mgt2, mgt3": the members that the stage waits for, "" for none; cut with "...". */
#define REKEY_WAITING_MAX 160
void rekey_waiting(const struct rekey_view *view, char ret[REKEY_WAITING_MAX]);

#endif
