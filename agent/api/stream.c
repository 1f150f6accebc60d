/*
 * Long answers: a list of names, sent a slice at a time.
 *
 * A slice ends after SLICE of work or when the client is behind; the next one begins from the loop,
 * or when the client has read. Between two slices the database may have become another one, so names
 * are kept, not numbers, and looked up when their turn comes. They are kept in one piece: a reader may
 * ask for all of them on each of his connections, and not read.
 */
#include "config.h"
#include "api/visit.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "io/loop.h"
#include "model/db.h"

#define SLICE	    (5 * USEC_PER_MSEC)
#define AT_ONCE_MAX 256

void visit_stream_free(struct visit *visit)
{
	loop_defer_free(TAKE(visit->more));
	for (size_t i = 0; i < visit->n_names && !visit->name_pool; i++)
		free(visit->names[i]);
	free(TAKE(visit->names));
	free(TAKE(visit->name_pool));
	visit->n_names = 0;
}

static void end(struct visit *visit)
{
	CLEANUP(freep) char *failure = TAKE(visit->failure);

	if (failure)
		visit_fail(visit, -EIO, failure);
	else
		visit_done(visit);
}

static void on_more(void *arg)
{
	struct visit *visit = arg;
	struct loop *loop = api_resources_loop(visit->resources);
	usec_t until = loop_now(loop) + SLICE;
	const struct db *db = visit_db(visit);

	loop_doing(loop, visit->doing);
	if (!db)
		return;
	for (; visit->at < visit->n_names; visit->at++) {
		if (api_request_congested(visit->req))
			return;
		if (loop_now(loop) > until) {
			loop_defer_schedule(visit->more);
			return;
		}
		visit->emit(visit, db, visit->names[visit->at]);
	}
	end(visit);
}

void visit_stream_names(struct visit *visit, visit_emit_fn *emit)
{
	visit->emit = emit;
	visit->more = loop_patient_new(api_resources_loop(visit->resources), on_more, visit);
	/* to find many has taken its time already: they are told from the loop */
	if (visit->n_names > AT_ONCE_MAX)
		loop_defer_schedule(visit->more);
	else
		on_more(visit);
}

void visit_stream(struct visit *visit, const char *const *names, size_t n, visit_emit_fn *emit)
{
	size_t bytes = 0;
	char *to;

	for (size_t i = 0; i < n; i++)
		bytes += strlen(names[i]) + 1;
	visit->names = xcalloc(n + 1, sizeof(*visit->names));
	visit->name_pool = to = xmalloc(bytes);
	for (size_t i = 0; i < n; i++) {
		visit->names[i] = to;
		to = stpcpy(to, names[i]) + 1;
	}
	visit->n_names = n;
	visit_stream_names(visit, emit);
}

void visit_stream_nodes(
	struct visit *visit, const struct db *db, const struct bitset *nodes, visit_emit_fn *emit)
{
	CLEANUP(freep) uint32_t *sorted = NULL;
	CLEANUP(freep) const char **names = NULL;
	size_t n = db_sorted(db, nodes, &sorted);

	names = xcalloc(n + 1, sizeof(*names));
	for (size_t i = 0; i < n; i++)
		names[i] = db_node_name(db, sorted[i]);
	visit_stream(visit, names, n, emit);
}
