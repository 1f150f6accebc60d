/*
 * What the tests of the writer share: a gateway with a small etcd behind it, and plans of the simplest
 * kind: "put a value at nodes/OBJECT/a", for a number of objects, compared with what the plan last saw
 * there. They count how they were treated.
 */
#ifndef TESTS_UNIT_TEST_WRITE_H
#define TESTS_UNIT_TEST_WRITE_H

#include <check.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "identity/identity.h"
#include "model/plan.h"
#include "tests/unit/test_etcd_kv.h"

struct etcd;
struct db;
struct http;
struct loop;
struct loop_timer;
struct worker;
struct writer;
struct writer_job;

TCase *writer_slot_case(void);
TCase *writer_plans_case(void);
TCase *writer_values_case(void);

void writer_world_begin(struct loop **loop, struct http **http, struct etcd **etcd, struct kv *kv);
void writer_world_end(struct loop *loop, struct http *http, struct etcd *etcd, struct kv *kv);

/* ---- the copy: what toy_sync() last saw ---- */

#define TOY_PREFIX "/c/"

struct db *toy_db_new(void);
void toy_db_free(struct db *db);
void toy_sync(struct db *db, const struct kv *kv);
/* For numbers: the highest id.index there is; "" where there is none. */
void toy_index(struct db *db, const char *text);

/* ---- plans ---- */

struct toy_facts {
	bool freed;
	unsigned applied, again, refused, unknown;
	int64_t first; /* number given */
};

struct toy_options {
	const char *prefix; /* of the objects' names */
	size_t n;
	const char *value;
	const char *attribute; /* NULL: "a" */
	enum plan_coat coat;
	const char *from;
	size_t padding; /* further bytes of each unit */
	size_t numbers;
	int64_t above;	 /* all of them are greater */
	size_t compares; /* of each unit; 0: 1 */
};

/* facts live longer than the plan. */
struct plan *toy_plan(const struct toy_options *options, struct toy_facts *facts);

/* ---- the rig: a writer, and a copy that follows ---- */

#define RIG_RECORD "/c/members/m1"

/* One command and how it ended. */
struct command {
	struct toy_facts facts;
	struct writer_job *job;
	bool done;
	int rc;
	char why[1024];
};

extern struct rig {
	struct loop *loop;
	struct http *http;
	struct etcd *etcd;
	struct worker *worker;
	struct kv kv;
	struct db *db;
	struct identity identity;
	struct writer *writer;
	struct loop_timer *follow;
	bool lagging; /* the copy stays as it is */
	int may_not;  /* what may_write() gives */
	int64_t expected;
} rig;

void rig_begin(void);
void rig_end(void);
void rig_submit(struct command *command, const struct toy_options *options);
void rig_wait(struct command *command);
/* Both, for objects of this name. */
void rig_run(struct command *command, const char *prefix, size_t n, const char *value);
void rig_rc(const struct command *command, int rc);
void rig_says(const struct command *command, const char *part);

#endif
