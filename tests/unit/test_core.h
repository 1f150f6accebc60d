/*
 * The rig of the core's tests: one core in virtual time, whose requests the test answers by hand.
 *
 * Time stands still unless rig_pass() moves it; then the core gets a tick at each wake-up that it
 * asks for. Requests wait in `pending` until rig_take() finds them.
 */
#ifndef TESTS_UNIT_TEST_CORE_H
#define TESTS_UNIT_TEST_CORE_H

#include <check.h>
#include <stdbool.h>

#include "core/coord.h"

#define TTL	   6
#define VALIDITY   (5400 * USEC_PER_MSEC) /* 6 s less the margin of a tenth */
#define RECORD_REV 5
#define VIEW_REV   10
#define ACTIVE_REV 11
#define LEADER_REV 20
#define MS(n)	   ((n)*USEC_PER_MSEC)

#define PENDING_MAX 64

struct rig {
	struct coord *core;
	usec_t now;
	struct action pending[PENDING_MAX];
	unsigned count;
	char notes[8192]; /* "machine: from -> to (reason)\n" ... */
	int64_t lease;	  /* of the last grant taken */
	int64_t saved;
	struct record_info record; /* this member's, as reads show it */
	struct key_info active;
	struct key_info leader;
};

void rig_start(struct rig *r, int64_t saved_lease);
void rig_stop(struct rig *r);
void rig_input(struct rig *r, const struct coord_event *event);
void rig_event(struct rig *r, enum coord_event_kind kind);
void rig_pass(struct rig *r, usec_t d);

/* A request of this kind is waiting. */
bool rig_has(const struct rig *r, enum action_kind kind);
/* Takes it; the test fails where there is none. */
struct action rig_take(struct rig *r, enum action_kind kind);
void rig_reply(struct rig *r, const struct reply *reply);
/* With nothing but the outcome, and the reads where they belong to it. */
void rig_answer(struct rig *r, const struct action *action, enum outcome outcome, int64_t revision);
void rig_ttl(struct rig *r, const struct action *action, int64_t ttl);
/* Answers keepalives and confirmations for as long as d, with the keys as the rig knows them. */
void rig_live(struct rig *r, usec_t d);

/* One listing: this member's record, its active key and the leader where the rig has them, and
 * members named other1 ... (voting, active). */
void rig_view(struct rig *r, int64_t revision, unsigned others);
void rig_other_active(struct rig *r, const char *name, bool active, int64_t revision);
void rig_leader(
	struct rig *r, const char *name, int64_t create_rev, int64_t mod_rev, int64_t lease);
/* As far as active, with the active key at ACTIVE_REV. */
void rig_register(struct rig *r, unsigned others);
/* And as far as leader, with the key at LEADER_REV. */
void rig_lead(struct rig *r, unsigned others);

/* The state of a machine: "lease", "quorum", "membership" or "leader". */
const char *rig_state(const struct rig *r, const char *machine);
const char *rig_reason(const struct rig *r, const char *machine);

#define ck_state(r, machine, state) ck_assert_str_eq(rig_state((r), (machine)), (state))

TCase *core_sm_case(void);
TCase *core_lease_case(void);
TCase *core_roster_case(void);
TCase *core_membership_case(void);
TCase *core_leader_case(void);
TCase *core_tenure_case(void);
TCase *core_coord_case(void);

#endif
