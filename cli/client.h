/*
 * The program's end of the agent's socket: blocking, every wait with a deadline.
 *
 * client_ask() is one question: connect, read the greeting, send {"collective":request}, read one
 * {"collective":answer}. Error texts are complete sentences for the user, with the remedy.
 */
#ifndef CLI_CLIENT_H
#define CLI_CLIENT_H

#include "base/err.h"
#include "base/macros.h"
#include "base/usec.h"
#include "wire/json.h"

#define CLIENT_CONNECT_TIMEOUT (2 * USEC_PER_SEC)
#define CLIENT_ANSWER_TIMEOUT  (30 * USEC_PER_SEC)

/* Takes the request. *ret_answer is the inner object, new; it holds "error" where the agent refused.
 * -ETIMEDOUT, -EACCES, -ENOENT (no agent) and so on, with the text. */
int client_ask(const char *socket, json *request, usec_t timeout, json **ret_answer,
	struct err *err) MUST_CHECK;

#endif
