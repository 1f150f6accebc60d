/*
 * State machines as tables.
 *
 * A machine is a constant table: every state has a name, a sentence of help, and the states that
 * may follow it, each with the reason why one goes there. The manual's chapter on states and the
 * diagrams are printed from these tables, so they can't lie; sm_move() is the only function that
 * changes a state and aborts on a move that the table doesn't have, so the code can't lie either.
 *
 * The state of an object is a struct sm, embedded in it; its fields are read with the functions
 * below and written by sm_init() and sm_move() alone. Nothing here reads a clock: `now` is given.
 */
#ifndef CORE_SM_H
#define CORE_SM_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/macros.h"
#include "base/usec.h"

#define SM_REASON_MAX 200
#define SM_NEXT_MAX   6

struct sm_edge {
	const char *why; /* NULL ends the list */
	int to;
};

struct sm_state {
	const char *name;
	const char *help;
	struct sm_edge next[SM_NEXT_MAX + 1];
};

struct sm_machine {
	const char *name;
	const char *help;
	const struct sm_state *states;
	int count;
};

struct sm;

/* Called after each move. Moves of the same machine from inside are a programming error. */
typedef void sm_observe_fn(void *arg, const struct sm *sm, int from);

struct sm {
	const struct sm_machine *machine;
	int state;
	usec_t since;	/* of the last move (or of sm_init()) */
	unsigned moves; /* how many so far */
	char reason[SM_REASON_MAX];
	char trouble[SM_REASON_MAX]; /* what stands in the way now; "" for nothing */
	sm_observe_fn *observe;
	void *arg;
};

/* What `show -v` tells about one machine. The texts live as long as the machine's owner does not
 * change. next_wakeup is USEC_NEVER where nothing is scheduled. */
struct sm_info {
	const char *machine;
	const char *state;
	const char *help;
	const char *reason;
	const char *trouble;
	usec_t since;
	usec_t next_wakeup;
	unsigned moves;
};

/* observe may be NULL. */
void sm_init(struct sm *sm, const struct sm_machine *machine, int state, usec_t now,
	sm_observe_fn *observe, void *arg);
/* Aborts unless the table allows the move. The reason is cut at SM_REASON_MAX - 1 bytes. */
void sm_move(struct sm *sm, int to, usec_t now, const char *fmt, ...) PRINTF_LIKE(4, 5);
/* What keeps the object where it is, until the next move; an empty text ends it. */
void sm_trouble(struct sm *sm, const char *fmt, ...) PRINTF_LIKE(2, 3);
bool sm_allows(const struct sm_machine *machine, int from, int to);
const char *sm_name(const struct sm *sm);
void sm_tell(const struct sm *sm, usec_t next_wakeup, struct sm_info *ret);

/* The table as a markdown section, as mdoc list items, and as a Graphviz digraph. The errors are
 * those of struct buf. */
int sm_print_markdown(const struct sm_machine *machine, struct buf *b) MUST_CHECK;
int sm_print_mdoc(const struct sm_machine *machine, struct buf *b) MUST_CHECK;
int sm_print_graphviz(const struct sm_machine *machine, struct buf *b) MUST_CHECK;

#endif
