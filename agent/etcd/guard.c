#include "config.h"
#include "etcd/guard.h"

#include "base/macros.h"

static enum etcd_verdict judge_low_term(
	struct etcd_guard *guard, const struct etcd_header *header, int64_t known, usec_t now)
{
	/* a member's own state proves nothing about the cluster */
	if (known < 0)
		return ETCD_GUARD_STALE;
	if (!guard->low_count++)
		guard->low_since = now;
	if (guard->low_count < ETCD_GUARD_LOW_COUNT || now - guard->low_since < ETCD_GUARD_LOW_TIME)
		return ETCD_GUARD_STALE;
	guard->term = header->raft_term;
	guard->revision = header->revision;
	guard->low_count = 0;
	guard->setbacks++;
	return ETCD_GUARD_TERM_BACK;
}

enum etcd_verdict etcd_guard_judge(
	struct etcd_guard *guard, const struct etcd_header *header, int64_t known, usec_t now)
{
	if (!guard->cluster_id)
		guard->cluster_id = header->cluster_id;
	if (header->cluster_id != guard->cluster_id)
		return ETCD_GUARD_FOREIGN;
	if (header->raft_term < guard->term)
		return judge_low_term(guard, header, known, now);
	guard->term = header->raft_term;
	guard->low_count = 0;
	if (known >= 0 && header->revision < known && guard->revision >= known) {
		guard->revision = header->revision;
		guard->setbacks++;
		return ETCD_GUARD_REVISION_BACK;
	}
	guard->revision = MAX(guard->revision, header->revision);
	return ETCD_GUARD_GOOD;
}
