/*
 * How far something has come that goes on in the collective while its command waits: a line on a terminal,
 * which is written over; nothing elsewhere. A command that is interrupted meanwhile says that what was
 * ordered goes on.
 */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include "cli/verb.h"
#include "wire/json.h"

struct progress {
	struct call *call;
	const char *what; /* "draining mgt2" */
	bool begun, shown;
};

/* frame: one of an answer; nothing is done where it tells no progress. */
void progress_tell(struct progress *progress, const json *frame);
/* Takes the line away. */
void progress_end(struct progress *progress);

#endif
