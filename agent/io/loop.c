/*
 * The loop: each round runs what was deferred, sets the timerfd to the earliest timer, and lets
 * libevent wait for descriptors and signals once. Timers are a binary heap ordered by instant, then
 * by the order in which they were set; when the timerfd fires, all that are due are moved to a list
 * first and called from there, so that a timer that re-arms itself for now can't keep the others
 * from their turn.
 *
 * What can go wrong: a callback frees objects, its own included. Nothing here touches an object
 * after having called it, and what waits its turn is on a list or in the heap, from which freeing
 * removes it; libevent forgets an activated event when it is deleted. The kernel's readiness set is
 * changed at once, not in batches, so a descriptor may be closed and its number reused directly
 * after loop_io_free().
 */
#include "config.h"
#include "io/loop.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "io/clock.h"

#define NOT_IN_HEAP    ((size_t)-1)
#define STALL_NAME_MAX 64
#define PATIENT_SHARE  (10 * USEC_PER_MSEC) /* of a round, for those who can wait */
#define STALL_TOLD     (10 * USEC_PER_MSEC) /* longer ones are told at level debug */

struct loop {
	struct event_base *base;
	struct event *timer_event;
	int timer_fd;
	usec_t timer_fd_at; /* what timer_fd is set to */
	struct loop_timer **heap;
	size_t heap_len, heap_cap;
	uint64_t timer_seq;
	struct list due;      /* timers taken off the heap to be called in this round */
	struct list deferred; /* scheduled for the next round */
	struct list running;  /* deferred that are called in this round */
	struct list patient;  /* scheduled, for any round */
	bool stopped;
	struct loop_stall stall;
	char stall_what[STALL_NAME_MAX];
	usec_t cpu;	   /* processor time when the last callback ended */
	const char *doing; /* NULL: its kind says enough */
};

struct loop_io {
	struct loop *loop;
	struct event *event;
	int fd;
	int events;
	loop_io_fn *fn;
	void *arg;
};

struct loop_timer {
	struct loop *loop;
	char *name;
	loop_fn *fn;
	void *arg;
	usec_t at;
	uint64_t seq;
	size_t index; /* in the heap */
	struct list due;
};

struct loop_defer {
	struct loop *loop;
	struct list *queue; /* of the loop: where it is put when it is scheduled */
	loop_fn *fn;
	void *arg;
	struct list link;
};

struct loop_signal {
	struct loop *loop;
	struct event *event;
	loop_signal_fn *fn;
	void *arg;
};

/* Notes the time since `start` if it is the longest; `what` is copied because its owner may go. */
static void stall_note(struct loop *loop, usec_t start, const char *what)
{
	usec_t end = clock_boot(), cpu = clock_thread();
	usec_t took = end - start, working = usec_min(cpu - loop->cpu, took);
	const char *doing = TAKE(loop->doing);

	/* between two callbacks it sleeps, so that the end of one is the beginning of the next */
	loop->cpu = cpu;
	what = doing ? doing : what;
	if (took >= STALL_TOLD)
		log_debug("loop", "busy for %.1f ms, %.1f ms of it working, with %s",
			(double)took / USEC_PER_MSEC, (double)working / USEC_PER_MSEC, what);
	if (took <= loop->stall.longest)
		return;
	loop->stall.longest = took;
	loop->stall.working = working;
	loop->stall.at = end;
	snprintf(loop->stall_what, sizeof(loop->stall_what), "%s", what);
}

void loop_doing(struct loop *loop, const char *what)
{
	loop->doing = what;
}

struct loop_stall loop_stall(const struct loop *loop)
{
	struct loop_stall stall = loop->stall;

	stall.what = loop->stall_what;
	return stall;
}

void loop_stall_reset(struct loop *loop)
{
	loop->stall = (struct loop_stall){0};
	loop->stall_what[0] = '\0';
}

/* The heap of timers. */

static bool timer_before(const struct loop_timer *a, const struct loop_timer *b)
{
	return a->at != b->at ? a->at < b->at : a->seq < b->seq;
}

static void heap_put(struct loop *loop, struct loop_timer *timer, size_t index)
{
	loop->heap[index] = timer;
	timer->index = index;
}

static void heap_up(struct loop *loop, struct loop_timer *timer, size_t index)
{
	while (index > 0) {
		size_t parent = (index - 1) / 2;

		if (!timer_before(timer, loop->heap[parent]))
			break;
		heap_put(loop, loop->heap[parent], index);
		index = parent;
	}
	heap_put(loop, timer, index);
}

static void heap_down(struct loop *loop, struct loop_timer *timer, size_t index)
{
	for (;;) {
		size_t child = 2 * index + 1;

		if (child >= loop->heap_len)
			break;
		if (child + 1 < loop->heap_len &&
			timer_before(loop->heap[child + 1], loop->heap[child]))
			child++;
		if (!timer_before(loop->heap[child], timer))
			break;
		heap_put(loop, loop->heap[child], index);
		index = child;
	}
	heap_put(loop, timer, index);
}

static void heap_add(struct loop *loop, struct loop_timer *timer)
{
	if (loop->heap_len == loop->heap_cap) {
		loop->heap_cap = MAX(loop->heap_cap * 2, (size_t)16);
		loop->heap = xrealloc(loop->heap, loop->heap_cap, sizeof(*loop->heap));
	}
	heap_up(loop, timer, loop->heap_len++);
}

static void heap_remove(struct loop *loop, struct loop_timer *timer)
{
	size_t index = timer->index;
	struct loop_timer *last;

	if (index == NOT_IN_HEAP)
		return;
	timer->index = NOT_IN_HEAP;
	last = loop->heap[--loop->heap_len];
	if (last == timer)
		return;
	if (index > 0 && timer_before(last, loop->heap[(index - 1) / 2]))
		heap_up(loop, last, index);
	else
		heap_down(loop, last, index);
}

static void on_timer_fd(evutil_socket_t fd, short what UNUSED, void *arg)
{
	struct loop *loop = arg;
	usec_t now = clock_boot();
	struct loop_timer *timer;
	uint64_t expirations;

	if (read(fd, &expirations, sizeof(expirations)) < 0 && errno != EAGAIN)
		log_debug("loop", "cannot read the timerfd: %s", strerror(errno));
	loop->timer_fd_at = USEC_NEVER;
	while (loop->heap_len && loop->heap[0]->at <= now) {
		timer = loop->heap[0];
		heap_remove(loop, timer);
		list_add_tail(&loop->due, &timer->due);
	}
	while ((timer = list_first(&loop->due, struct loop_timer, due))) {
		char name[STALL_NAME_MAX];
		usec_t start = clock_boot();

		list_del(&timer->due);
		timer->at = USEC_NEVER;
		snprintf(name, sizeof(name), "%s", timer->name);
		timer->fn(timer->arg);
		stall_note(loop, start, name);
	}
}

static int timer_fd_update(struct loop *loop, struct err *err)
{
	usec_t at = loop->heap_len ? loop->heap[0]->at : USEC_NEVER;
	struct itimerspec spec = {0};

	if (at == loop->timer_fd_at)
		return 0;
	if (at != USEC_NEVER) {
		/* All zero would disarm it. */
		usec_t when = usec_max(at, 1);

		spec.it_value.tv_sec = (time_t)(when / USEC_PER_SEC);
		spec.it_value.tv_nsec = (long)(when % USEC_PER_SEC) * 1000;
	}
	if (timerfd_settime(loop->timer_fd, TFD_TIMER_ABSTIME, &spec, NULL) < 0)
		return err_errno(err, -errno, "event loop: cannot set the timer");
	loop->timer_fd_at = at;
	return 0;
}

struct loop_timer *loop_timer_new(struct loop *loop, const char *name, loop_fn *fn, void *arg)
{
	struct loop_timer *timer = xcalloc(1, sizeof(*timer));

	timer->loop = loop;
	timer->name = xstrdup(name);
	timer->fn = fn;
	timer->arg = arg;
	timer->at = USEC_NEVER;
	timer->index = NOT_IN_HEAP;
	list_init(&timer->due);
	return timer;
}

void loop_timer_at(struct loop_timer *timer, usec_t at)
{
	list_del(&timer->due);
	heap_remove(timer->loop, timer);
	timer->at = at;
	timer->seq = timer->loop->timer_seq++;
	if (at != USEC_NEVER)
		heap_add(timer->loop, timer);
}

void loop_timer_after(struct loop_timer *timer, usec_t delay)
{
	loop_timer_at(timer, usec_add(clock_boot(), usec_max(delay, 0)));
}

usec_t loop_timer_due(const struct loop_timer *timer)
{
	return timer->at;
}

void loop_timer_free(struct loop_timer *timer)
{
	if (!timer)
		return;
	loop_timer_at(timer, USEC_NEVER);
	free(timer->name);
	free(timer);
}

/* Descriptors. */

static void on_io_event(evutil_socket_t fd UNUSED, short what, void *arg)
{
	struct loop_io *io = arg;
	struct loop *loop = io->loop;
	usec_t start = clock_boot();
	int events = 0;

	if (what & EV_READ)
		events |= LOOP_READ;
	if (what & EV_WRITE)
		events |= LOOP_WRITE;
	io->fn(events, io->arg);
	stall_note(loop, start, "io");
}

struct loop_io *loop_io_new(struct loop *loop, int fd, int events, loop_io_fn *fn, void *arg)
{
	struct loop_io *io = xcalloc(1, sizeof(*io));

	io->loop = loop;
	io->fd = fd;
	io->fn = fn;
	io->arg = arg;
	io->event = event_new(loop->base, fd, EV_PERSIST, on_io_event, io);
	if (!io->event)
		abort();
	loop_io_set(io, events);
	return io;
}

void loop_io_set(struct loop_io *io, int events)
{
	short what = EV_PERSIST;

	if (events == io->events)
		return;
	io->events = events;
	event_del(io->event);
	if (!events)
		return;
	if (events & LOOP_READ)
		what |= EV_READ;
	if (events & LOOP_WRITE)
		what |= EV_WRITE;
	/* Adding fails only for a descriptor that can't be waited for: a bug of the caller. */
	if (event_assign(io->event, io->loop->base, io->fd, what, on_io_event, io) < 0 ||
		event_add(io->event, NULL) < 0)
		abort();
}

void loop_io_free(struct loop_io *io)
{
	if (!io)
		return;
	event_free(io->event);
	free(io);
}

/* Deferred calls. */

struct loop_defer *loop_defer_new(struct loop *loop, loop_fn *fn, void *arg)
{
	struct loop_defer *defer = xcalloc(1, sizeof(*defer));

	defer->loop = loop;
	defer->queue = &loop->deferred;
	defer->fn = fn;
	defer->arg = arg;
	list_init(&defer->link);
	return defer;
}

struct loop_defer *loop_patient_new(struct loop *loop, loop_fn *fn, void *arg)
{
	struct loop_defer *defer = loop_defer_new(loop, fn, arg);

	defer->queue = &loop->patient;
	return defer;
}

void loop_defer_schedule(struct loop_defer *defer)
{
	if (!list_linked(&defer->link))
		list_add_tail(defer->queue, &defer->link);
}

void loop_defer_free(struct loop_defer *defer)
{
	if (!defer)
		return;
	list_del(&defer->link);
	free(defer);
}

static void run_one(struct loop *loop, struct loop_defer *defer)
{
	usec_t start = clock_boot();

	list_del(&defer->link);
	defer->fn(defer->arg);
	stall_note(loop, start, "defer");
}

/* Calls what is scheduled now; what these calls schedule waits for the next round. Of the patient ones
 * as many as fit into their share, in the order in which they came. */
static void run_deferred(struct loop *loop)
{
	struct loop_defer *defer;
	usec_t until;

	while ((defer = list_first(&loop->deferred, struct loop_defer, link))) {
		list_del(&defer->link);
		list_add_tail(&loop->running, &defer->link);
	}
	while ((defer = list_first(&loop->running, struct loop_defer, link)))
		run_one(loop, defer);
	until = clock_boot() + PATIENT_SHARE;
	while (!loop->stopped && (defer = list_first(&loop->patient, struct loop_defer, link))) {
		run_one(loop, defer);
		if (clock_boot() >= until)
			break;
	}
}

/* Signals. */

static void on_signal_event(evutil_socket_t signo, short what UNUSED, void *arg)
{
	struct loop_signal *signal = arg;
	struct loop *loop = signal->loop;
	usec_t start = clock_boot();

	signal->fn((int)signo, signal->arg);
	stall_note(loop, start, "signal");
}

struct loop_signal *loop_signal_new(struct loop *loop, int signo, loop_signal_fn *fn, void *arg)
{
	struct loop_signal *signal = xcalloc(1, sizeof(*signal));

	signal->loop = loop;
	signal->fn = fn;
	signal->arg = arg;
	signal->event = evsignal_new(loop->base, signo, on_signal_event, signal);
	if (!signal->event || event_add(signal->event, NULL) < 0)
		abort();
	return signal;
}

void loop_signal_free(struct loop_signal *signal)
{
	if (!signal)
		return;
	event_free(signal->event);
	free(signal);
}

/* The loop itself. */

static void on_libevent_log(int severity UNUSED, const char *text)
{
	log_debug("loop", "%s", text);
}

static struct event_base *base_new(void)
{
	struct event_config *config = event_config_new();
	struct event_base *base = NULL;

	if (!config)
		return NULL;
	/* Without the change list: see the top of this file. */
	if (event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK) == 0 &&
		event_config_set_flag(config, EVENT_BASE_FLAG_IGNORE_ENV) == 0)
		base = event_base_new_with_config(config);
	event_config_free(config);
	return base;
}

int loop_new(struct loop **ret, struct err *err)
{
	CLEANUP(loop_freep) struct loop *loop = xcalloc(1, sizeof(*loop));

	list_init(&loop->due);
	list_init(&loop->deferred);
	list_init(&loop->running);
	list_init(&loop->patient);
	loop->timer_fd_at = USEC_NEVER;
	loop->timer_fd = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	if (loop->timer_fd < 0)
		return err_errno(err, -errno, "event loop: cannot create a timer");
	event_set_log_callback(on_libevent_log);
	loop->base = base_new();
	if (!loop->base)
		return err_set(err, -EIO, "event loop: libevent cannot wait for descriptors here");
	loop->timer_event =
		event_new(loop->base, loop->timer_fd, EV_READ | EV_PERSIST, on_timer_fd, loop);
	if (!loop->timer_event || event_add(loop->timer_event, NULL) < 0)
		return err_set(err, -EIO, "event loop: cannot wait for the timer");
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return err_errno(err, -errno, "event loop: cannot ignore SIGPIPE");
	*ret = TAKE(loop);
	return 0;
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	assert(loop->heap_len == 0 && list_empty(&loop->due) && list_empty(&loop->deferred) &&
		list_empty(&loop->patient));
	if (loop->timer_event)
		event_free(loop->timer_event);
	if (loop->base)
		event_base_free(loop->base);
	if (loop->timer_fd >= 0)
		close(loop->timer_fd);
	free(loop->heap);
	free(loop);
}

int loop_run(struct loop *loop, struct err *err)
{
	int rc = 0;

	while (!loop->stopped) {
		int flags = EVLOOP_ONCE;

		run_deferred(loop);
		if (loop->stopped)
			break;
		rc = timer_fd_update(loop, err);
		if (rc < 0)
			break;
		if (!list_empty(&loop->deferred) || !list_empty(&loop->patient))
			flags |= EVLOOP_NONBLOCK;
		if (event_base_loop(loop->base, flags) < 0) {
			rc = err_set(err, -EIO, "event loop: waiting for descriptors failed");
			break;
		}
	}
	loop->stopped = false;
	return rc;
}

void loop_stop(struct loop *loop)
{
	loop->stopped = true;
}

usec_t loop_now(const struct loop *loop UNUSED)
{
	return clock_boot();
}
