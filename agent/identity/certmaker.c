/*
 * The happy path: the key is made and written, then the certificate; each is taken by the identity
 * when it is on disk, so that the key in memory is always the one in the file.
 */
#include "config.h"
#include "identity/certmaker.h"

#include "base/mem.h"
#include "base/writes.h"
#include "identity/identity.h"
#include "io/worker.h"

#define CANNOT "cannot make a certificate"

struct certmaker {
	struct certmaker_config config;
	char *config_dir; /* copies of what config points to */
	char **addresses;
	struct identity_draft draft;
	struct worker_job *job;
	certmaker_done_fn *done;
	void *arg;
};

static bool needs_key(const struct certmaker_config *config)
{
	const struct identity *id = config->identity;

	return !id->key || (config->new_key && !id->bundle);
}

static int draft_certificate(const struct certmaker_config *config, struct identity_draft *draft,
	struct writes **ret, struct err *err)
{
	return identity_draft_certificate(config->identity, draft, config->config_dir,
		config->addresses, config->address_count, config->now, ret, err);
}

static int carry_out(const struct certmaker_config *config, struct identity_draft *draft,
	const struct writes *writes, struct err *err)
{
	int rc = writes_carry_out(writes, err);

	if (rc == 0)
		identity_take(config->identity, draft);
	return rc;
}

int certmaker_run(const struct certmaker_config *config, struct err *err)
{
	CLEANUP(writes_freep) struct writes *key = NULL;
	CLEANUP(writes_freep) struct writes *certificate = NULL;
	struct identity_draft draft = {0};
	int rc = 0;

	if (needs_key(config)) {
		rc = identity_draft_key(&draft, config->config_dir, &key, err);
		if (rc == 0)
			rc = carry_out(config, &draft, key, err);
	}
	if (rc == 0)
		rc = draft_certificate(config, &draft, &certificate, err);
	if (rc == 0)
		rc = carry_out(config, &draft, certificate, err);
	identity_draft_done(&draft);
	return rc < 0 ? err_wrap(err, rc, CANNOT) : 0;
}

void certmaker_free(struct certmaker *maker)
{
	if (!maker)
		return;
	worker_forget(maker->job);
	identity_draft_done(&maker->draft);
	for (size_t i = 0; i < maker->config.address_count; i++)
		free(maker->addresses[i]);
	free(maker->addresses);
	free(maker->config_dir);
	free(maker);
}

static void finish(struct certmaker *maker, int rc, const char *why)
{
	certmaker_done_fn *done = maker->done;
	void *arg = maker->arg;
	struct err text = {""};

	if (rc < 0) {
		err_set(&text, rc, "%s", why);
		err_wrap(&text, rc, CANNOT);
	}
	certmaker_free(maker);
	done(rc, text.text, arg);
}

static void on_certificate(int rc, const char *why, void *arg)
{
	struct certmaker *maker = arg;

	maker->job = NULL;
	if (rc == 0)
		identity_take(maker->config.identity, &maker->draft);
	finish(maker, rc, why);
}

static void make_certificate(struct certmaker *maker)
{
	struct worker *worker = maker->config.worker;
	struct writes *writes = NULL;
	struct err err = {""};
	int rc = draft_certificate(&maker->config, &maker->draft, &writes, &err);

	if (rc < 0)
		writes = writes_failed(rc, err.text);
	maker->job = worker_write(worker, writes, on_certificate, maker);
}

static void on_key(int rc, const char *why, void *arg)
{
	struct certmaker *maker = arg;

	maker->job = NULL;
	if (rc < 0) {
		finish(maker, rc, why);
		return;
	}
	identity_take(maker->config.identity, &maker->draft);
	make_certificate(maker);
}

static void make_key(struct certmaker *maker)
{
	struct writes *writes = NULL;
	struct err err = {""};
	int rc = identity_draft_key(&maker->draft, maker->config.config_dir, &writes, &err);

	if (rc < 0)
		writes = writes_failed(rc, err.text);
	maker->job = worker_write(maker->config.worker, writes, on_key, maker);
}

struct certmaker *certmaker_new(
	const struct certmaker_config *config, certmaker_done_fn *done, void *arg)
{
	struct certmaker *maker = xcalloc(1, sizeof(*maker));

	maker->config = *config;
	maker->addresses = xcalloc(config->address_count + 1, sizeof(*maker->addresses));
	for (size_t i = 0; i < config->address_count; i++)
		maker->addresses[i] = xstrdup(config->addresses[i]);
	maker->config.addresses = (const char *const *)maker->addresses;
	maker->config.config_dir = maker->config_dir = xstrdup(config->config_dir);
	maker->done = done;
	maker->arg = arg;
	if (needs_key(config))
		make_key(maker);
	else
		make_certificate(maker);
	return maker;
}
