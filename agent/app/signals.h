/*
 * struct signals: what the agent does when it is told to end (SIGTERM, SIGINT: leadership is handed on and
 * answers are given first; a second one ends it at once) and to read its configuration again (SIGHUP);
 * and the word to the service manager that it is alive.
 */
#ifndef APP_SIGNALS_H
#define APP_SIGNALS_H

struct agent;
struct signals;

/* From the very start, so that a signal that comes early is not lost and does not kill. */
void signals_hold(void);
/* The agent has a loop, commands and a socket. What was held back is delivered. */
struct signals *signals_new(struct agent *agent);
void signals_free(struct signals *signals); /* NULL is fine */

#endif
