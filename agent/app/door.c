#include "config.h"
#include "app/door.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "app/agent.h"
#include "base/file.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "enroll/invitations.h"
#include "identity/identity.h"
#include "identity/install.h"
#include "io/clock.h"
#include "io/loop.h"
#include "member/member.h"
#include "member/registry.h"
#include "trust/ca.h"
#include "trust/csr.h"

#define SWEEP_PERIOD (600 * USEC_PER_SEC)

struct door {
	struct agent *agent;
	struct invitations *book;
	struct enroll_server *server; /* NULL: not listening */
	struct loop_timer *sweep;
	struct invitations_wait swept;
	struct log_limit refusals;
	struct list admissions;
};

/* One member being registered. */
struct admission {
	struct list link;
	struct door *door;
	struct enroll_redeem *redeem;
	struct registry_job *job;
	char *certificate; /* the answer, made before anything is registered */
	char *bundle;
	char *public_key; /* the joiner's */
};

static void admission_free(struct admission *a)
{
	list_del(&a->link);
	registry_cancel(a->job);
	free(a->certificate);
	secret_free(a->bundle);
	free(a->public_key);
	free(a);
}

/* The addresses that the certificate is to name: as the joiner sees itself, and as we see it (but no
 * link-local one, which means something else on each host). */
static size_t certificate_addresses(const struct enroll_redeem *r, const char *ret[], size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < r->request->address_count && n + 1 < max; i++)
		ret[n++] = r->request->addresses[i];
	if (!strchr(r->peer, '%'))
		ret[n++] = r->peer;
	return n;
}

static int issue(struct door *door, const struct enroll_redeem *r, char **ret_certificate,
	char **ret_bundle, struct err *err)
{
	const struct bundle *bundle = door->agent->identity->bundle;
	const char *addresses[CA_ADDRESSES_MAX];
	size_t n = certificate_addresses(r, addresses, ARRAY_SIZE(addresses));
	CLEANUP(ca_freep) struct ca *ca = NULL;
	int rc;

	rc = ca_open(&ca, bundle->ca_key, bundle->ca_certificate, err);
	if (rc == 0)
		rc = ca_issue(ca, r->request->csr, r->name, addresses, n, clock_wall(),
			ret_certificate, err);
	if (rc == 0)
		rc = bundle_encode(bundle, ret_bundle, err);
	return rc;
}

static enum enroll_code code_of(int rc)
{
	switch (rc) {
	case -EHOSTDOWN:
		return ENROLL_NO_QUORUM;
	case -EBUSY:
	case -ENOENT:
	case -EKEYREVOKED:
		return ENROLL_REFUSED;
	default:
		return ENROLL_UNAVAILABLE;
	}
}

/* The collective keys as they are now that the member is registered: they may have changed meanwhile. */
static void bundle_again(struct admission *a)
{
	char *bundle;

	if (bundle_encode(a->door->agent->identity->bundle, &bundle, NULL) < 0)
		return;
	secret_free(a->bundle);
	a->bundle = bundle;
}

static void on_admitted(int rc, const char *why, int64_t revision, void *arg)
{
	struct admission *a = arg;
	struct enroll_redeem *redeem = a->redeem;

	a->job = NULL;
	(void)revision;
	if (rc == 0)
		bundle_again(a);
	if (rc == 0) {
		enroll_redeem_done(redeem, a->certificate, a->bundle);
	} else {
		log_warning("enroll", "%s from %s could not be registered: %s", redeem->name,
			redeem->peer, why);
		enroll_redeem_fail(redeem, code_of(rc), rc != -EINPROGRESS, why);
	}
	admission_free(a);
}

static void on_redeem(struct enroll_redeem *redeem, void *arg)
{
	struct door *door = arg;
	struct agent *agent = door->agent;
	const struct enroll_request *request = redeem->request;
	struct member_record record = {.port = request->port, .nonvoting = !redeem->voting};
	struct admission *a = xcalloc(1, sizeof(*a));
	struct err err = {""};

	a->door = door;
	a->redeem = redeem;
	list_add_tail(&door->admissions, &a->link);
	if (csr_public(request->csr, &a->public_key, &err) < 0 ||
		issue(door, redeem, &a->certificate, &a->bundle, &err) < 0) {
		log_warning("enroll", "%s from %s was turned away: %s", redeem->name, redeem->peer,
			err.text);
		enroll_redeem_fail(redeem, ENROLL_REFUSED, true, err.text);
		admission_free(a);
		return;
	}
	snprintf(record.name, sizeof(record.name), "%s", redeem->name);
	snprintf(record.address, sizeof(record.address), "%s",
		request->address_count ? request->addresses[0] : redeem->peer);
	snprintf(record.key, sizeof(record.key), "%s", redeem->key);
	snprintf(record.version, sizeof(record.version), "%s", request->version);
	snprintf(record.public_key, sizeof(record.public_key), "%s", a->public_key);
	record.joined = clock_wall();
	redeem->owner = a;
	a->job = registry_admit(agent->loop, agent->member, agent->identity, &record,
		redeem->used_before, on_admitted, a);
}

static void on_cancel(struct enroll_redeem *redeem, void *arg)
{
	(void)arg;
	if (redeem->owner)
		admission_free(redeem->owner);
}

static void on_answered(const struct enroll_redeem *redeem, int rc, const char *why, void *arg)
{
	(void)arg;
	if (rc < 0)
		log_error("enroll", "%s from %s is registered, but could not be answered: %s",
			redeem->name, redeem->peer, why);
	else
		log_info("enroll", "%s joined from %s", redeem->name, redeem->peer);
}

static void on_refused(const char *peer, const char *name, const char *why, void *arg)
{
	struct door *door = arg;
	char others[64] = "";
	unsigned left_out;

	if (!log_limit_pass(&door->refusals, loop_now(door->agent->loop), &left_out))
		return;
	if (left_out)
		snprintf(others, sizeof(others), " (%u others since the last such line)", left_out);
	log_warning("enroll", "%s (%s) was turned away: %s%s", peer, name ? name : "unknown token",
		why, others);
}

static const struct enroll_server_ops ops = {
	.redeem = on_redeem, .cancel = on_cancel, .answered = on_answered, .refused = on_refused};

static void on_swept(struct invitations_wait *wait, int rc, const char *why)
{
	(void)wait;
	if (rc < 0)
		log_warning("enroll", "%s", why);
}

static void on_sweep(void *arg)
{
	struct door *door = arg;

	invitations_sweep(door->book, clock_wall());
	invitations_leave(&door->swept);
	if (invitations_settle(door->book, &door->swept))
		door->swept.done = on_swept;
	loop_timer_after(door->sweep, SWEEP_PERIOD);
}

int door_new(struct door **ret, struct agent *agent, struct err *err)
{
	CLEANUP(freep) char *path = file_join(agent->conf->paths.config_dir, INSTALL_INVITATIONS);
	struct door *door = xcalloc(1, sizeof(*door));
	int rc;

	door->agent = agent;
	list_init(&door->admissions);
	rc = invitations_load(&door->book, agent->worker, path, clock_wall(), err);
	if (rc < 0) {
		door_free(door);
		return rc;
	}
	door->sweep = loop_timer_new(agent->loop, "invitations", on_sweep, door);
	loop_timer_after(door->sweep, 0);
	*ret = door;
	return 0;
}

void door_free(struct door *door)
{
	if (!door)
		return;
	enroll_server_free(door->server);
	loop_timer_free(door->sweep);
	invitations_leave(&door->swept);
	invitations_free(door->book);
	free(door);
}

int door_open(struct door *door, struct err *err)
{
	const struct conf *conf = door->agent->conf;
	const struct identity *id = door->agent->identity;
	CLEANUP(secret_freep) char *key = NULL;
	struct enroll_server_options options = {
		.port = conf->member.port,
		.certificate = id->certificate,
		.version = PACKAGE_VERSION,
	};
	int rc;

	if (door->server)
		return 0;
	if (!id->certificate)
		return err_set(err, -ENOENT,
			"there is no certificate for port %d: run collective gencert",
			conf->member.port);
	rc = privkey_pem(id->key, &key, err);
	if (rc < 0)
		return rc;
	options.key = key;
	rc = enroll_server_new(
		&door->server, door->agent->loop, door->book, &options, &ops, door, err);
	if (rc < 0)
		return err_wrap(err, rc, "nobody can join here");
	return 0;
}

struct invitations *door_book(struct door *door)
{
	return door->book;
}

void door_hold(struct door *door, bool hold)
{
	if (door)
		invitations_hold(door->book, hold);
}

void door_certificate_changed(struct door *door)
{
	const struct identity *id = door->agent->identity;
	CLEANUP(secret_freep) char *key = NULL;
	struct err err = {""};
	int rc;

	if (!door->server) {
		/* it was what was missing, perhaps */
		if (door_open(door, &err) < 0)
			log_warning("enroll", "%s", err.text);
		return;
	}
	rc = privkey_pem(id->key, &key, &err);
	if (rc == 0)
		rc = enroll_server_set_certificate(door->server, id->certificate, key, &err);
	if (rc < 0)
		log_error("enroll", "the new certificate can't be used for joiners: %s", err.text);
}

bool door_stats(const struct door *door, struct enroll_server_stats *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (!door->server)
		return false;
	enroll_server_stats(door->server, ret);
	return true;
}
