#include "config.h"
#include "copy/replica_load.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/macros.h"
#include "base/mem.h"
#include "io/child.h"
#include "io/loop.h"
#include "io/worker.h"
#include "store/pack.h"

#define READ_TIMEOUT (60 * USEC_PER_SEC)
#define SLICE	     (5 * USEC_PER_MSEC)
/* Between looks at the clock: keys, and bytes of them. A long list of groups takes a millisecond. */
#define SLICE_KEYS  256
#define SLICE_BYTES ((size_t)64 << 10)
/* What is read is smaller than the file; the rest is for what it says when it can't read it. */
#define OUTPUT_MORE ((size_t)1 << 20)

struct size_job {
	char *folder;
	size_t size;
	struct replica_load *load; /* the loop's alone */
};

struct replica_load {
	struct loop *loop;
	struct worker *disk;
	char *folder, *program, *collective_id;
	void (*done)(struct replica_loaded *loaded, void *arg);
	void *arg;
	usec_t began;
	struct worker_job *job;
	struct child *child;
	struct loop_timer *next;
	char *output;
	size_t output_len;
	struct store_reader reader;
	const char *first;
	struct picture *picture;
};

static void end(struct replica_load *load, struct replica_loaded *loaded)
{
	loaded->took = loop_now(load->loop) - load->began;
	load->done(loaded, load->arg);
}

static void fail(struct replica_load *load, int rc, const char *why)
{
	end(load, &(struct replica_loaded){.rc = rc, .why = why});
}

/* ---- what was read ---- */

static void complete(struct replica_load *load)
{
	struct replica_loaded loaded = {
		.picture = TAKE(load->picture),
		.mark = load->reader.mark,
		.keys = load->reader.seen.n,
		.contents = TAKE(load->output),
	};

	db_set_revision(loaded.picture->db, loaded.mark.revision);
	loaded.frames = loaded.contents + (load->first - loaded.contents);
	loaded.frames_len = (size_t)(load->reader.at - load->first);
	loaded.frames_len -= STORE_FRAME_HEAD; /* the end */
	end(load, &loaded);
}

/* 1: there is more. */
static int take_some(struct replica_load *load, struct err *err)
{
	size_t left = load->reader.left;
	struct store_kv kv;
	int rc = 1;

	for (unsigned i = 0; rc == 1 && i < SLICE_KEYS; i++) {
		if (left - load->reader.left > SLICE_BYTES)
			break;
		rc = store_reader_next(&load->reader, &kv, err);
		/* what can't be used was told when it came, and is counted */
		if (rc == 1 && picture_put(load->picture, &kv, NULL) < 0)
			continue;
	}
	return rc;
}

static void on_next(void *arg)
{
	struct replica_load *load = arg;
	usec_t until = loop_now(load->loop) + SLICE;
	struct err err = {""};
	int rc;

	do
		rc = take_some(load, &err);
	while (rc == 1 && loop_now(load->loop) < until);
	if (rc == 1)
		loop_timer_after(load->next, 0);
	else if (rc == 0)
		complete(load);
	else
		fail(load, rc, err.text);
}

/* ---- the reader ---- */

static void on_read(const struct child_result *result, void *arg)
{
	struct replica_load *load = arg;
	struct err err = {""};
	int rc;

	if (result->rc == -ECHILD && result->status < 0) {
		err_set(&err, -EBADMSG, "it is damaged: reading it ended with: %s", result->why);
		fail(load, -EBADMSG, err.text);
		return;
	}
	if (result->rc < 0) {
		fail(load, result->rc, result->why);
		return;
	}
	load->output_len = result->output_len;
	load->output = child_take_output(load->child);
	rc = store_reader_init(
		&load->reader, load->output, load->output_len, load->collective_id, &err);
	if (rc < 0) {
		fail(load, rc, err.text);
		return;
	}
	load->first = load->reader.at;
	load->picture = picture_new();
	loop_timer_after(load->next, 0);
}

static void start_reader(struct replica_load *load, size_t size)
{
	const char *const argv[] = {load->program, "--read-copy", load->folder, NULL};
	const struct child_options options = {
		.argv = argv,
		.max_output = size + OUTPUT_MORE,
		.timeout = READ_TIMEOUT,
		.done = on_read,
		.arg = load,
	};
	struct err err = {""};
	int rc = child_new(&load->child, load->loop, &options, &err);

	if (rc < 0)
		fail(load, rc, err.text);
}

static int run_size(void *data, struct err *err)
{
	struct size_job *job = data;

	return store_size(job->folder, &job->size, err);
}

static void drop_size(void *data)
{
	struct size_job *job = data;

	free(job->folder);
	free(job);
}

static void on_size(int rc, const char *why, void *arg)
{
	struct size_job *job = arg;

	job->load->job = NULL;
	if (rc < 0)
		fail(job->load, rc, why);
	else
		start_reader(job->load, job->size);
}

struct replica_load *replica_load_new(const struct replica_load_config *config)
{
	struct replica_load *load = xcalloc(1, sizeof(*load));
	struct size_job *job = xcalloc(1, sizeof(*job));

	load->loop = config->loop;
	load->disk = config->disk;
	load->folder = xstrdup(config->folder);
	load->program = xstrdup(config->program);
	load->collective_id = xstrdup(config->collective_id);
	load->done = config->done;
	load->arg = config->arg;
	load->began = loop_now(load->loop);
	load->next = loop_timer_new(load->loop, "copy", on_next, load);
	job->folder = xstrdup(config->folder);
	job->load = load;
	load->job = worker_submit(load->disk, run_size, job, drop_size, on_size, job);
	return load;
}

void replica_load_free(struct replica_load *load)
{
	if (!load)
		return;
	worker_forget(load->job);
	child_free(load->child);
	loop_timer_free(load->next);
	picture_free_on(load->disk, load->picture);
	free(load->output);
	free(load->folder);
	free(load->program);
	free(load->collective_id);
	free(load);
}
