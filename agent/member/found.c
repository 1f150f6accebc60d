/*
 * The happy path, each step begun when the one before is on disk: the key and certificate of a server
 * that has none; the new bundle kept aside; the transaction; the bundle put in place; the certificate
 * that the new CA issues. A failure of any ends the founding with its text; the next attempt goes on
 * from what is on disk.
 */
#include "config.h"
#include "member/found.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "conf/conf.h"
#include "etcd/client.h"
#include "identity/address.h"
#include "identity/certmaker.h"
#include "identity/identity.h"
#include "io/clock.h"
#include "io/loop.h"
#include "io/worker.h"
#include "member/etcdconf.h"
#include "record/records.h"
#include "write/change.h"

#define FOUND_TIMEOUT (8 * USEC_PER_SEC)

struct found {
	struct found_config config;
	struct bundle *bundle;
	struct etcdconf *ec;
	struct etcd *etcd;
	struct change *change;
	struct certmaker *maker;
	struct worker_job *job;
	int64_t revision;
	struct address_list addresses;
	char *collective_key, *members_prefix, *record_key;
	char *collective_value, *record_value;
	bool made_certificate;
	found_done_fn *done;
	void *arg;
};

void found_free(struct found *f)
{
	if (!f)
		return;
	certmaker_free(f->maker);
	worker_forget(f->job);
	change_free(f->change);
	etcd_free(f->etcd);
	etcdconf_free(f->ec);
	bundle_free(f->bundle);
	address_list_done(&f->addresses);
	free(f->collective_key);
	free(f->members_prefix);
	free(f->record_key);
	free(f->collective_value);
	free(f->record_value);
	free(f);
}

static struct etcd_txn *build(void *arg)
{
	struct found *f = arg;
	struct etcd_txn *txn = etcd_txn_new();

	etcd_txn_if_create(txn, f->collective_key, ETCD_EQUAL, 0);
	etcd_txn_if_empty(txn, f->members_prefix);
	etcd_txn_put(txn, ETCD_THEN, f->collective_key, f->collective_value,
		strlen(f->collective_value), 0);
	etcd_txn_put(txn, ETCD_THEN, f->record_key, f->record_value, strlen(f->record_value), 0);
	etcd_txn_get(txn, ETCD_ELSE, f->collective_key);
	return txn;
}

static int verdict(const struct etcd_reply *reply, struct err *err, void *arg)
{
	struct found *f = arg;
	const char *prefix = f->ec->prefix;
	const struct etcd_op_reply *op = reply->ops;
	struct collective_record there;
	char age[NUM_DURATION_MAX];
	struct err why = {""};

	if (reply->n_ops != 1 || op->kind != ETCD_OP_GET)
		return err_set(err, -EPROTO, "etcd's answer is not understood");
	if (!op->n_kvs)
		return err_set(err, -EEXIST,
			"etcd holds records of members below %smembers/ but no collective: if they "
			"are nobody's any more, remove them with: etcdctl del --prefix %s",
			prefix, prefix);
	if (collective_record_decode(&there, op->kvs->value, op->kvs->value_len, &why) < 0)
		return err_set(err, -EEXIST, "the key %s in etcd can't be understood (%s)",
			f->collective_key, why.text);
	if (text_eq(there.id, f->bundle->id))
		return 0;
	return err_set(err, -EEXIST,
		"etcd already holds a collective below %s (founded by %s %s ago): to become a "
		"member run collective invite %s there and join here; if that collective is gone "
		"for good, remove it with: etcdctl del --prefix %s",
		prefix, there.by, num_format_duration(clock_wall() - there.founded, age),
		f->config.identity->name, prefix);
}

static void finish(struct found *f, int rc, const char *why)
{
	found_done_fn *done = f->done;
	bool made = f->made_certificate;
	void *arg = f->arg;
	struct err text;

	err_set(&text, rc, "%s", why);
	found_free(f);
	done(rc, text.text, made, arg);
}

static void make_certificate(struct found *f, certmaker_done_fn *done)
{
	const struct certmaker_config config = {
		.worker = f->config.worker,
		.identity = f->config.identity,
		.config_dir = f->config.conf->paths.config_dir,
		.addresses = (const char *const *)f->addresses.at,
		.address_count = f->addresses.n,
		.now = clock_wall(),
	};

	f->maker = certmaker_new(&config, done, f);
}

static void on_issued(int rc, const char *why, void *arg)
{
	struct found *f = arg;
	const struct identity *id = f->config.identity;

	f->maker = NULL;
	if (rc == 0)
		log_info("collective", "founded collective %s as %s (revision %lld)",
			id->bundle->id, id->name, (long long)f->revision);
	finish(f, rc, why);
}

static void on_committed(int rc, const char *why, void *arg)
{
	struct found *f = arg;

	f->job = NULL;
	if (rc < 0) {
		finish(f, rc, why);
		return;
	}
	identity_founded(f->config.identity, TAKE(f->bundle));
	make_certificate(f, on_issued);
}

static void put_in_place(struct found *f)
{
	struct writes *writes;
	struct err err = {""};
	int rc = identity_founding_commit(
		f->config.identity, f->config.conf->paths.config_dir, f->bundle, &writes, &err);

	if (rc < 0)
		finish(f, rc, err.text);
	else
		f->job = worker_write(f->config.worker, writes, on_committed, f);
}

static void on_change(int rc, const char *why, int64_t revision, void *arg)
{
	struct found *f = arg;
	struct err err = {""};

	f->change = NULL;
	f->revision = revision;
	if (rc == 0) {
		put_in_place(f);
		return;
	}
	if (rc == -ETIMEDOUT)
		err_set(&err, rc,
			"etcd can't be reached: %s (is etcd running, and are etcd.endpoints in "
			"collective.conf right?)",
			why);
	else if (rc == -EINPROGRESS)
		err_set(&err, rc,
			"it is not known whether the collective was founded (%s): run the same "
			"command again, it goes on where this one ended",
			why);
	else
		err_set(&err, rc, "%s", why);
	finish(f, rc, err.text);
}

static const struct change_ops ops = {.build = build, .verdict = verdict, .done = on_change};

static int make_values(struct found *f, struct err *err)
{
	const struct identity *id = f->config.identity;
	struct member_record record = {.port = f->config.conf->member.port};
	struct collective_record collective = {.founded = clock_wall()};

	f->collective_key = xasprintf("%scollective", f->ec->prefix);
	f->members_prefix = xasprintf("%smembers/", f->ec->prefix);
	f->record_key = xasprintf("%s%s", f->members_prefix, id->name);
	snprintf(record.name, sizeof(record.name), "%s", id->name);
	snprintf(record.address, sizeof(record.address), "%s", f->addresses.at[0]);
	snprintf(record.key, sizeof(record.key), "%s", id->key_hash);
	snprintf(record.version, sizeof(record.version), "%s", PACKAGE_VERSION);
	snprintf(record.invited_by, sizeof(record.invited_by), "%s", id->name);
	identity_public(id, record.public_key);
	record.joined = collective.founded;
	snprintf(collective.id, sizeof(collective.id), "%s", f->bundle->id);
	snprintf(collective.by, sizeof(collective.by), "%s", id->name);
	f->collective_value = collective_record_encode(&collective);
	return member_record_encode(&record, f->bundle, &f->record_value, err);
}

/* The bundle of an interrupted founding, or a new one; with the etcd part of today's configuration. */
static int make_bundle(struct found *f, struct err *err)
{
	const char *dir = f->config.conf->paths.config_dir;
	CLEANUP(bundle_freep) struct bundle *before = NULL;
	int rc;

	rc = identity_founding_load(dir, &before, err);
	if (rc >= 0)
		rc = bundle_found(&f->bundle, clock_wall(), err);
	if (rc == 0 && before) {
		struct bundle *fresh = f->bundle;
		char *text;

		/* who was promised to be founder stays so: id, key and CA of the first attempt */
		text = fresh->id, fresh->id = before->id, before->id = text;
		text = fresh->ca_key, fresh->ca_key = before->ca_key, before->ca_key = text;
		text = fresh->ca_certificate, fresh->ca_certificate = before->ca_certificate,
		before->ca_certificate = text;
		memcpy(fresh->key, before->key, sizeof(fresh->key));
	}
	if (rc == 0)
		rc = etcdconf_fill_bundle(f->bundle, f->config.conf, err);
	return rc;
}

static int ask_etcd(struct found *f, struct err *err)
{
	const struct conf *conf = f->config.conf;
	struct etcd_config ec;
	int rc;

	rc = etcdconf_make(&f->ec, conf, NULL, conf->paths.state_dir, "etcd", err);
	if (rc == 0)
		rc = make_values(f, err);
	if (rc < 0)
		return rc;
	ec = etcdconf_client(f->ec);
	ec.identity_key = f->collective_key;
	rc = etcd_new(&f->etcd, f->config.loop, f->config.http, &ec, err);
	if (rc == 0)
		f->change = change_new(f->config.loop, f->etcd, FOUND_TIMEOUT, &ops, f);
	return rc;
}

static void on_saved(int rc, const char *why, void *arg)
{
	struct found *f = arg;
	struct err err = {""};

	f->job = NULL;
	if (rc < 0)
		err_set(&err, rc, "%s", why);
	else
		rc = ask_etcd(f, &err);
	if (rc < 0)
		finish(f, rc, err.text);
}

/* Puts the bundle aside, which all else waits for. */
static int save_bundle(struct found *f, struct err *err)
{
	struct writes *writes;
	int rc = make_bundle(f, err);

	if (rc == 0)
		rc = identity_founding_save(
			f->config.conf->paths.config_dir, f->bundle, &writes, err);
	if (rc == 0)
		f->job = worker_write(f->config.worker, writes, on_saved, f);
	return rc;
}

static void on_made(int rc, const char *why, void *arg)
{
	struct found *f = arg;
	struct err err = {""};

	f->maker = NULL;
	f->made_certificate = rc == 0;
	if (rc < 0)
		err_set(&err, rc, "%s", why);
	else
		rc = save_bundle(f, &err);
	if (rc < 0)
		finish(f, rc, err.text);
}

int found_new(struct found **ret, const struct found_config *config, found_done_fn *done, void *arg,
	struct err *err)
{
	const struct conf *conf = config->conf;
	const struct identity *id = config->identity;
	struct found *f = xcalloc(1, sizeof(*f));
	int rc;

	f->config = *config;
	f->done = done;
	f->arg = arg;
	address_list_init(&f->addresses, conf->member.address,
		(const char *const *)conf->etcd.endpoints.url, conf->etcd.endpoints.n);
	rc = etcdconf_check_reachable(
		conf->etcd.endpoints.url, conf->etcd.endpoints.n, conf, false, err);
	if (rc == 0 && (!id->key || !id->certificate))
		make_certificate(f, on_made);
	else if (rc == 0)
		rc = save_bundle(f, err);
	if (rc < 0) {
		found_free(f);
		return rc;
	}
	*ret = f;
	return 0;
}
