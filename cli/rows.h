/*
 * Answers of many objects: lists in them, under one name in each, and a last one that is the "end". Asked
 * for, and printed as JSON as they come: {"KEY":[row,…],…}.
 */
#ifndef CLI_ROWS_H
#define CLI_ROWS_H

#include <stdbool.h>

#include "base/usec.h"
#include "cli/client.h"
#include "cli/verb.h"
#include "wire/json.h"

/* Asks (takes the request); each object is handed on until one has an "end", whose inside is in *ret_end
 * then, new. on_frame gives 0. Tells that an answer is old. CLI_OK, or CLI_FAILED with the reason on
 * standard error. timeout is for each wait. */
int rows_ask(struct call *call, json *request, usec_t timeout, client_frame_fn *on_frame, void *arg,
	json **ret_end);

/* Tells on standard error how old an answer is that has "stale"; NULL: it is current. */
void rows_tell_age(struct call *call, const json *stale);

struct rows {
	struct call *call;
	bool on, listed;
	unsigned long n;
};
/* Nothing is printed without --json. key NULL: there are no rows, only the members that rows_end()
 * adds. */
void rows_begin(struct rows *rows, struct call *call, const char *key);
void rows_add(struct rows *rows, const json *row);
/* end: more members of the object, or NULL. */
void rows_end(struct rows *rows, const json *end);

#endif
