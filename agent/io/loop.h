/*
 * The event loop: the one place that knows libevent (its core, for readiness and signals).
 *
 * One loop per process, one thread. Callbacks must return within about 10 ms; the longest one is
 * measured (loop_stall()). Timers are absolute instants of CLOCK_BOOTTIME, kept by one timerfd, so
 * that a machine that slept finds them due when it wakes; each has a name for `show -v`. A timer
 * that is due at once still fires from the loop, never from inside the call that set it.
 *
 * Objects may be freed in any callback, their own included.
 *
 * Making a loop makes the process ignore SIGPIPE: a peer that vanished is an error of the write
 * (OpenSSL has no other way).
 */
#ifndef IO_LOOP_H
#define IO_LOOP_H

#include <stdbool.h>

#include "base/err.h"
#include "base/usec.h"

struct loop;
struct loop_io;
struct loop_timer;
struct loop_defer;
struct loop_signal;

int loop_new(struct loop **ret, struct err *err) MUST_CHECK;
/* After everything that was made on it. */
void loop_free(struct loop *loop);
/* Runs until loop_stop(). 0, or negative errno when the loop itself fails. */
int loop_run(struct loop *loop, struct err *err) MUST_CHECK;
/* loop_run() returns once the callbacks of this round are done. Before loop_run(): it returns at
 * once. */
void loop_stop(struct loop *loop);
/* CLOCK_BOOTTIME, read now. */
usec_t loop_now(const struct loop *loop);

struct loop_stall {
	usec_t longest;	  /* the longest single callback since the last reset */
	usec_t working;	  /* of that, processor time; the rest others had the processor */
	const char *what; /* loop_doing()'s word; or the timer's name, or "io", "defer", "signal" */
	usec_t at;	  /* when it ended, CLOCK_BOOTTIME */
};
struct loop_stall loop_stall(const struct loop *loop);
void loop_stall_reset(struct loop *loop);
/* What the callback that runs now is about, for loop_stall(): a word that lives for ever. */
void loop_doing(struct loop *loop, const char *what);

enum { LOOP_READ = 1, LOOP_WRITE = 2 };
typedef void loop_io_fn(int events, void *arg);
/* Level-triggered. The descriptor stays the caller's: free the loop_io before closing it. */
struct loop_io *loop_io_new(struct loop *loop, int fd, int events, loop_io_fn *fn, void *arg);
void loop_io_set(struct loop_io *io, int events); /* 0 pauses */
void loop_io_free(struct loop_io *io);

typedef void loop_fn(void *arg);
struct loop_timer *loop_timer_new(struct loop *loop, const char *name, loop_fn *fn, void *arg);
/* USEC_NEVER disarms; fires once. */
void loop_timer_at(struct loop_timer *timer, usec_t at);
void loop_timer_after(struct loop_timer *timer, usec_t delay);
usec_t loop_timer_due(const struct loop_timer *timer);
void loop_timer_free(struct loop_timer *timer);

/* Calls fn once from the loop, after the present callback; scheduling twice is once. */
struct loop_defer *loop_defer_new(struct loop *loop, loop_fn *fn, void *arg);
/* One that can wait: all of these together get some 10 ms of a round, one after the other in the order in
 * which they are scheduled. For work that others ask for, so that however many ask, timers and
 * descriptors have their turn. */
struct loop_defer *loop_patient_new(struct loop *loop, loop_fn *fn, void *arg);
void loop_defer_schedule(struct loop_defer *defer);
void loop_defer_free(struct loop_defer *defer);

typedef void loop_signal_fn(int signo, void *arg);
struct loop_signal *loop_signal_new(struct loop *loop, int signo, loop_signal_fn *fn, void *arg);
void loop_signal_free(struct loop_signal *signal);

DEFINE_CLEANUP(struct loop *, loop_free)

#endif
