/*
 * struct replica_load: reads the copy on disk once.
 *
 * The happy path: when the worker has finished whatever an earlier member of this process had it do
 * with the file, `program --read-copy FOLDER` reads it; its output is judged (store/pack.h) and made
 * into a picture, a few milliseconds at a time; only when all of it was found to be right is it given
 * out.
 *
 * Failures: no copy, one that is damaged or another collective's, a reader that a signal ended or that
 * took too long: one text, and no picture.
 */
#ifndef COPY_REPLICA_LOAD_H
#define COPY_REPLICA_LOAD_H

#include <stddef.h>

#include "base/err.h"
#include "base/usec.h"
#include "copy/picture.h"
#include "store/store.h"

struct loop;
struct replica_load;
struct worker;

struct replica_loaded {
	int rc;		 /* 0; -ENOENT: there is none; -EBADMSG: damaged or foreign; … */
	const char *why; /* text for rc != 0 */
	/* The rest is the receiver's, where rc is 0. */
	struct picture *picture;
	char *contents; /* the keys, packed ('P' frames) */
	char *frames;	/* where they begin in it */
	size_t frames_len;
	struct store_mark mark;
	size_t keys;
	usec_t took;
};

struct replica_load_config {
	struct loop *loop;
	struct worker *disk;
	const char *folder, *program, *collective_id;
	/* Once, from the loop; free the load then. */
	void (*done)(struct replica_loaded *loaded, void *arg);
	void *arg;
};

struct replica_load *replica_load_new(const struct replica_load_config *config);
/* NULL is fine. */
void replica_load_free(struct replica_load *load);

#endif
