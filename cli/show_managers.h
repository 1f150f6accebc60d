/*
 * What `collective show` prints about who looks after which nodes.
 */
#ifndef CLI_SHOW_MANAGERS_H
#define CLI_SHOW_MANAGERS_H

#include <stdio.h>

#include "cli/writer.h"
#include "wire/json.h"

/* Into the answer: for people only where it was asked for with -v. */
void show_managers_write(struct writer *w, const json *answer);
/* What they should know in any case, a line each. */
void show_managers_notes(FILE *err, const json *answer);

#endif
