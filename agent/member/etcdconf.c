#include "config.h"
#include "member/etcdconf.h"

#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "io/clock.h"
#include "base/text.h"

static int read_text(const char *path, bool secret, size_t max, char **ret, struct err *err)
{
	struct buf b = BUF_INIT(max);
	int rc = secret ? file_check_secret(path, err) : 0;

	if (rc == 0)
		rc = file_read(path, &b, err);
	if (rc == 0 && b.len && strlen(b.data) != b.len)
		rc = err_set(err, -EINVAL, "%s holds a NUL byte", path);
	if (rc == 0)
		*ret = buf_take(&b);
	buf_wipe(&b);
	return rc;
}

static int read_password(const char *path, char **ret, struct err *err)
{
	int rc = read_text(path, true, BUNDLE_WORD_MAX, ret, err);

	if (rc == 0)
		(*ret)[strcspn(*ret, "\r\n")] = '\0';
	return rc;
}

/* The path of a PEM: the file that conf names, or a copy of what the bundle holds (pem). Where none
 * is needed, one of an earlier membership goes. */
static int pem_path(char **ret, char **ret_written, const char *conf_path, const char *pem,
	const char *path, struct err *err)
{
	if (!pem) {
		*ret = xstrdup_null(conf_path);
		return text_eq(conf_path, path) ? 0 : file_remove_unsynced(path, err);
	}
	*ret = xstrdup(path);
	*ret_written = xstrdup(path);
	return file_replace_unsynced(path, pem, strlen(pem), 0600, err);
}

static int take_pems(struct etcdconf *ec, const struct conf *conf, const struct bundle *bundle,
	const char *state_dir, const char *name, struct err *err)
{
	bool own_ca = !bundle || conf_given(conf, CONF_ETCD_CA);
	bool own_pair = !bundle || conf_given(conf, CONF_ETCD_CERTIFICATE);
	CLEANUP(freep) char *ca = xasprintf("%s/%s-ca.pem", state_dir, name);
	CLEANUP(freep) char *certificate = xasprintf("%s/%s-certificate.pem", state_dir, name);
	CLEANUP(freep) char *key = xasprintf("%s/%s-key.pem", state_dir, name);
	int rc;

	rc = pem_path(
		&ec->ca, &ec->written[0], conf->etcd.ca, own_ca ? NULL : bundle->etcd_ca, ca, err);
	if (rc == 0)
		rc = pem_path(&ec->certificate, &ec->written[1], conf->etcd.certificate,
			own_pair ? NULL : bundle->etcd_certificate, certificate, err);
	if (rc == 0)
		rc = pem_path(&ec->key, &ec->written[2], conf->etcd.key,
			own_pair ? NULL : bundle->etcd_key, key, err);
	return rc;
}

static void take_endpoints(
	struct etcdconf *ec, const struct conf *conf, const struct bundle *bundle)
{
	bool from_conf = !bundle || conf_given(conf, CONF_ETCD_ENDPOINTS);
	size_t n = from_conf ? conf->etcd.endpoints.n : bundle->endpoint_count;

	for (size_t i = 0; i < n && i < CONF_ENDPOINTS_MAX; i++)
		ec->endpoints[ec->n_endpoints++] =
			xstrdup(from_conf ? conf->etcd.endpoints.url[i] : bundle->endpoints[i]);
}

static int take_login(
	struct etcdconf *ec, const struct conf *conf, const struct bundle *bundle, struct err *err)
{
	if (!bundle || conf_given(conf, CONF_ETCD_USER)) {
		ec->user = xstrdup_null(conf->etcd.user);
		if (conf->etcd.password_file)
			return read_password(conf->etcd.password_file, &ec->password, err);
		return 0;
	}
	ec->user = xstrdup_null(bundle->etcd_user);
	ec->password = xstrdup_null(bundle->etcd_password);
	return 0;
}

int etcdconf_make(struct etcdconf **ret, const struct conf *conf, const struct bundle *bundle,
	const char *state_dir, const char *name, struct err *err)
{
	struct etcdconf *ec = xcalloc(1, sizeof(*ec));
	int rc;

	take_endpoints(ec, conf, bundle);
	ec->prefix = xstrdup(
		bundle && !conf_given(conf, CONF_ETCD_PREFIX) ? bundle->prefix : conf->etcd.prefix);
	rc = take_login(ec, conf, bundle, err);
	if (rc == 0)
		rc = take_pems(ec, conf, bundle, state_dir, name, err);
	if (rc < 0)
		etcdconf_discard(ec);
	else
		*ret = ec;
	return rc;
}

struct etcd_config etcdconf_client(const struct etcdconf *ec)
{
	return (struct etcd_config){
		.endpoints = (const char *const *)ec->endpoints,
		.n_endpoints = ec->n_endpoints,
		.user = ec->user,
		.password = ec->password,
		.ca = ec->ca,
		.certificate = ec->certificate,
		.key = ec->key,
		.seed = random_u64(),
	};
}

void etcdconf_free(struct etcdconf *ec)
{
	if (!ec)
		return;
	for (size_t i = 0; i < ec->n_endpoints; i++)
		free(ec->endpoints[i]);
	free(ec->prefix);
	free(ec->ca);
	free(ec->certificate);
	free(ec->key);
	free(ec->user);
	secret_free(ec->password);
	for (size_t i = 0; i < ARRAY_SIZE(ec->written); i++)
		free(ec->written[i]);
	free(ec);
}

void etcdconf_discard(struct etcdconf *ec)
{
	for (size_t i = 0; ec && i < ARRAY_SIZE(ec->written); i++) {
		if (ec->written[i] && file_remove_unsynced(ec->written[i], NULL) < 0)
			continue; /* a copy in a folder that only root reads */
	}
	etcdconf_free(ec);
}

void etcdconf_sweep(const char *state_dir, const char *name)
{
	static const char *const parts[] = {"ca", "certificate", "key"};

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		CLEANUP(freep)
		char *path = xasprintf("%s/%s-%s.pem", state_dir, name, parts[i]);

		if (file_remove_unsynced(path, NULL) < 0)
			continue; /* as above */
	}
}

int etcdconf_check_reachable(
	char *const *endpoints, size_t n, const struct conf *conf, bool allowed, struct err *err)
{
	if (conf->etcd.allow_loopback || allowed)
		return 0;
	for (size_t i = 0; i < n; i++) {
		if (conf_url_is_loopback(endpoints[i]))
			return err_set(err, -EADDRNOTAVAIL,
				"the etcd endpoint %s is a loopback address, which the invited "
				"server can't reach: name etcd by an address that all members "
				"reach in etcd.endpoints (or, for several agents on one host, set "
				"etcd.allow_loopback = true)",
				endpoints[i]);
	}
	return 0;
}

int etcdconf_fill_bundle(struct bundle *bundle, const struct conf *conf, struct err *err)
{
	int rc = etcdconf_check_reachable(
		conf->etcd.endpoints.url, conf->etcd.endpoints.n, conf, false, err);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < conf->etcd.endpoints.n; i++)
		bundle_add_endpoint(bundle, conf->etcd.endpoints.url[i]);
	bundle->prefix = xstrdup(conf->etcd.prefix);
	bundle->allow_loopback = conf->etcd.allow_loopback;
	bundle->etcd_user = xstrdup_null(conf->etcd.user);
	if (rc == 0 && conf->etcd.password_file)
		rc = read_password(conf->etcd.password_file, &bundle->etcd_password, err);
	if (rc == 0 && conf->etcd.ca)
		rc = read_text(conf->etcd.ca, false, BUNDLE_PEM_MAX, &bundle->etcd_ca, err);
	if (rc == 0 && conf->etcd.certificate)
		rc = read_text(conf->etcd.certificate, false, BUNDLE_PEM_MAX,
			&bundle->etcd_certificate, err);
	if (rc == 0 && conf->etcd.key)
		rc = read_text(conf->etcd.key, true, BUNDLE_PEM_MAX, &bundle->etcd_key, err);
	return rc;
}
