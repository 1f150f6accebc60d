/*
 * The begin of a change of the collective key, asked for by command: a new random key, wrapped for this
 * member and the leader, and the state, in one transaction (app/rekey_steps.h). From then on the rekeyers
 * go on by themselves; this member learns the key from etcd like every other one.
 *
 * Failures: refused where a change is under way, where this member may not write, and where a member's
 * public key is not known. An outcome that is not known is found out by looking at the state.
 */
#ifndef APP_REKEY_BEGIN_H
#define APP_REKEY_BEGIN_H

#include "base/err.h"

struct agent;
struct rekey_begin;

/* Once, from the loop. rc 0: key is the id of the new key; -EINPROGRESS: not known. */
typedef void rekey_begin_fn(int rc, const char *why, const char *key, void *arg);

struct rekey_begin *rekey_begin_new(struct agent *agent, rekey_begin_fn *done, void *arg);
/* done is not called any more. NULL is fine. */
void rekey_begin_free(struct rekey_begin *begin);

#endif
