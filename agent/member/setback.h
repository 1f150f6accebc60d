/*
 * struct setback: is etcd really further back than it was? A single old answer is not enough to stop
 * a member; the store is asked again, until there is an answer.
 */
#ifndef MEMBER_SETBACK_H
#define MEMBER_SETBACK_H

#include <stdint.h>

struct etcd;
struct loop;
struct setback;

/* Called, from the loop, when it is: why is new and is handed over. */
typedef void setback_fn(char *why, void *arg);

/* key: one that may be read. */
struct setback *setback_new(
	struct loop *loop, struct etcd *etcd, const char *key, setback_fn *fn, void *arg);
void setback_free(struct setback *setback);
/* Somebody saw it behind this revision: look into it. */
void setback_suspect(struct setback *setback, int64_t revision);
/* It is, beyond doubt. Told from the loop, because it is found out while an answer is being judged,
 * which is not the time to cancel the call it belongs to. */
void setback_prove(struct setback *setback, const char *why);
/* The text, new. */
char *setback_why(int64_t from, int64_t to);

#endif
