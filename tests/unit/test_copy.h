/*
 * What the tests of the replica share: one replica, with a real disk and a real reading process, and
 * what it said.
 */
#ifndef TESTS_UNIT_TEST_COPY_H
#define TESTS_UNIT_TEST_COPY_H

#include <stdbool.h>
#include <stdint.h>

#include "copy/replica.h"
#include "io/clock.h"
#include "tests/lib/suite.h"

#define PREFIX	 "/c/"
#define DEADLINE (20 * USEC_PER_SEC)
#define RETRY	 (200 * USEC_PER_MSEC)

/* What the replica said. */
struct said {
	bool loaded;
	char failure[512];
	int64_t told;
	unsigned tellings, list_again, complaints;
	char complaint[512];
};
extern struct said said;

extern struct loop *loop;
extern struct worker *disk;
extern struct replica *replica;
extern char copy[80];
extern const char *program, *collective; /* for the next start() */

void start(void);
void load(void);
/* Ends the replica, starts another one and loads. */
void restart(void);
void turn(usec_t delay);
#define WAIT(condition)                                                                            \
	do {                                                                                       \
		usec_t until = clock_boot() + DEADLINE;                                            \
		while (!(condition) && clock_boot() < until)                                       \
			turn(USEC_PER_MSEC);                                                       \
		if (!(condition))                                                                  \
			ck_abort_msg("%s does not come", #condition);                              \
	} while (0)

void list_one(const char *key, const char *value, int64_t revision);
/* n1, which has a rack, and n2. */
void list_two_nodes(int64_t revision);
/* value NULL: deleted. */
void event(const char *key, const char *value, int64_t revision);
bool node_exists(const char *name);
struct replica_status status(void);
bool stored(int64_t revision);

/* test_copy_disk.c */
void add_disk_tests(TCase *t);

#endif
