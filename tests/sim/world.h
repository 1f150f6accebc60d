/*
 * A world of a few agents' cores, one etcd and a network, in virtual time, all from one seed.
 *
 * The world lives through a time of faults, then everything is healed, then it runs on in peace.
 * What must hold is checked at each step (check.c); what has been broken on purpose, so that one
 * can see the checks fail, is enum mutation. Faults are in faults.c, requests and replies in
 * wire.c, listings and watches in view.c, processes, clocks and the schedule in world.c.
 *
 * Each agent has a clock of its own, which runs up to 5 % fast or slow. Everything in struct world
 * is in true time.
 */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "core/coord.h"
#include "core/prng.h"
#include "tests/sim/etcd_model.h"

#define AGENTS_MAX 6
#define SIM_TTL	   6
#define SIM_FAULTS (60 * USEC_PER_SEC) /* how long they last */

enum mutation {
	MUTATION_NONE,
	MUTATION_MARGIN, /* leases are believed to be valid for longer than they are */
	MUTATION_ACTING, /* the state leader alone counts, whatever the lease */
	MUTATION_FENCE,	 /* a leader's writes do not compare the leader key */
	MUTATION_CREATE, /* campaigns do not demand that there is no leader */
	MUTATION_RECORD, /* writes do not compare the member's record */
	MUTATION_LEASES, /* the leader key is put without its lease */
	MUTATION_DEAF,	 /* a reply that is not known is told as applied */
	MUTATION_SENT,	 /* a keepalive counts from the last attempt at it */
	MUTATION_COUNT
};

enum net { NET_FINE, NET_CUT, NET_NO_REPLIES };

struct agent {
	char name[16];
	char instance[40];
	char key[16];	    /* fingerprint of its private key */
	struct coord *core; /* NULL while it is not running */
	unsigned run;	    /* counts the starts */
	bool twin;	    /* has the name of agent 0 */
	bool voting;	    /* as invited */
	/* Its clock: offset + true time * (1 + ppm / 1e6). */
	usec_t offset;
	int ppm;
	bool paused, frozen;
	usec_t paused_at, resumes_at;
	enum net net;
	int64_t saved_lease;
	bool stopping, rejoin;
	bool copy; /* a twin that was started on the files of agent 0 */
	bool down; /* is not started any more */
	/* Its watch. */
	bool watching, deaf, watch_due;
	unsigned next_change; /* index into etcd's changes */
	int64_t seen;	      /* all of the revisions up to it were told */
	unsigned listings;
	usec_t listed_at;
	usec_t wake;
	/* What it asked for last, per kind: at most one may be outstanding. */
	bool outstanding[ACTION_COUNT];
};

enum step_kind {
	STEP_WAKE,
	STEP_RESUME,
	STEP_START,
	STEP_ARRIVE,
	STEP_REPLY,
	STEP_TIMEOUT,
	STEP_AGAIN,
	STEP_LIST,
	STEP_WATCH,
	STEP_VIEW_LOST,
	STEP_HEAL_NET,
	STEP_ETCD,
	STEP_FAULT,
	STEP_WORK,
	STEP_REJOIN,
	STEP_SPACE,
	STEP_PART,	  /* of what the world has in addition: outside of all processes */
	STEP_PART_INSIDE, /* within the agent's */
};

struct request;

struct step {
	usec_t at;
	uint64_t order;
	enum step_kind kind;
	int agent;
	unsigned run;
	struct request *request;
	int part; /* STEP_PART…: whatever world_schedule_part() was given */
	void *what;
};

struct world;

/* What a world has in addition to the cores, in every agent. */
struct world_part {
	/* The agent's core was made, or is about to be freed. */
	void (*start)(struct world *w, int agent);
	void (*stop)(struct world *w, int agent);
	void (*step)(struct world *w, int agent, int part, void *what);
	/* After each step: something may have happened to this agent. */
	void (*after)(struct world *w, int agent);
};

/* What the worlds of a run have seen. */
struct world_tally {
	uint64_t leaderships;
	uint64_t work_done, work_refused; /* writes of leaders */
	uint64_t moves[4][8][8];	  /* machine, from, to */
};

struct world_options {
	uint64_t seed;
	enum mutation mutation;
	bool trace;
	struct world_tally *tally;
	const struct world_part *part; /* NULL: cores alone */
	void *part_arg;
	usec_t faults; /* how long they last; 0 for SIM_FAULTS */
};

struct world {
	uint64_t seed;
	struct prng prng;
	enum mutation mutation;
	bool trace;
	bool tampering; /* an operator's hands on leader keys and leases */
	bool faulty;	/* the time of faults has not passed */
	usec_t now;
	usec_t faults_end;
	usec_t etcd_wake;
	struct etcd_model *etcd;
	const struct world_part *part;
	void *part_arg;
	struct agent agents[AGENTS_MAX];
	int count;
	struct step *heap;
	unsigned heap_count, heap_room;
	uint64_t orders;
	struct request **requests;
	unsigned request_count, request_room;
	/* Overlaps may come of an operator's hand or a frozen clock until then. */
	usec_t excused_until;
	/* Checks. */
	char violation[400];
	const struct request *applying;
	uint64_t leaderships;
	struct world_tally *tally;
	uint64_t steps;
};

/* Runs a world to its end. Returns true where nothing was violated; the text otherwise in
 * violation (400 bytes). */
bool world_run(const struct world_options *options, char *violation);

/* The same in pieces, for who has something in addition. */
struct world *world_new(const struct world_options *options);
void world_run_until(struct world *w, usec_t until);
/* As world_run(); frees. */
bool world_end(struct world *w, char *violation);

/* Between the files of the simulation. */
usec_t world_random(struct world *w, usec_t from, usec_t to);
bool world_chance(struct world *w, unsigned percent);
usec_t world_local(const struct world *w, const struct agent *a);
void world_schedule(
	struct world *w, usec_t at, enum step_kind kind, int agent, struct request *request);
void world_schedule_part(
	struct world *w, usec_t at, enum step_kind kind, int agent, int part, void *what);
/* When the agent's clock will show `local`. */
usec_t world_true_time(const struct world *w, const struct agent *a, usec_t local);
void world_say(struct world *w, int agent, const char *fmt, ...) PRINTF_LIKE(3, 4);
void world_fail(struct world *w, const char *fmt, ...) PRINTF_LIKE(2, 3);
void world_input(struct world *w, int agent, const struct coord_event *event);
void world_start(struct world *w, int agent);
void world_kill(struct world *w, int agent);
/* Something in etcd changed: whoever watches will hear. */
void world_changed(struct world *w);

void wire_send(struct world *w, int agent, const struct action *action);
void wire_work(struct world *w, int agent);
void wire_arrive(struct world *w, struct request *r);
void wire_reply(struct world *w, struct request *r);
void wire_timeout(struct world *w, struct request *r);
void wire_again(struct world *w, struct request *first);
void wire_free(struct request *r);
const char *wire_describe(const struct request *r);
bool wire_is_leaders(const struct request *r);

void view_list(struct world *w, int agent);
void view_watch(struct world *w, int agent);
void view_lose(struct world *w, int agent);
void view_wake(struct world *w, int agent);
struct key_info view_key(const struct ekv *kv);
struct record_info view_record(const struct agent *a, const struct ekv *kv);

void fault_inject(struct world *w);
void fault_heal(struct world *w);
/* An agent's line to etcd breaks, for a while. */
void fault_cut(struct world *w, int agent);
void fault_rejoin(struct world *w, int agent);
void fault_put(struct world *w, const char *key, const char *value, const char *tag, int64_t lease);
void fault_delete(struct world *w, const char *key);
void fault_put_record(struct world *w, int agent, bool voting);

void check_change(void *arg, int writer, const struct ekv *before, const struct ekv *after);
bool check_acting(const struct world *w, const struct agent *a);
void check_step(struct world *w);
void check_healed(struct world *w);

#endif
