#include "config.h"
#include "app/database.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "app/agent.h"
#include "identity/identity.h"
#include "member/member.h"
#include "copy/replica.h"
#include "write/writer.h"
#include "api/resources.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/text.h"
#include "io/clock.h"
#include "io/loop.h"
#include "model/plan.h"

/* A copy from disk is not shown before etcd had this time to say what came since, unless it is known
 * to be away. */
#define GRACE (3 * USEC_PER_SEC)

#define NOT_ENABLED "Collective mode not enabled on this system"

/* Given to the writer, or (job NULL) to be refused. */
struct api_write {
	struct list link;
	struct database *database;
	struct writer_job *job;
	struct plan *plan; /* without job */
	api_written_fn *done;
	void *arg;
};

struct database {
	struct agent *agent;
	struct api_database api;
	struct writer *writer; /* NULL: no member */
	struct replica_listener listener;
	struct list writes;
	struct loop_defer *refuse;
	struct loop_timer *grace; /* from the start of the member */
	bool current;		  /* the copy has been, since then */
};

/* ---- reading ---- */

static const struct db *read_copy(struct api_age *age, struct err *why, void *arg)
{
	struct database *d = arg;
	struct member *member = d->agent->member;
	struct replica *replica = member ? member_replica(member) : NULL;
	const struct db *db = replica ? replica_db(replica) : NULL;
	usec_t old;

	*age = (struct api_age){.current = true};
	if (!member) {
		err_set(why, -ENOENT, NOT_ENABLED);
		return NULL;
	}
	if (!db) {
		const char *trouble = member_trouble(member);

		err_set(why, -EAGAIN, "The database is not loaded yet%s%s",
			trouble ? ": " : ", try again in a moment", trouble ? trouble : "");
		return NULL;
	}
	old = replica_age(replica);
	if (old > 0)
		*age = (struct api_age){.age = old, .revision = replica_revision(replica)};
	return db;
}

static void look(struct database *d)
{
	struct member *member = d->agent->member;

	if (d->writer && member && replica_age(member_replica(member)) == 0)
		d->current = true;
}

/* A command that comes right after a restart is not to be refused, nor to read what was so before its
 * forerunner's write. */
static bool soon(void *arg)
{
	struct database *d = arg;
	struct member *member = d->agent->member;
	struct replica *replica = d->writer && member ? member_replica(member) : NULL;

	if (!replica || d->agent->stopping)
		return false;
	look(d);
	if (d->current)
		return false;
	if (replica_loading(replica))
		return true;
	if (member_trouble(member))
		return false;
	return !replica_db(replica) || loop_timer_due(d->grace) != USEC_NEVER;
}

static void tell_waiting(struct database *d)
{
	look(d);
	if (d->agent->resources)
		api_resources_moved(d->agent->resources);
}

static void on_grace(void *arg)
{
	tell_waiting(arg);
}

/* ---- what the writer asks ---- */

static int may_write(int64_t *record_rev, struct err *why, void *arg)
{
	struct database *d = arg;
	const struct member *member = d->agent->member;
	struct coord_fence fence;

	if (d->agent->stopping)
		return err_set(why, -ESHUTDOWN, "collectived is stopping");
	member_fence(member, &fence);
	*record_rev = fence.record_rev;
	/* a plan that is worked out from an old copy takes what others changed for already set */
	if (fence.may_write && replica_age(member_replica(d->agent->member)) > 0)
		return err_set(why, -EAGAIN,
			"this member's copy of the database is not current: try again in a moment, "
			"or on another member");
	if (fence.may_write)
		return 0;
	err_set(why, 0, "%s", fence.why_not ? fence.why_not : "this member may not write");
	/* it has just started, or registers anew because its former run's lease has to end first */
	if (!member_settled(member) && (member_quorum(member) || member_starting(member)))
		return -EAGAIN;
	return -EHOSTDOWN;
}

static const struct db *current(void *arg)
{
	struct database *d = arg;

	return replica_db(member_replica(d->agent->member));
}

static void on_applied(int64_t revision, void *arg)
{
	struct database *d = arg;

	member_expect(d->agent->member, revision);
}

static void on_revision(int64_t revision, void *arg)
{
	struct database *d = arg;

	(void)revision;
	writer_moved(d->writer);
	tell_waiting(d);
}

/* ---- writing ---- */

static void drop(struct api_write *write)
{
	list_del(&write->link);
	plan_free(write->plan);
	free(write);
}

static void on_written(int rc, const char *why, struct plan *plan, void *arg)
{
	struct api_write *write = arg;

	write->done(rc, why, plan, write->arg);
	drop(write);
}

static void on_refuse(void *arg)
{
	struct database *d = arg;
	struct api_write *write, *tmp;

	list_foreach_safe (write, tmp, &d->writes, link) {
		if (write->job)
			continue;
		plan_stop(write->plan, NOT_ENABLED);
		on_written(-ENOENT, NOT_ENABLED, write->plan, write);
	}
}

static struct api_write *write_plan(
	struct plan *plan, api_written_fn *done, void *done_arg, void *arg)
{
	struct database *d = arg;
	struct api_write *write = xcalloc(1, sizeof(*write));

	write->database = d;
	write->done = done;
	write->arg = done_arg;
	list_add_tail(&d->writes, &write->link);
	if (d->writer) {
		write->job = writer_submit(d->writer, plan, on_written, write);
	} else {
		write->plan = plan;
		loop_defer_schedule(d->refuse);
	}
	return write;
}

static void forget_write(struct api_write *write, void *arg)
{
	(void)arg;
	if (write->job)
		writer_forget(write->job);
	drop(write);
}

/* ---- life ---- */

struct database *database_new(struct agent *agent)
{
	struct database *d = xcalloc(1, sizeof(*d));

	d->agent = agent;
	d->api = (struct api_database){.read = read_copy,
		.soon = soon,
		.write = write_plan,
		.forget = forget_write,
		.arg = d};
	d->listener = (struct replica_listener){.fn = on_revision, .arg = d};
	list_init(&d->listener.link);
	list_init(&d->writes);
	d->refuse = loop_defer_new(agent->loop, on_refuse, d);
	d->grace = loop_timer_new(agent->loop, "database", on_grace, d);
	return d;
}

void database_free(struct database *d)
{
	if (!d)
		return;
	database_detach(d);
	on_refuse(d);
	loop_defer_free(d->refuse);
	loop_timer_free(d->grace);
	free(d);
}

void database_attach(struct database *d)
{
	struct member *member = d->agent->member;
	char run[32];
	struct writer_config config = {
		.loop = d->agent->loop,
		.etcd = member_etcd(member),
		.worker = d->agent->worker,
		.identity = d->agent->identity,
		.prefix = member_prefix(member),
		.run = run,
		.may_write = may_write,
		.db = current,
		.applied = on_applied,
		.arg = d,
	};

	snprintf(run, sizeof(run), "%016" PRIx64, random_u64());
	d->writer = writer_new(&config);
	d->current = false;
	loop_timer_after(d->grace, GRACE);
	replica_listen(member_replica(member), &d->listener);
}

void database_detach(struct database *d)
{
	list_del(&d->listener.link);
	writer_free(TAKE(d->writer));
	loop_timer_at(d->grace, USEC_NEVER);
	tell_waiting(d);
}

void database_changed(struct database *d)
{
	if (!d || !d->writer)
		return;
	writer_moved(d->writer);
	tell_waiting(d);
}

const struct api_database *database_api(const struct database *d)
{
	return &d->api;
}

void database_writes(const struct database *d, struct writer_status *ret)
{
	*ret = (struct writer_status){0};
	if (d->writer)
		writer_status(d->writer, ret);
}
