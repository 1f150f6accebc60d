/*
 * The changes of the registry: letting a member in, and deleting one. Each is one transaction that
 * compares that the own record stands, that the record it replaces is the one that was looked at,
 * and that nobody is active under the name.
 */
#ifndef MEMBER_REGISTRY_H
#define MEMBER_REGISTRY_H

#include <stdint.h>

#include "base/err.h"
#include "record/records.h"

struct identity;
struct loop;
struct member;
struct registry_job;
struct roster;

/* Once, from the loop. 0: done, at that revision. -EBUSY: active; -ENOENT: no such member;
 * -EHOSTDOWN: no quorum; -EINPROGRESS: not known whether it was applied; else refused. */
typedef void registry_done_fn(int rc, const char *why, int64_t revision, void *arg);

/* Writes record (with this member as its inviter). A record of that name with the same key and role
 * is left as it is. only_if_there: writes nothing; refused (-ENOENT) unless the record is there with
 * this key. */
struct registry_job *registry_admit(struct loop *loop, struct member *member,
	const struct identity *identity, const struct member_record *record, bool only_if_there,
	registry_done_fn *done, void *arg);
/* name: as name_valid() wants it. */
struct registry_job *registry_delete(struct loop *loop, struct member *member,
	const struct identity *identity, const char *name, registry_done_fn *done, void *arg);
/* done is not called any more. NULL is fine. */
void registry_cancel(struct registry_job *job);

/* "NAME is still active, stop the confluent service to remove it": upstream's words. */
int registry_still_active(struct err *err, const char *name);
int registry_unknown(struct err *err, const char *name);
int registry_no_quorum(struct err *err);
/* Whether somebody may become a member under this name: -ENOSPC where it is nobody's yet, and there are
 * as many members as there may be. */
int registry_room(const struct roster *roster, const char *name, struct err *err) MUST_CHECK;

#endif
