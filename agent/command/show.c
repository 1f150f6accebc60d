#include "config.h"
#include "command/show.h"

#include <stdio.h>

#include "api/server.h"
#include "app/agent.h"
#include "app/database.h"
#include "app/door.h"
#include "app/hooks.h"
#include "app/mover.h"
#include "app/rekeyer.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "command/show_managers.h"
#include "copy/replica.h"
#include "identity/identity.h"
#include "io/clock.h"
#include "io/loop.h"
#include "member/member.h"
#include "model/natsort.h"
#include "write/writer.h"

static int by_name(const struct roster_member *a, const struct roster_member *b)
{
	return natsort_compare(a->name, b->name);
}

static void add_names(json *answer, const char *name, const struct roster *roster, unsigned filter)
{
	CLEANUP(freep) const struct roster_member **list = xcalloc(ROSTER_MAX, sizeof(*list));
	unsigned n = roster_list(roster, filter, by_name, list, ROSTER_MAX);
	json *array = json_set(answer, name, json_new_array());

	for (unsigned i = 0; i < n && i < ROSTER_MAX; i++)
		json_add_str(array, list[i]->name);
}

static usec_t to_wall(const struct agent *agent, usec_t boot)
{
	return clock_wall() - (loop_now(agent->loop) - boot);
}

static void add_stale(json *answer, struct agent *agent, bool quorum)
{
	usec_t age = member_view_age(agent->member);
	const char *trouble = member_trouble(agent->member);
	struct etcd_sync_status sync;
	json *stale;

	if (!trouble && quorum && roster_crowded(member_roster(agent->member)))
		trouble = MOVER_CROWDED;
	member_sync_status(agent->member, &sync);
	if (sync.revision && age && (!quorum || age > USEC_PER_SEC)) {
		stale = json_set(answer, "stale", json_new_object());
		json_set_seconds(stale, "age", age);
		json_set_i64(stale, "revision", sync.revision);
	}
	if (quorum && !trouble && sync.revision)
		return;
	/* with quorum, a trouble is what there is to know; without, the others are what is missing */
	bool known = sync.revision || (quorum && trouble);
	if (!trouble)
		trouble = quorum ? "what is in etcd is still being read"
				 : "etcd has not answered yet";
	CLEANUP(freep)
	char *note = known ? xstrdup(trouble) : xasprintf("Nothing is known yet: %s", trouble);
	json_set_str(answer, "note", note);
}

static void add_machine(struct agent *agent, json *machines, const struct sm_info *info)
{
	json *one = json_add(machines, json_new_object());

	json_set_str(one, "machine", info->machine);
	json_set_str(one, "state", info->state);
	json_set_seconds(one, "since", to_wall(agent, info->since));
	CLEANUP(freep)
	char *reason = xasprintf("%s%s%s", *info->reason ? info->reason : "as it began",
		*info->trouble ? "; now: " : "", info->trouble);
	json_set_str(one, "reason", reason);
	if (info->next_wakeup == USEC_NEVER)
		json_set_null(one, "next");
	else
		json_set_seconds(
			one, "next", usec_max(0, info->next_wakeup - loop_now(agent->loop)));
}

static void add_machines(json *answer, struct agent *agent)
{
	json *machines = json_set(answer, "machines", json_new_array());
	struct etcd_sync_status sync;
	struct sm_info info;

	for (unsigned i = 0; member_info(agent->member, i, &info); i++)
		add_machine(agent, machines, &info);
	rekeyer_info(agent->rekeyer, &info);
	add_machine(agent, machines, &info);
	mover_info(agent->mover, &info);
	add_machine(agent, machines, &info);
	member_sync_status(agent->member, &sync);
	info = (struct sm_info){
		.machine = "sync",
		.state = sync.state,
		.reason = sync.reason,
		.since = sync.since,
		.next_wakeup = sync.next,
		.trouble = "",
	};
	add_machine(agent, machines, &info);
}

static void add_etcd(json *answer, struct agent *agent)
{
	json *list = json_set(answer, "etcd", json_new_array());
	struct etcd_status status;

	etcd_status(member_etcd(agent->member), &status);
	for (size_t i = 0; i < status.n; i++) {
		const struct etcd_endpoint_status *e = &status.endpoints[i];
		json *one = json_add(list, json_new_object());

		json_set_str(one, "endpoint", e->url);
		json_set_str(one, "state", e->state);
		json_set_bool(one, "current", e->current);
		json_set_str(one, "version", e->version);
		json_set_str(one, "error", e->error);
		if (*e->error)
			json_set_number(
				one, "age", (loop_now(agent->loop) - e->error_at) / USEC_PER_SEC);
		json_set_i64(one, "revision", e->revision);
		json_set_u64(one, "raft_term", e->raft_term);
		json_set_u64(one, "requests", e->requests);
		json_set_u64(one, "failures", e->failures);
	}
	CLEANUP(freep) char *cluster = xasprintf("%llx", (unsigned long long)status.cluster_id);
	json_set_str(answer, "cluster", cluster);
}

static void add_certificate(json *answer, const struct identity *id)
{
	json *one;

	if (!id->facts)
		return;
	one = json_set(answer, "certificate", json_new_object());
	json_set_str(one, "subject", id->facts->subject);
	json_set_number(one, "not_after", id->facts->not_after / USEC_PER_SEC);
	json_set_number(one, "renew_at", cert_renewal_time(id->facts) / USEC_PER_SEC);
	json_set_str(one, "serial", id->facts->serial);
}

static void add_database(json *answer, struct agent *agent)
{
	const struct replica *replica = member_replica(agent->member);
	usec_t age = replica_age(replica);
	struct replica_status status;
	json *one = json_set(answer, "database", json_new_object());

	replica_status(replica, &status);
	json_set_i64(one, "revision", replica_revision(replica));
	if (age == USEC_NEVER)
		json_set_null(one, "age");
	else
		json_set_seconds(one, "age", age);
	json_set_number(one, "keys", (int64_t)status.keys);
	json_set_number(one, "other_keys", (int64_t)status.others);
	json_set_number(one, "odd_keys", (int64_t)status.odd);
	json_set_number(one, "listed", (int64_t)status.listed);
	json_set_number(one, "changes", (int64_t)status.events);
	json_set_number(one, "loaded", (int64_t)status.loaded);
	json_set_seconds(one, "load_time", status.load_time);
	json_set_str(one, "copy", status.state);
	json_set_str(one, "copy_error", status.trouble);
	json_set_i64(one, "copy_revision", status.stored);
	json_set_number(one, "commits", (int64_t)status.commits);
	json_set_number(one, "waiting", (int64_t)status.waiting);
}

static void add_counters(json *answer, struct agent *agent)
{
	json *c = json_set(answer, "counters", json_new_object());
	struct api_counters api = api_server_counters(agent->api);
	const struct roster *roster = member_roster(agent->member);
	struct loop_stall stall = loop_stall(agent->loop);
	struct enroll_server_stats door;
	struct etcd_sync_status sync;
	struct writer_status writes;
	json *loop;

	door_stats(agent->door, &door);
	member_sync_status(agent->member, &sync);
	json_set_number(c, "connections", api.connections);
	json_set_number(c, "requests", (int64_t)api.requests);
	json_set_number(c, "listings", sync.listings);
	json_set_number(c, "resumptions", sync.resumptions);
	json_set_number(c, "odd_keys", (int64_t)member_odd_keys(agent->member));
	json_set_number(c, "invalid_records", roster_invalid(roster));
	json_set_number(c, "foreign_active_keys", roster_foreign(roster));
	json_set_number(c, "joiners_accepted", (int64_t)door.accepted);
	json_set_number(c, "joiners_refused", (int64_t)(door.refused + door.garbage));
	json_set_number(c, "joiners_timed_out", (int64_t)door.timeouts);
	json_set_number(c, "joiners_redeemed", (int64_t)door.redeemed);
	database_writes(agent->database, &writes);
	json_set_number(c, "writes", (int64_t)writes.done);
	json_set_number(c, "writes_under_way", (int64_t)writes.plans);
	json_set_number(c, "writes_waiting", (int64_t)writes.waiting);
	json_set_number(c, "write_transactions", (int64_t)writes.applied);
	json_set_number(c, "write_conflicts", (int64_t)writes.failed);
	json_set_number(c, "write_unknown", (int64_t)writes.unknown);
	loop = json_set(answer, "loop", json_new_object());
	json_set_number(loop, "longest_stall_ms", stall.longest / USEC_PER_MSEC);
	json_set_number(loop, "working_ms", stall.working / USEC_PER_MSEC);
	json_set_str(loop, "what", stall.what ? stall.what : "");
}

json *show_collective(struct agent *agent, bool verbose)
{
	const struct roster *roster = member_roster(agent->member);
	const struct roster_member *leader = roster_leader_member(roster);
	bool quorum = member_quorum(agent->member);
	const char *removed = member_removed(agent->member);
	json *answer = json_new_object();

	/* who is cut off can't know who leads now */
	json_set_str(answer, "leader", quorum && leader ? leader->name : "");
	add_names(answer, "active", roster,
		ROSTER_ACTIVE | (quorum && leader ? ROSTER_NO_LEADER : 0u));
	add_names(answer, "offline", roster, ROSTER_OFFLINE);
	add_names(answer, "nonvoting", roster, ROSTER_NONVOTING);
	json_set_bool(answer, "quorum", quorum);
	json_set_str(answer, "name", agent->identity->name);
	json_set_str(answer, "state", member_state(agent->member));
	add_stale(answer, agent, quorum);
	if (removed)
		json_set_str(answer, "error", removed);
	show_managers(agent, answer, verbose);
	if (!verbose)
		return answer;
	add_machines(answer, agent);
	add_etcd(answer, agent);
	add_certificate(answer, agent->identity);
	add_database(answer, agent);
	hooks_tell(agent->hooks, answer);
	add_counters(answer, agent);
	return answer;
}
