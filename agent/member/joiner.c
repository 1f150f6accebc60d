#include "config.h"
#include "member/joiner.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "conf/conf.h"
#include "enroll/client.h"
#include "etcd/client.h"
#include "identity/address.h"
#include "identity/certmaker.h"
#include "identity/identity.h"
#include "identity/install.h"
#include "io/clock.h"
#include "io/loop.h"
#include "io/worker.h"
#include "member/etcdconf.h"
#include "record/view.h"
#include "trust/token.h"

#define LOOK_TIMEOUT (10 * USEC_PER_SEC)
#define LOOK_PAUSE   (300 * USEC_PER_MSEC)

/* What the worker puts in place; its own copies. */
struct installation {
	char *config_dir, *certificate, *bundle, *backup;
	char name[NAME_MAX_LEN + 1];
	char stamp[32];
};

struct joiner {
	struct joiner_config config;
	char *server, *token; /* until the client has them */
	struct certmaker *maker;
	struct installation *installation; /* under way; the worker's */
	struct worker_job *job;
	struct enroll_client *client;
	char name[NAME_MAX_LEN + 1];
	char *certificate;
	char *bundle_text;
	struct bundle *bundle;
	struct etcdconf *ec;
	struct etcd *etcd;
	struct etcd_call *call;
	struct loop_timer *look;
	usec_t deadline;
	bool made_certificate;
	joiner_done_fn *done;
	void *arg;
};

void joiner_free(struct joiner *j)
{
	if (!j)
		return;
	worker_forget(j->job);
	certmaker_free(j->maker);
	free(j->server);
	secret_free(j->token);
	enroll_client_free(j->client);
	etcd_cancel(j->call);
	etcd_free(j->etcd);
	etcdconf_discard(j->ec);
	bundle_free(j->bundle);
	secret_free(j->bundle_text);
	free(j->certificate);
	loop_timer_free(j->look);
	free(j);
}

static void finish(struct joiner *j, int rc, const char *why, const char *backup)
{
	joiner_done_fn *done = j->done;
	void *arg = j->arg;
	struct err text = {""};
	struct joiner_result result = {.rc = rc,
		.why = text.text,
		.made_certificate = j->made_certificate,
		.backup = backup};

	err_set(&text, rc, "%s", why);
	joiner_free(j);
	done(&result, arg);
}

static int run_installation(void *data, struct err *err)
{
	struct installation *in = data;
	const struct install install = {
		.certificate = in->certificate, .name = in->name, .bundle = in->bundle};

	return install_commit(in->config_dir, &install, in->stamp, &in->backup, err);
}

static void drop_installation(void *data)
{
	struct installation *in = data;

	free(in->config_dir);
	free(in->certificate);
	secret_free(in->bundle);
	free(in->backup);
	free(in);
}

static void on_installed(int rc, const char *why, void *arg)
{
	struct joiner *j = arg;

	j->job = NULL;
	finish(j, rc, why, j->installation->backup);
}

static void put_in_place(struct joiner *j)
{
	struct installation *in = xcalloc(1, sizeof(*in));
	time_t now = (time_t)(clock_wall() / USEC_PER_SEC);
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(in->stamp, sizeof(in->stamp), "%Y%m%d-%H%M%S", &tm);
	in->config_dir = xstrdup(j->config.conf->paths.config_dir);
	in->certificate = xstrdup(j->certificate);
	in->bundle = xstrdup(j->bundle_text);
	memcpy(in->name, j->name, sizeof(in->name));
	j->installation = in;
	j->config.installing(j->arg);
	j->job = worker_submit(
		j->config.worker, run_installation, in, drop_installation, on_installed, j);
}

bool joiner_installs(const struct joiner *j)
{
	return j->installation != NULL;
}

/* What etcd holds must be the collective of the bundle, with this member's record. */
static int judge(struct joiner *j, const struct etcd_reply *reply, struct err *err)
{
	struct collective_record there;
	struct view_member own;
	int rc;

	if (reply->n_ops != 2)
		return err_set(err, -EPROTO, "etcd's answer is not understood");
	if (!reply->ops[0].n_kvs)
		return err_set(err, -ENOENT, "the etcd reached from here holds no collective");
	rc = collective_record_decode(
		&there, reply->ops[0].kvs->value, reply->ops[0].kvs->value_len, err);
	if (rc < 0)
		return rc;
	if (!text_eq(there.id, j->bundle->id))
		return err_set(err, -EXDEV,
			"the etcd reached from here holds another collective (%s, not %s)",
			there.id, j->bundle->id);
	view_member(&own, j->name, reply->ops[1].n_kvs ? reply->ops[1].kvs : NULL, j->bundle,
		j->config.identity->key_hash);
	if (!own.info.valid || !own.info.mine)
		return err_set(err, -EKEYREVOKED,
			"the etcd reached from here does not hold the record of %s", j->name);
	return 0;
}

static void on_looked(const struct etcd_result *result, void *arg)
{
	struct joiner *j = arg;
	struct err err = {""};
	int rc = -EHOSTUNREACH;

	j->call = NULL;
	if (result->outcome == ETCD_OK)
		rc = judge(j, result->reply, &err);
	else
		err_set(&err, rc, "etcd can't be reached from here: %s", result->text);
	if (rc == 0) {
		put_in_place(j);
		return;
	}
	if (loop_now(j->config.loop) >= j->deadline) {
		finish(j, rc, err.text, NULL);
		return;
	}
	loop_timer_after(j->look, LOOK_PAUSE);
}

static void on_look(void *arg)
{
	struct joiner *j = arg;
	CLEANUP(etcd_txn_freep) struct etcd_txn *txn = etcd_txn_new();
	CLEANUP(freep) char *collective = xasprintf("%scollective", j->ec->prefix);
	CLEANUP(freep) char *record = xasprintf("%smembers/%s", j->ec->prefix, j->name);

	etcd_txn_get(txn, ETCD_THEN, collective);
	etcd_txn_get(txn, ETCD_THEN, record);
	j->call = etcd_commit(j->etcd, txn, NULL, on_looked, j);
}

static int look_at_etcd(struct joiner *j, struct err *err)
{
	struct loop *loop = j->config.loop;
	struct etcd_config config;
	int rc;

	rc = bundle_parse(&j->bundle, j->bundle_text, strlen(j->bundle_text), err);
	if (rc == 0)
		rc = etcdconf_make(&j->ec, j->config.conf, j->bundle,
			j->config.conf->paths.state_dir, "join", err);
	if (rc < 0)
		return rc;
	config = etcdconf_client(j->ec);
	rc = etcd_new(&j->etcd, loop, j->config.http, &config, err);
	if (rc < 0)
		return rc;
	j->look = loop_timer_new(loop, "join", on_look, j);
	j->deadline = usec_add(loop_now(loop), LOOK_TIMEOUT);
	loop_timer_after(j->look, 0);
	return 0;
}

static void on_enrolled(const struct enroll_result *result, void *arg)
{
	struct joiner *j = arg;
	struct err err = {""};
	int rc = result->rc;

	if (rc < 0) {
		finish(j, rc, result->why, NULL);
		return;
	}
	j->certificate = xstrdup(result->certificate);
	j->bundle_text = xstrdup(result->bundle);
	enroll_client_free(TAKE(j->client));
	rc = look_at_etcd(j, &err);
	if (rc < 0)
		finish(j, rc, err.text, NULL);
}

static int check_token(struct joiner *j, struct err *err)
{
	const char *configured = j->config.conf->member.name;
	struct token token;
	int rc = token_parse(j->token, &token, err);

	if (rc == 0) {
		memcpy(j->name, token.name, sizeof(j->name));
		if (configured && !text_eq(configured, j->name))
			rc = err_set(err, -EINVAL,
				"the invitation is for %s, but collective.conf says member.name = "
				"\"%s\": ask for an invitation of that name, or change member.name",
				j->name, configured);
	}
	token_wipe(&token);
	return rc;
}

static int start_client(struct joiner *j, struct err *err)
{
	const struct conf *conf = j->config.conf;
	CLEANUP(secret_freep) char *key = NULL;
	struct address_list addresses;
	struct enroll_client_options options = {
		.server = j->server,
		.token = j->token,
		.version = PACKAGE_VERSION,
		.port = conf->member.port,
	};
	int rc = privkey_pem(j->config.identity->key, &key, err);

	if (rc < 0)
		return rc;
	address_list_init(&addresses, conf->member.address, NULL, 0);
	options.key = key;
	options.addresses = (const char *const *)addresses.at;
	options.address_count = addresses.n;
	rc = enroll_client_new(&j->client, j->config.loop, &options, on_enrolled, j, err);
	address_list_done(&addresses);
	secret_free(TAKE(j->token));
	return rc;
}

static void on_certificate(int rc, const char *why, void *arg)
{
	struct joiner *j = arg;
	struct err err = {""};

	j->maker = NULL;
	j->made_certificate = rc == 0;
	if (rc < 0)
		err_set(&err, rc, "%s", why);
	else
		rc = start_client(j, &err);
	if (rc < 0)
		finish(j, rc, err.text, NULL);
}

static void make_certificate(struct joiner *j)
{
	const struct conf *conf = j->config.conf;
	struct certmaker_config config = {
		.worker = j->config.worker,
		.identity = j->config.identity,
		.config_dir = conf->paths.config_dir,
		.now = clock_wall(),
	};
	struct address_list addresses;

	address_list_init(&addresses, conf->member.address, NULL, 0);
	config.addresses = (const char *const *)addresses.at;
	config.address_count = addresses.n;
	j->maker = certmaker_new(&config, on_certificate, j);
	address_list_done(&addresses);
}

int joiner_new(struct joiner **ret, const struct joiner_config *config, joiner_done_fn *done,
	void *arg, struct err *err)
{
	const struct identity *id = config->identity;
	struct joiner *j = xcalloc(1, sizeof(*j));
	int rc;

	j->config = *config;
	j->server = xstrdup(config->server);
	j->token = xstrdup(config->token);
	j->config.server = j->config.token = NULL;
	j->done = done;
	j->arg = arg;
	rc = check_token(j, err);
	if (rc == 0 && id->key && id->certificate)
		rc = start_client(j, err);
	else if (rc == 0)
		make_certificate(j);
	if (rc < 0) {
		joiner_free(j);
		return rc;
	}
	*ret = j;
	return 0;
}
