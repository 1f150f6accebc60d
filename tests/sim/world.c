/*
 * The schedule, the clocks and the processes.
 */
#include "config.h"

#include "tests/sim/world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define HEAL_TIME  ((SIM_TTL + 4) * USEC_PER_SEC)
#define PEACE_TIME (20 * USEC_PER_SEC)

usec_t world_random(struct world *w, usec_t from, usec_t to)
{
	return from + (usec_t)prng_below(&w->prng, (uint64_t)(to - from + 1));
}

bool world_chance(struct world *w, unsigned percent)
{
	return prng_below(&w->prng, 100) < percent;
}

usec_t world_local(const struct world *w, const struct agent *a)
{
	usec_t t = a->frozen ? a->paused_at : w->now;

	return a->offset + t + t * a->ppm / USEC_PER_SEC;
}

usec_t world_true_time(const struct world *w, const struct agent *a, usec_t local)
{
	usec_t left = local - world_local(w, a);

	if (left <= 0)
		return w->now;
	return w->now + left - left * a->ppm / USEC_PER_SEC + 100;
}

static bool before(const struct step *a, const struct step *b)
{
	return a->at < b->at || (a->at == b->at && a->order < b->order);
}

static void push(struct world *w, struct step step)
{
	unsigned i;

	step.at = usec_max(step.at, w->now);
	step.order = w->orders++;
	step.run = step.agent >= 0 ? w->agents[step.agent].run : 0;

	if (w->heap_count == w->heap_room) {
		w->heap_room = w->heap_room ? 2 * w->heap_room : 256;
		w->heap = xrealloc(w->heap, w->heap_room, sizeof(*w->heap));
	}
	for (i = w->heap_count++; i > 0 && before(&step, &w->heap[(i - 1) / 2]); i = (i - 1) / 2)
		w->heap[i] = w->heap[(i - 1) / 2];
	w->heap[i] = step;
}

void world_schedule(
	struct world *w, usec_t at, enum step_kind kind, int agent, struct request *request)
{
	push(w, (struct step){.at = at, .kind = kind, .agent = agent, .request = request});
}

void world_schedule_part(
	struct world *w, usec_t at, enum step_kind kind, int agent, int part, void *what)
{
	push(w, (struct step){.at = at, .kind = kind, .agent = agent, .part = part, .what = what});
}

static struct step pop(struct world *w)
{
	struct step first = w->heap[0], last = w->heap[--w->heap_count];
	unsigned i = 0, child;

	while ((child = 2 * i + 1) < w->heap_count) {
		if (child + 1 < w->heap_count && before(&w->heap[child + 1], &w->heap[child]))
			child++;
		if (!before(&w->heap[child], &last))
			break;
		w->heap[i] = w->heap[child];
		i = child;
	}
	w->heap[i] = last;
	return first;
}

void world_say(struct world *w, int agent, const char *fmt, ...)
{
	va_list ap;

	if (!w->trace)
		return;
	printf("%10.4f %-8s ", (double)w->now / (double)USEC_PER_SEC,
		agent < 0 ? "world" : w->agents[agent].instance);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

void world_fail(struct world *w, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (w->violation[0])
		return;
	n = snprintf(w->violation, sizeof(w->violation),
		"at %.4f s: ", (double)w->now / (double)USEC_PER_SEC);
	va_start(ap, fmt);
	(void)vsnprintf(w->violation + n, sizeof(w->violation) - (size_t)n, fmt, ap);
	va_end(ap);
	world_say(w, -1, "VIOLATION %s", w->violation);
}

void world_changed(struct world *w)
{
	int i;

	for (i = 0; i < w->count; i++)
		view_wake(w, i);
	if (w->etcd_wake > w->now && w->etcd_wake <= etcd_wakeup(w->etcd))
		return;
	w->etcd_wake = etcd_wakeup(w->etcd);
	world_schedule(w, w->etcd_wake, STEP_ETCD, -1, NULL);
}

static int state_of(const struct sm_machine *machine, const char *name)
{
	int i;

	for (i = 0; strcmp(machine->states[i].name, name) != 0; i++)
		continue;
	return i;
}

static void count_move(struct world *w, const struct action *action)
{
	const struct sm_machine *machine;
	unsigned i;

	for (i = 0; action->from && (machine = coord_machine(i)); i++)
		if (strcmp(machine->name, action->machine) == 0)
			w->tally->moves[i][state_of(machine, action->from)]
				       [state_of(machine, action->to)]++;
}

static void tell_notice(struct world *w, int agent, const struct action *action)
{
	count_move(w, action);
	if (action->from && strcmp(action->machine, "leader") == 0 &&
		strcmp(action->to, "leader") == 0)
		w->leaderships++;
	world_say(w, agent, "* %s: %s -> %s (%s)", action->machine,
		action->from ? action->from : "", action->to ? action->to : "", action->reason);
}

/* Takes what the core wants done and sets its timer. */
static void drain(struct world *w, int agent)
{
	struct agent *a = &w->agents[agent];
	struct action action;
	usec_t wake;
	unsigned n;

	for (n = 0; coord_next(a->core, world_local(w, a), &action); n++) {
		if (n > 200) {
			world_fail(w, "%s has no end of actions: %s", a->instance,
				action_name(action.kind));
			return;
		}
		if (action.kind == ACTION_NOTIFY)
			tell_notice(w, agent, &action);
		else
			wire_send(w, agent, &action);
	}
	if (coord_done(a->core)) {
		world_say(w, agent, "ends");
		world_kill(w, agent);
		world_schedule(
			w, w->now + world_random(w, 0, 4 * USEC_PER_SEC), STEP_START, agent, NULL);
		return;
	}
	wake = coord_wakeup(a->core);
	if (wake == USEC_NEVER)
		return;
	wake = world_true_time(w, a, wake) + world_random(w, 0, USEC_PER_MSEC);
	if (a->wake == 0 || wake < a->wake) {
		a->wake = wake;
		world_schedule(w, wake, STEP_WAKE, agent, NULL);
	}
}

void world_input(struct world *w, int agent, const struct coord_event *event)
{
	struct agent *a = &w->agents[agent];

	if (!a->core)
		return;
	coord_input(a->core, world_local(w, a), event);
	drain(w, agent);
}

void world_start(struct world *w, int agent)
{
	struct agent *a = &w->agents[agent];
	struct coord_config config = {
		.name = a->name,
		.instance = a->instance,
		.ttl = SIM_TTL,
		.saved_lease = a->saved_lease,
		.seed = prng_next(&w->prng),
		.pulse = 3 * USEC_PER_SEC,
	};
	static const struct coord_event tick = {.kind = COORD_TICK};
	char name[sizeof(a->name)];

	if (a->core || a->down || (a->twin && !w->faulty))
		return;
	a->run++;
	memcpy(name, a->name, sizeof(name));
	(void)snprintf(a->instance, sizeof(a->instance), "%s%s.%u", name, a->twin ? "twin" : "",
		a->run % 1000);
	a->offset = world_random(w, 0, 1000 * USEC_PER_SEC);
	a->ppm = (int)world_random(w, 0, 100000) - 50000;
	a->stopping = false;
	a->wake = 0;
	a->watching = a->deaf = a->watch_due = false;
	a->seen = 0;
	memset(a->outstanding, 0, sizeof(a->outstanding));
	world_say(w, agent, "starts, saved lease %016llx", (unsigned long long)a->saved_lease);
	a->core = coord_new(&config, world_local(w, a));
	if (w->part)
		w->part->start(w, agent);
	world_schedule(w, w->now + world_random(w, 0, 50 * USEC_PER_MSEC), STEP_LIST, agent, NULL);
	world_input(w, agent, &tick);
}

void world_kill(struct world *w, int agent)
{
	struct agent *a = &w->agents[agent];

	if (a->core && w->part)
		w->part->stop(w, agent);
	coord_free(a->core);
	a->core = NULL;
	a->paused = a->frozen = false;
	a->run++;
}

static void resume(struct world *w, int agent)
{
	struct agent *a = &w->agents[agent];

	if (!a->paused || w->now < a->resumes_at)
		return;
	if (a->frozen) {
		usec_t stood_at = world_local(w, a);

		a->frozen = false;
		a->offset -= world_local(w, a) - stood_at;
		w->excused_until =
			usec_max(w->excused_until, w->now + (SIM_TTL + 3) * USEC_PER_SEC);
	}
	a->paused = false;
	world_say(w, agent, "goes on");
}

/* The program's timer: a tick. */
static void wake_up(struct world *w, int agent)
{
	static const struct coord_event tick = {.kind = COORD_TICK};
	struct agent *a = &w->agents[agent];

	if (a->wake > w->now)
		return;
	a->wake = 0;
	world_input(w, agent, &tick);
}

static void carry_out(struct world *w, const struct step *s)
{
	switch (s->kind) {
	case STEP_WAKE:
		wake_up(w, s->agent);
		break;
	case STEP_RESUME:
		resume(w, s->agent);
		break;
	case STEP_START:
		world_start(w, s->agent);
		break;
	case STEP_ARRIVE:
		wire_arrive(w, s->request);
		break;
	case STEP_REPLY:
		wire_reply(w, s->request);
		break;
	case STEP_TIMEOUT:
		wire_timeout(w, s->request);
		break;
	case STEP_AGAIN:
		wire_again(w, s->request);
		break;
	case STEP_LIST:
		view_list(w, s->agent);
		break;
	case STEP_WATCH:
		view_watch(w, s->agent);
		break;
	case STEP_VIEW_LOST:
		view_lose(w, s->agent);
		break;
	case STEP_HEAL_NET:
		w->agents[s->agent].net = NET_FINE;
		view_wake(w, s->agent);
		break;
	case STEP_ETCD:
		break;
	case STEP_FAULT:
		if (w->faulty)
			fault_inject(w);
		break;
	case STEP_WORK:
		wire_work(w, s->agent);
		break;
	case STEP_REJOIN:
		fault_rejoin(w, s->agent);
		break;
	case STEP_SPACE:
		etcd_set_no_space(w->etcd, false);
		break;
	case STEP_PART:
	case STEP_PART_INSIDE:
		w->part->step(w, s->agent, s->part, s->what);
		break;
	}
}

/* What happens inside of a process: waits while it is paused, is void once that run has ended. */
static bool inside(enum step_kind kind)
{
	return kind == STEP_WAKE || kind == STEP_REPLY || kind == STEP_TIMEOUT ||
	       kind == STEP_AGAIN || kind == STEP_LIST || kind == STEP_WATCH ||
	       kind == STEP_VIEW_LOST || kind == STEP_PART_INSIDE;
}

static void tell_part(struct world *w, const struct step *s)
{
	int i;

	for (i = 0; i < w->count; i++)
		if ((i == s->agent || s->kind == STEP_FAULT) && w->agents[i].core &&
			!w->agents[i].paused)
			w->part->after(w, i);
}

static void one_step(struct world *w)
{
	struct step s = pop(w);
	struct agent *a = s.agent >= 0 ? &w->agents[s.agent] : NULL;
	unsigned changes = etcd_changes(w->etcd);

	w->now = usec_max(w->now, s.at);
	w->steps++;
	etcd_tick(w->etcd, w->now);
	if (a && inside(s.kind) && (!a->core || s.run != a->run)) {
		/* void */
	} else if (a && inside(s.kind) && a->paused) {
		s.at = a->resumes_at + world_random(w, 1, 2 * USEC_PER_MSEC);
		push(w, s);
	} else {
		carry_out(w, &s);
	}
	if (w->part)
		tell_part(w, &s);
	if (etcd_changes(w->etcd) != changes || s.kind == STEP_ETCD || s.kind == STEP_ARRIVE)
		world_changed(w);
	check_step(w);
}

void world_run_until(struct world *w, usec_t until)
{
	while (!w->violation[0] && w->heap_count && w->heap[0].at <= until)
		one_step(w);
	w->now = usec_max(w->now, until);
}

static void populate(struct world *w)
{
	int i;

	w->count = (int)world_random(w, 3, 5);
	for (i = 0; i < w->count; i++) {
		struct agent *a = &w->agents[i];

		(void)snprintf(a->name, sizeof(a->name), "m%d", i + 1);
		(void)snprintf(a->instance, sizeof(a->instance), "m%d.0", i + 1);
		(void)snprintf(a->key, sizeof(a->key), "key%d", i + 1);
		a->voting = i < 2 || world_chance(w, 80);
		fault_put_record(w, i, a->voting);
	}
	if (!w->part && world_chance(w, 20) && w->count < AGENTS_MAX) {
		w->agents[w->count] = w->agents[0];
		(void)snprintf(
			w->agents[w->count].instance, sizeof(w->agents[0].instance), "m1twin.0");
		w->agents[w->count++].twin = true;
	}
	for (i = 0; i < w->count; i++) {
		if (!w->agents[i].twin)
			world_schedule(w, world_random(w, 0, USEC_PER_SEC), STEP_START, i, NULL);
		world_schedule(w, world_random(w, 0, USEC_PER_SEC), STEP_WORK, i, NULL);
	}
	world_schedule(w, 3 * USEC_PER_SEC, STEP_FAULT, -1, NULL);
}

static void tear_down(struct world *w)
{
	unsigned i;

	for (i = 0; i < AGENTS_MAX; i++) {
		if (w->agents[i].core && w->part)
			w->part->stop(w, (int)i);
		coord_free(w->agents[i].core);
	}
	for (i = 0; i < w->request_count; i++)
		wire_free(w->requests[i]);
	free(w->requests);
	free(w->heap);
	etcd_free(w->etcd);
}

struct world *world_new(const struct world_options *options)
{
	struct world *w = xcalloc(1, sizeof(*w));

	w->seed = options->seed;
	w->prng.state = options->seed;
	w->mutation = options->mutation;
	w->trace = options->trace;
	w->tally = options->tally;
	w->part = options->part;
	w->part_arg = options->part_arg;
	w->faults_end = options->faults ? options->faults : SIM_FAULTS;
	w->faulty = true;
	w->tampering = world_chance(w, 50);
	w->etcd = etcd_new(prng_next(&w->prng), check_change, w);
	populate(w);
	return w;
}

bool world_end(struct world *w, char *violation)
{
	bool ok = !w->violation[0];

	(void)snprintf(violation, sizeof(w->violation), "%s", w->violation);
	w->tally->leaderships += w->leaderships;
	tear_down(w);
	free(w);
	return ok;
}

bool world_run(const struct world_options *options, char *violation)
{
	struct world *w = world_new(options);
	uint64_t leaderships;

	world_run_until(w, w->faults_end);
	fault_heal(w);
	world_run_until(w, w->now + HEAL_TIME);
	check_healed(w);
	leaderships = w->leaderships;
	world_run_until(w, w->now + PEACE_TIME);
	check_healed(w);
	if (w->leaderships != leaderships)
		world_fail(w, "leadership changed in peace");
	return world_end(w, violation);
}
