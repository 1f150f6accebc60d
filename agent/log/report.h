/*
 * struct report: a condition that comes and goes, told to the log without flooding it.
 *
 * The first changes of a minute are told at once. When there are more, the condition flaps: what it
 * is at the end of that minute is told then, with how many changes were left out, so that the last
 * line is never wrong for long.
 */
#ifndef LOG_REPORT_H
#define LOG_REPORT_H

#include <stdbool.h>

#include "base/usec.h"

struct loop;
struct report;

#define REPORT_PERIOD (60 * USEC_PER_SEC)
#define REPORT_BURST  4

/* module is not copied. period 0: REPORT_PERIOD. */
struct report *report_new(struct loop *loop, const char *module, usec_t period);
/* NULL is fine. What was held back is not told any more. */
void report_free(struct report *report);
void report_change(struct report *report, bool bad, const char *text);

#endif
