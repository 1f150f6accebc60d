/*
 * The log: one line per event, "module: text", to a sink that the program chooses.
 *
 * Only cli/, api/ and the folders where the agent's work is done (log/, identity/, copy/, write/,
 * member/, app/, command/) speak above debug; lower layers return errors. What the log says is what
 * changed and why, once. Levels can be set for all modules or one at run time (log_set_level()).
 * LOG_LIMITED() passes at most one line per cause and minute and then says how many it left out.
 *
 * The level table is the only global state of the project. Not for use in signal handlers.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/macros.h"
#include "base/usec.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

typedef void log_sink_fn(enum log_level level, const char *module, const char *text, void *arg);

/* NULL restores standard error. The text has no newline. */
void log_set_sink(log_sink_fn *fn, void *arg);
/* module NULL or "all": every module, forgetting single settings. -EINVAL for an unknown level,
 * -ENOSPC when more than 32 modules have a level of their own. */
int log_set_level(const char *module, const char *level);
const char *log_level_name(enum log_level level);

void log_line(enum log_level level, const char *module, const char *fmt, ...) PRINTF_LIKE(3, 4);

#define log_error(module, ...)	 log_line(LOG_LEVEL_ERROR, module, __VA_ARGS__)
#define log_warning(module, ...) log_line(LOG_LEVEL_WARNING, module, __VA_ARGS__)
#define log_info(module, ...)	 log_line(LOG_LEVEL_INFO, module, __VA_ARGS__)
#define log_debug(module, ...)	 log_line(LOG_LEVEL_DEBUG, module, __VA_ARGS__)

/* One limiter per cause, static or in the object that logs. */
struct log_limit {
	usec_t next;
	unsigned left_out;
};

/* True when the line may pass at `now`; *ret_left_out is then how many were left out before it. */
int log_limit_pass(struct log_limit *limit, usec_t now, unsigned *ret_left_out);

#endif
