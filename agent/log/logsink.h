/*
 * Where the agent's log lines go: standard error, or a file of its own.
 *
 * Under systemd the line carries the priority as "<6>" and the journal adds the time; elsewhere it
 * begins with the local time. A reader that does not keep up (a full pipe, a stopped journal) never
 * blocks the agent: the line is dropped, and the next one that passes says how many were.
 */
#ifndef LOG_LOGSINK_H
#define LOG_LOGSINK_H

#include "base/err.h"

/* target: "stderr" or the path of a file to append to (0640). Replaces an earlier target; on failure
 * that one stays. Call again with the same path after the file was rotated. */
int logsink_open(const char *target, struct err *err) MUST_CHECK;
void logsink_close(void);

#endif
