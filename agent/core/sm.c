/*
 * State machines as tables: moving, telling, printing.
 */
#include "config.h"

#include "core/sm.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

void sm_init(struct sm *sm, const struct sm_machine *machine, int state, usec_t now,
	sm_observe_fn *observe, void *arg)
{
	assert(state >= 0 && state < machine->count);
	*sm = (struct sm){
		.machine = machine,
		.state = state,
		.since = now,
		.observe = observe,
		.arg = arg,
	};
}

bool sm_allows(const struct sm_machine *machine, int from, int to)
{
	const struct sm_edge *edge;

	assert(from >= 0 && from < machine->count);
	for (edge = machine->states[from].next; edge->why; edge++)
		if (edge->to == to)
			return true;
	return false;
}

void sm_move(struct sm *sm, int to, usec_t now, const char *fmt, ...)
{
	int from = sm->state;
	va_list ap;

	assert(sm_allows(sm->machine, from, to));
	sm->state = to;
	sm->since = now;
	sm->moves++;
	va_start(ap, fmt);
	(void)vsnprintf(sm->reason, sizeof(sm->reason), fmt, ap);
	va_end(ap);
	/* only now: it may be a part of the reason */
	sm->trouble[0] = '\0';
	if (sm->observe)
		sm->observe(sm->arg, sm, from);
	assert(sm->state == to);
}

void sm_trouble(struct sm *sm, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(sm->trouble, sizeof(sm->trouble), fmt, ap);
	va_end(ap);
}

const char *sm_name(const struct sm *sm)
{
	return sm->machine->states[sm->state].name;
}

void sm_tell(const struct sm *sm, usec_t next_wakeup, struct sm_info *ret)
{
	*ret = (struct sm_info){
		.machine = sm->machine->name,
		.state = sm_name(sm),
		.help = sm->machine->states[sm->state].help,
		.reason = sm->reason,
		.trouble = sm->trouble,
		.since = sm->since,
		.next_wakeup = next_wakeup,
		.moves = sm->moves,
	};
}

int sm_print_markdown(const struct sm_machine *machine, struct buf *b)
{
	const struct sm_edge *edge;
	int i, rc;

	rc = buf_printf(b, "## %s\n\n%s\n\n| state | meaning | next | when |\n|---|---|---|---|\n",
		machine->name, machine->help);
	for (i = 0; rc == 0 && i < machine->count; i++) {
		const struct sm_state *state = &machine->states[i];

		rc = buf_printf(b, "| **%s** | %s | | |\n", state->name, state->help);
		for (edge = state->next; rc == 0 && edge->why; edge++)
			rc = buf_printf(
				b, "| | | %s | %s |\n", machine->states[edge->to].name, edge->why);
	}
	return rc < 0 ? rc : buf_str(b, "\n");
}

int sm_print_mdoc(const struct sm_machine *machine, struct buf *b)
{
	const struct sm_edge *edge;
	int i, rc;

	rc = buf_printf(b, ".Ss %s\n%s\n.Bl -tag -width suspended\n", machine->name, machine->help);
	for (i = 0; rc == 0 && i < machine->count; i++) {
		const struct sm_state *state = &machine->states[i];

		rc = buf_printf(b, ".It Cm %s\n%s\n", state->name, state->help);
		for (edge = state->next; rc == 0 && edge->why; edge++)
			rc = buf_printf(b, "%s.Cm %s :\n%s.\n",
				edge == state->next ? ".br\nNext:\n" : "",
				machine->states[edge->to].name, edge->why);
	}
	return rc < 0 ? rc : buf_str(b, ".El\n");
}

int sm_print_graphviz(const struct sm_machine *machine, struct buf *b)
{
	const struct sm_edge *edge;
	int i, rc;

	rc = buf_printf(b, "digraph %s {\n\tnode [shape=box, style=rounded];\n", machine->name);
	for (i = 0; rc == 0 && i < machine->count; i++) {
		const struct sm_state *state = &machine->states[i];

		rc = buf_printf(b, "\t%s;\n", state->name);
		for (edge = state->next; rc == 0 && edge->why; edge++)
			rc = buf_printf(b, "\t%s -> %s [label=\"%s\"];\n", state->name,
				machine->states[edge->to].name, edge->why);
	}
	return rc < 0 ? rc : buf_str(b, "}\n");
}
