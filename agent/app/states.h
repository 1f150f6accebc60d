/*
 * The state machines of the core as documents, printed from the tables that the code runs by.
 */
#ifndef APP_STATES_H
#define APP_STATES_H

#include <stdio.h>

/* format: "markdown", "mdoc" or "graphviz"; -EINVAL for another. */
int states_print(const char *format, FILE *out);

#endif
