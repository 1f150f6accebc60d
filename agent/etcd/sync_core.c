#include "config.h"
#include "etcd/sync_core.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/macros.h"

#define PAUSE_MIN (100 * USEC_PER_MSEC)
#define PAUSE_MAX (2 * USEC_PER_SEC)
/* A watch that lived so long was no failure: the next pause is short again. */
#define LONG_ENOUGH (5 * USEC_PER_SEC)

const char *etcd_sync_state_name(enum etcd_sync_state state)
{
	static const char *const names[] = {
		[ETCD_SYNC_LISTING] = "listing",
		[ETCD_SYNC_OPENING] = "opening",
		[ETCD_SYNC_LIVE] = "live",
		[ETCD_SYNC_WAITING] = "waiting",
	};

	return names[state];
}

static void act(struct etcd_sync_core *core, enum etcd_sync_action_kind kind, int64_t revision,
	int64_t limit)
{
	size_t at = (core->first + core->n) % ETCD_SYNC_ACTIONS_MAX;

	assert(core->n < ETCD_SYNC_ACTIONS_MAX);
	core->actions[at] =
		(struct etcd_sync_action){.kind = kind, .revision = revision, .limit = limit};
	core->n++;
}

bool etcd_sync_core_next(struct etcd_sync_core *core, struct etcd_sync_action *ret)
{
	if (!core->n)
		return false;
	*ret = core->actions[core->first];
	core->first = (core->first + 1) % ETCD_SYNC_ACTIONS_MAX;
	core->n--;
	return true;
}

static void move(struct etcd_sync_core *core, usec_t now, enum etcd_sync_state state,
	const char *fmt, ...) PRINTF_LIKE(4, 5);

static void move(
	struct etcd_sync_core *core, usec_t now, enum etcd_sync_state state, const char *fmt, ...)
{
	va_list ap;

	core->state = state;
	core->since = now;
	va_start(ap, fmt);
	vsnprintf(core->reason, sizeof(core->reason), fmt, ap);
	va_end(ap);
}

/* splitmix64, Sebastiano Vigna, public domain algorithm. */
static uint64_t next_random(struct etcd_sync_core *core)
{
	uint64_t z = core->random += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

/* Doubles with each failure in a row; half of it is random, so that a crowd spreads. */
static usec_t pause_length(struct etcd_sync_core *core)
{
	usec_t pause = PAUSE_MIN;

	for (unsigned i = 0; i < core->attempts && pause < PAUSE_MAX; i++)
		pause *= 2;
	pause = usec_min(pause, PAUSE_MAX);
	core->attempts++;
	return pause / 2 + (usec_t)(next_random(core) % (uint64_t)(pause / 2 + 1));
}

static void list(struct etcd_sync_core *core, usec_t now, const char *reason)
{
	core->listing = 0;
	core->page = core->page_max;
	core->wake_at = USEC_NEVER;
	core->listings++;
	move(core, now, ETCD_SYNC_LISTING, "%s", reason);
	act(core, ETCD_SYNC_DO_LIST, 0, core->page);
}

static void watch(struct etcd_sync_core *core, usec_t now, bool resumed, const char *reason)
{
	core->resumed = resumed;
	core->probe = true;
	core->checking = false;
	core->wanted = ETCD_SYNC_UNKNOWN;
	core->quiet = ETCD_SYNC_QUIET;
	core->wake_at = USEC_NEVER;
	if (resumed)
		core->resumptions++;
	move(core, now, ETCD_SYNC_OPENING, "%s", reason);
	act(core, ETCD_SYNC_DO_WATCH, core->applied + 1, 0);
}

static void tell_lost(struct etcd_sync_core *core)
{
	if (!core->told_live)
		return;
	core->told_live = false;
	/* what is to be seen before it is live again is asked anew */
	core->wanted = ETCD_SYNC_UNKNOWN;
	core->quiet = ETCD_SYNC_QUIET;
	act(core, ETCD_SYNC_TELL_LOST, 0, 0);
}

/* Where the picture has all that it must have. */
static void tell_live(struct etcd_sync_core *core)
{
	if (core->told_live || core->probe || core->applied < core->wanted)
		return;
	core->told_live = true;
	act(core, ETCD_SYNC_TELL_LIVE, core->applied, 0);
}

static void caught_up(struct etcd_sync_core *core, usec_t now)
{
	if (core->told_live)
		return;
	tell_live(core);
	if (core->told_live)
		move(core, now, ETCD_SYNC_LIVE, "caught up");
}

/* What must be there is known, and is not there yet. */
static bool catching_up(const struct etcd_sync_core *core)
{
	return !core->told_live && !core->probe && core->wanted != ETCD_SYNC_UNKNOWN;
}

/* When to look, if nothing comes. */
static usec_t next_look(const struct etcd_sync_core *core, usec_t now)
{
	return now + (catching_up(core) ? core->quiet : core->silence);
}

/* Everything under way is dropped; what follows the pause is a listing or a watch. */
static void wait(struct etcd_sync_core *core, usec_t now, bool list_next, const char *reason)
{
	act(core, ETCD_SYNC_DO_DROP, 0, 0);
	core->list_next = list_next;
	core->checking = false;
	core->wake_at = now + pause_length(core);
	move(core, now, ETCD_SYNC_WAITING, "%s", reason);
	tell_lost(core);
}

static void again(struct etcd_sync_core *core, usec_t now, const char *reason)
{
	act(core, ETCD_SYNC_DO_DROP, 0, 0);
	core->checking = false;
	list(core, now, reason);
	tell_lost(core);
}

static void check(struct etcd_sync_core *core)
{
	core->checking = true;
	core->asked = core->applied;
	core->wake_at = USEC_NEVER;
	act(core, ETCD_SYNC_DO_CHECK, core->probe ? core->applied : 0, 0);
}

static void compare(struct etcd_sync_core *core)
{
	core->checking = true;
	core->asked = core->applied;
	core->wake_at = USEC_NEVER;
	core->quiet = usec_min(2 * core->quiet, ETCD_SYNC_QUIET_MAX);
	act(core, ETCD_SYNC_DO_COMPARE, core->applied, 0);
}

void etcd_sync_core_init(struct etcd_sync_core *core, usec_t now, usec_t silence, int64_t page,
	int64_t known, uint64_t seed)
{
	*core = (struct etcd_sync_core){
		.silence = silence ? silence : ETCD_SYNC_SILENCE,
		.page_max = page ? page : ETCD_SYNC_PAGE,
		.applied = known,
		.random = seed,
		.wake_at = USEC_NEVER,
	};
	if (known > 0)
		watch(core, now, true, "started with what was known");
	else
		list(core, now, "started");
}

void etcd_sync_core_know_pulse(struct etcd_sync_core *core, int64_t mod_revision)
{
	core->known_pulse = mod_revision;
}

static void on_page(struct etcd_sync_core *core, usec_t now, const struct etcd_sync_input *input)
{
	if (core->state != ETCD_SYNC_LISTING)
		return;
	if (!core->listing) {
		core->listing = input->revision;
		core->list_sent = input->sent_at;
	}
	if (input->more) {
		act(core, ETCD_SYNC_DO_LIST, core->listing, core->page);
		return;
	}
	core->applied = core->listing;
	core->current_at = core->list_sent;
	act(core, ETCD_SYNC_TELL_END, core->applied, 0);
	watch(core, now, false, "listed");
}

static void on_page_failed(
	struct etcd_sync_core *core, usec_t now, const struct etcd_sync_input *input)
{
	if (core->state != ETCD_SYNC_LISTING)
		return;
	if (input->failure == ETCD_SYNC_TOO_LARGE && core->page > 1) {
		core->page = MAX(core->page / 2, 1);
		act(core, ETCD_SYNC_DO_LIST, core->listing, core->page);
		return;
	}
	/* what was listed so far stays good, unless its revision is no more */
	if (input->failure == ETCD_SYNC_VOID)
		core->listing = 0;
	wait(core, now, true, input->reason);
}

static void on_created(struct etcd_sync_core *core, usec_t now)
{
	if (core->state != ETCD_SYNC_OPENING)
		return;
	core->wake_at = now + core->silence;
	move(core, now, ETCD_SYNC_LIVE, core->resumed ? "resumed" : "watching");
	check(core);
}

static void on_applied(struct etcd_sync_core *core, usec_t now, const struct etcd_sync_input *input)
{
	if (core->state != ETCD_SYNC_LIVE || input->revision <= core->applied)
		return;
	core->applied = input->revision;
	caught_up(core, now);
	/* what comes while it catches up is old */
	if (core->told_live)
		core->current_at = now;
	/* the pause after a check that failed is not made longer by what comes */
	if (!core->checking && (core->told_live || catching_up(core)))
		core->wake_at = next_look(core, now);
}

static void on_ended(struct etcd_sync_core *core, usec_t now, const struct etcd_sync_input *input)
{
	if (core->state != ETCD_SYNC_OPENING && core->state != ETCD_SYNC_LIVE)
		return;
	if (core->state == ETCD_SYNC_LIVE && now - core->since >= LONG_ENOUGH)
		core->attempts = 0;
	if (input->failure == ETCD_SYNC_TRANSIENT) {
		wait(core, now, false, input->reason);
		return;
	}
	core->listing = 0;
	wait(core, now, true, input->reason);
}

/* What was applied since the read was sent may be newer than its answer. */
static bool went_back(struct etcd_sync_core *core, usec_t now, const struct etcd_sync_input *input)
{
	char text[128];

	if (input->revision >= core->asked)
		return false;
	snprintf(text, sizeof(text), "etcd's revision went back from %" PRId64 " to %" PRId64,
		core->asked, input->revision);
	again(core, now, text);
	return true;
}

/* The picture is live once it has all that the store had when `input` was sent. */
static void want(struct etcd_sync_core *core, usec_t now, const struct etcd_sync_input *input)
{
	core->wanted = input->revision;
	tell_live(core);
	if (core->told_live)
		core->current_at = MAX(core->current_at, input->sent_at);
	else
		move(core, now, ETCD_SYNC_LIVE, "catching up to revision %" PRId64, core->wanted);
	core->wake_at = next_look(core, now);
}

static void on_checked(struct etcd_sync_core *core, usec_t now, const struct etcd_sync_input *input)
{
	int64_t known = core->known_pulse;

	if (!core->checking)
		return;
	core->checking = false;
	core->wake_at = now + core->silence;
	if (went_back(core, now, input))
		return;
	if (core->probe) {
		core->known_pulse = 0;
		if (known && core->resumed && input->pulse != known) {
			again(core, now, "etcd's history is not the one that was known");
			return;
		}
		core->probe = false;
	}
	if (!core->told_live)
		want(core, now, input);
	else if (input->pulse > core->applied)
		act(core, ETCD_SYNC_DO_EXPECT, input->pulse, 0);
	else
		core->current_at = MAX(core->current_at, input->sent_at);
}

static void on_compared(
	struct etcd_sync_core *core, usec_t now, const struct etcd_sync_input *input)
{
	if (!core->checking)
		return;
	core->checking = false;
	if (went_back(core, now, input))
		return;
	core->wake_at = next_look(core, now);
	/* what came meanwhile may be half of what was undone by the time of the compare */
	if (!catching_up(core) || core->applied != core->asked)
		return;
	if (input->same) {
		core->applied = input->revision;
		core->current_at = MAX(core->current_at, input->sent_at);
		act(core, ETCD_SYNC_DO_SKIP, core->applied, 0);
		caught_up(core, now);
		core->wake_at = next_look(core, now);
	} else {
		act(core, ETCD_SYNC_DO_EXPECT, core->applied + 1, 0);
		/* another one would find the same, as long as nothing comes */
		core->wake_at = usec_add(core->wake_at, ETCD_SYNC_ECHO);
	}
}

static void on_check_failed(
	struct etcd_sync_core *core, usec_t now, const struct etcd_sync_input *input)
{
	if (!core->checking)
		return;
	core->checking = false;
	if (input->failure == ETCD_SYNC_VOID && core->applied == core->asked) {
		again(core, now, input->reason);
		return;
	}
	/* the watch may be well, or may be silent because etcd is away: nobody knows */
	core->wake_at = now + pause_length(core);
	if (core->told_live)
		move(core, now, ETCD_SYNC_LIVE, "not certain: %s", input->reason);
	tell_lost(core);
}

static void on_tick(struct etcd_sync_core *core, usec_t now)
{
	if (now < core->wake_at)
		return;
	core->wake_at = USEC_NEVER;
	if (core->state == ETCD_SYNC_LIVE && catching_up(core)) {
		compare(core);
	} else if (core->state == ETCD_SYNC_LIVE) {
		check(core);
	} else if (core->state == ETCD_SYNC_WAITING && !core->list_next) {
		char text[ETCD_SYNC_REASON_MAX];

		snprintf(text, sizeof(text), "%s", core->reason);
		watch(core, now, true, text);
	} else if (core->state == ETCD_SYNC_WAITING && core->listing) {
		move(core, now, ETCD_SYNC_LISTING, "goes on");
		act(core, ETCD_SYNC_DO_LIST, core->listing, core->page);
	} else if (core->state == ETCD_SYNC_WAITING) {
		char text[ETCD_SYNC_REASON_MAX];

		snprintf(text, sizeof(text), "%s", core->reason);
		list(core, now, text);
	}
}

void etcd_sync_core_input(
	struct etcd_sync_core *core, usec_t now, const struct etcd_sync_input *input)
{
	switch (input->kind) {
	case ETCD_SYNC_TICK:
		on_tick(core, now);
		break;
	case ETCD_SYNC_PAGE_DONE:
		on_page(core, now, input);
		break;
	case ETCD_SYNC_PAGE_FAILED:
		on_page_failed(core, now, input);
		break;
	case ETCD_SYNC_CREATED:
		on_created(core, now);
		break;
	case ETCD_SYNC_APPLIED:
		on_applied(core, now, input);
		break;
	case ETCD_SYNC_ENDED:
		on_ended(core, now, input);
		break;
	case ETCD_SYNC_CHECKED:
		on_checked(core, now, input);
		break;
	case ETCD_SYNC_COMPARED:
		on_compared(core, now, input);
		break;
	case ETCD_SYNC_CHECK_FAILED:
		on_check_failed(core, now, input);
		break;
	case ETCD_SYNC_EXPECT:
		if (core->state == ETCD_SYNC_LIVE && input->revision > core->applied)
			act(core, ETCD_SYNC_DO_EXPECT, input->revision, 0);
		break;
	case ETCD_SYNC_AGAIN:
		again(core, now, input->reason);
		break;
	}
}

usec_t etcd_sync_core_wakeup(const struct etcd_sync_core *core)
{
	return core->wake_at;
}
