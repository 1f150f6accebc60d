/*
 * Asking for what must not be seen: a line from standard input, which a terminal does not show while
 * it is typed. The question goes to standard error.
 */
#ifndef CLI_ASK_H
#define CLI_ASK_H

#include "cli/verb.h"

/* The line without its end, new: a secret. NULL at the end of the input. */
char *ask_hidden(struct call *call, const char *question);
/* Is there somebody to be asked? */
bool ask_possible(struct call *call);

#endif
