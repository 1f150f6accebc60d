/*
 * What the resources of the socket need of the database's keeper (app/): the copy to read from, how
 * current it is, and a way to have a plan carried out.
 */
#ifndef API_DATABASE_H
#define API_DATABASE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/usec.h"

struct db;
struct plan;
struct api_write;

struct api_age {
	bool current;	  /* the rest is 0 then */
	usec_t age;	  /* since when it is not certain to be current, as a duration */
	int64_t revision; /* of the copy */
};

/* rc 0: all of the plan was applied, and is in the copy now. -EINPROGRESS: the outcome of some of it
 * is not known. Else negative: not all of it was applied. why and the plan (plan_outcome(),
 * plan_report()) tell more; the plan is freed behind this call. */
typedef void api_written_fn(int rc, const char *why, struct plan *plan, void *arg);

struct api_database {
	/* NULL where there is none (no member of a collective, nothing loaded yet): why says so.
	 * It may be another one after the next turn of the loop, with other node numbers. */
	const struct db *(*read)(struct api_age *age, struct err *why, void *arg);
	/* The keeper has just started: what there is to read comes, or becomes current, in a moment. A
	 * request waits for that, for a limited time; whoever keeps it calls api_resources_moved(). May
	 * be NULL: never. */
	bool (*soon)(void *arg);
	/* Takes the plan. Fails at once, with "Collective does not have quorum" or what else keeps
	 * this member from writing, by calling done from the loop. */
	struct api_write *(*write)(
		struct plan *plan, api_written_fn *done, void *done_arg, void *arg);
	/* done is not called any more; what was begun is completed. */
	void (*forget)(struct api_write *write, void *arg);
	void *arg;
	usec_t patience; /* of requests that wait for it; 0: 10 s */
};

#endif
