#include "config.h"
#include "tests/unit/test_enroll_world.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "io/clock.h"
#include "io/loop.h"
#include "io/worker.h"
#include "tests/lib/suite.h"
#include "trust/privkey.h"

#define DEADLINE (20 * USEC_PER_SEC)

struct world w;

static char folder[] = "/tmp/enroll-ends-XXXXXX";
static char *path, *blocker;

static void must(int rc, const struct err *err)
{
	ck_assert_msg(rc >= 0, "%s", err->text);
}

void world_answer(struct enroll_redeem *r)
{
	const char *addresses[ENROLL_ADDRESSES_MAX + 1];
	size_t count = 0;
	char *certificate;
	struct err err;

	for (size_t i = 0; i < r->request->address_count; i++)
		addresses[count++] = r->request->addresses[i];
	addresses[count++] = r->peer;
	must(ca_issue(w.ca, r->request->csr, r->name, addresses, count, clock_wall(), &certificate,
		     &err),
		&err);
	w.registered++;
	enroll_redeem_done(r, certificate, w.bundle_text);
	free(certificate);
}

static bool all_are_answered(void *before)
{
	return w.answered > *(unsigned *)before;
}

void world_register(struct enroll_redeem *r)
{
	unsigned before = w.answered;

	world_answer(r);
	run_until(all_are_answered, &before);
}

static void on_redeem(struct enroll_redeem *r, void *arg UNUSED)
{
	w.redeems++;
	w.last_used_before = r->used_before;
	snprintf(w.last_peer, sizeof(w.last_peer), "%s", r->peer);
	switch (w.redeem) {
	case WORLD_REGISTERS:
		world_answer(r);
		break;
	case WORLD_HOLDS:
		ck_assert_uint_lt(w.held_count, ARRAY_SIZE(w.held));
		w.held[w.held_count++] = r;
		break;
	case WORLD_FAILS:
		enroll_redeem_fail(r, w.fail_code, w.fail_applied_never, w.fail_text);
		break;
	}
}

static void on_cancel(struct enroll_redeem *r, void *arg UNUSED)
{
	w.cancels++;
	for (unsigned i = 0; i < w.held_count; i++) {
		if (w.held[i] == r)
			w.held[i] = w.held[--w.held_count];
	}
}

static void on_answered(
	const struct enroll_redeem *r UNUSED, int rc, const char *why, void *arg UNUSED)
{
	w.answered++;
	w.done_rc = rc;
	err_set(&w.done_err, 0, "%s", why);
}

static void on_refused(
	const char *peer UNUSED, const char *name UNUSED, const char *why, void *arg UNUSED)
{
	w.refusals++;
	err_set(&w.last_refusal, 0, "%s", why);
}

static const struct enroll_server_ops server_ops = {
	.redeem = on_redeem,
	.cancel = on_cancel,
	.answered = on_answered,
	.refused = on_refused,
};

void world_start_server(void)
{
	const struct enroll_server_options options = {
		.address = w.address,
		.certificate = w.certificate,
		.key = w.key,
		.version = "0.1.0",
	};
	struct err err;

	must(worker_new(&w.worker, w.loop, &err), &err);
	must(invitations_load(&w.book, w.worker, path, clock_wall(), &err), &err);
	must(enroll_server_new(&w.server, w.loop, w.book, &options, &server_ops, NULL, &err), &err);
	snprintf(w.server_text, sizeof(w.server_text), "%s:%d", w.address,
		enroll_server_port(w.server));
}

static pthread_mutex_t disk = PTHREAD_MUTEX_INITIALIZER;
static bool disk_is_held;

static int run_held(void *data UNUSED, struct err *err UNUSED)
{
	pthread_mutex_lock(&disk);
	pthread_mutex_unlock(&disk);
	return 0;
}

void world_hold_disk(bool hold)
{
	if (hold == disk_is_held)
		return;
	disk_is_held = hold;
	if (!hold) {
		pthread_mutex_unlock(&disk);
		return;
	}
	pthread_mutex_lock(&disk);
	worker_submit(w.worker, run_held, NULL, NULL, NULL, NULL);
}

void world_kill_server(void)
{
	enroll_server_free(TAKE(w.server));
	invitations_free(TAKE(w.book));
	world_hold_disk(false);
	worker_free(TAKE(w.worker));
}

struct settle {
	struct invitations_wait wait;
	bool done;
	int rc;
};

static void on_settled(struct invitations_wait *wait, int rc, const char *why UNUSED)
{
	struct settle *settle = CONTAINER_OF(wait, struct settle, wait);

	settle->done = true;
	settle->rc = rc;
}

static bool is_settled(void *settle)
{
	return ((struct settle *)settle)->done;
}

int world_settle(void)
{
	struct settle settle = {.wait = {.done = on_settled}};

	if (!invitations_settle(w.book, &settle.wait))
		return 0;
	run_until(is_settled, &settle);
	return settle.rc;
}

void world_block_writes(bool block)
{
	ck_assert_int_eq(block ? mkdir(blocker, 0700) : rmdir(blocker), 0);
}

void world_setup(void)
{
	struct privkey *key;
	struct err err;

	memset(folder + sizeof(folder) - 7, 'X', 6);
	ck_assert_ptr_nonnull(mkdtemp(folder));
	path = file_join(folder, "invitations");
	blocker = file_join(folder, "invitations.new");
	w = (struct world){.redeem = WORLD_REGISTERS, .address = "127.0.0.1"};
	must(loop_new(&w.loop, &err), &err);
	must(bundle_found(&w.bundle, clock_wall(), &err), &err);
	bundle_add_endpoint(w.bundle, "https://etcd1:2379");
	free(w.bundle->prefix);
	w.bundle->prefix = xstrdup("/confluent/");
	must(bundle_encode(w.bundle, &w.bundle_text, &err), &err);
	must(ca_open(&w.ca, w.bundle->ca_key, w.bundle->ca_certificate, &err), &err);
	must(privkey_generate(&key, &err), &err);
	must(privkey_pem(key, &w.key, &err), &err);
	must(ca_renew(w.ca, key, "mgt1", NULL, 0, clock_wall(), &w.certificate, &err), &err);
	privkey_free(key);
	world_start_server();
}

void world_teardown(void)
{
	world_kill_server();
	ca_free(w.ca);
	bundle_free(w.bundle);
	secret_free(w.bundle_text);
	secret_free(w.key);
	free(w.certificate);
	loop_free(w.loop);
	unlink(path);
	rmdir(blocker);
	rmdir(folder);
	free(path);
	free(blocker);
}

char *world_invite(const char *name, usec_t age, usec_t ttl)
{
	struct token_psk psk;
	struct err err;
	char *token;

	must(token_make(name, &token, &psk, &err), &err);
	must(invitations_add(
		     w.book, name, true, psk.identity, psk.key, clock_wall() - age, ttl, &err),
		&err);
	token_psk_wipe(&psk);
	ck_assert_int_eq(world_settle(), 0);
	return token;
}

char *world_new_key(void)
{
	struct privkey *key;
	struct err err;
	char *pem;

	must(privkey_generate(&key, &err), &err);
	must(privkey_pem(key, &pem, &err), &err);
	privkey_free(key);
	return pem;
}

static void on_joined(const struct enroll_result *result, void *arg)
{
	struct joiner *j = arg;

	ck_assert(!j->done);
	j->done = true;
	j->rc = result->rc;
	j->why = xstrdup_null(result->why);
	j->certificate = xstrdup_null(result->certificate);
	j->bundle = xstrdup_null(result->bundle);
	enroll_client_free(TAKE(j->client));
}

void joiner_start_with_timeout(
	struct joiner *j, const char *server, const char *token, const char *key, usec_t timeout)
{
	static const char *const addresses[] = {"10.0.0.2", "fd00::2"};
	char *own = key ? NULL : world_new_key();
	const struct enroll_client_options options = {
		.server = server,
		.token = token,
		.key = key ? key : own,
		.version = "0.1.0",
		.addresses = addresses,
		.address_count = ARRAY_SIZE(addresses),
		.port = 13001,
		.timeout = timeout,
	};
	struct err err;

	*j = (struct joiner){0};
	must(enroll_client_new(&j->client, w.loop, &options, on_joined, j, &err), &err);
	secret_free(own);
}

void joiner_start(struct joiner *j, const char *server, const char *token, const char *key)
{
	joiner_start_with_timeout(j, server, token, key, 0);
}

void joiner_done(struct joiner *j)
{
	enroll_client_free(j->client);
	free(j->why);
	free(j->certificate);
	secret_free(j->bundle);
	*j = (struct joiner){0};
}

bool joiner_is_done(void *joiner)
{
	return ((struct joiner *)joiner)->done;
}

bool one_is_held(void *unused UNUSED)
{
	return w.held_count > 0;
}

bool connections_are(void *unsigned_number)
{
	struct enroll_server_stats stats;

	enroll_server_stats(w.server, &stats);
	return stats.connections == *(unsigned *)unsigned_number;
}

bool waiting_are(void *unsigned_number)
{
	struct enroll_server_stats stats;

	enroll_server_stats(w.server, &stats);
	return stats.waiting == *(unsigned *)unsigned_number;
}

void joiner_run(struct joiner *j, const char *token, const char *key)
{
	joiner_start(j, w.server_text, token, key);
	run_until(joiner_is_done, j);
}

struct wait {
	bool (*cond)(void *arg);
	void *arg;
	usec_t until;
	bool held;
	struct loop_timer *timer;
};

static void on_look(void *arg)
{
	struct wait *wait = arg;

	wait->held = wait->cond(wait->arg);
	if (wait->held || loop_now(w.loop) >= wait->until)
		loop_stop(w.loop);
	else
		loop_timer_after(wait->timer, USEC_PER_MSEC);
}

void run_until(bool (*cond)(void *arg), void *arg)
{
	struct wait wait = {.cond = cond, .arg = arg};
	struct err err;

	wait.until = usec_add(loop_now(w.loop), DEADLINE);
	wait.timer = loop_timer_new(w.loop, "test", on_look, &wait);
	loop_timer_after(wait.timer, 0);
	must(loop_run(w.loop, &err), &err);
	loop_timer_free(wait.timer);
	ck_assert_msg(wait.held, "what was waited for did not come");
}
