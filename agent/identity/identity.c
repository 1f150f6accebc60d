#include "config.h"
#include "identity/identity.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/writes.h"
#include "identity/install.h"
#include "trust/ca.h"

#define FOUNDING "cfg/founding"

/* 1 and the whole text when the file is there, 0 when it is not. */
static int read_if_there(
	const char *config_dir, const char *name, bool secret, struct buf *b, struct err *err)
{
	CLEANUP(freep) char *path = file_join(config_dir, name);
	int rc;

	if (!file_exists(path))
		return 0;
	rc = secret ? file_check_secret(path, err) : 0;
	if (rc == 0)
		rc = file_read(path, b, err);
	if (rc == 0 && b->len && strlen(b->data) != b->len)
		rc = err_set(err, -EINVAL, "%s holds a NUL byte", path);
	return rc < 0 ? rc : 1;
}

static int load_name(
	struct identity *id, const char *config_dir, const char *configured, struct err *err)
{
	CLEANUP(freep) char *path = file_join(config_dir, INSTALL_NAME);
	struct buf b = BUF_INIT(NAME_MAX_LEN + 2);
	char host[256] = "";
	const char *name = configured;
	const char *from = "member.name";
	int rc = 0;

	if (!name) {
		rc = read_if_there(config_dir, INSTALL_NAME, false, &b, err);
		if (rc > 0) {
			b.data[strcspn(b.data, "\n")] = '\0';
			name = b.data;
			from = path;
			rc = 0;
		}
	}
	if (rc == 0 && !name) {
		gethostname(host, sizeof(host) - 1);
		host[strcspn(host, ".")] = '\0';
		name = host;
		from = "the host name";
	}
	if (rc == 0) {
		rc = name_check(name, err);
		if (rc < 0)
			err_wrap(err, rc, "%s", from);
	}
	if (rc == 0)
		memcpy(id->name, name, strlen(name) + 1);
	buf_done(&b);
	return rc;
}

static int load_key(struct identity *id, const char *config_dir, struct err *err)
{
	struct buf b = BUF_INIT(PRIVKEY_PEM_MAX);
	int rc = read_if_there(config_dir, INSTALL_KEY, true, &b, err);

	if (rc > 0) {
		rc = privkey_parse(&id->key, b.data ? b.data : "", err);
		if (rc == 0)
			rc = privkey_hash(id->key, id->key_hash, err);
		if (rc < 0)
			err_wrap(err, rc, "%s/%s", config_dir, INSTALL_KEY);
	}
	buf_wipe(&b);
	return rc;
}

static int load_certificate(
	struct identity *id, const char *config_dir, char **ret_warning, struct err *err)
{
	struct buf b = BUF_INIT(CERT_PEM_MAX);
	struct err why = {""};
	int rc = read_if_there(config_dir, INSTALL_CERTIFICATE, false, &b, err);

	if (rc <= 0 || !id->key) {
		buf_done(&b);
		return rc;
	}
	rc = cert_parse(&id->facts, b.data ? b.data : "", &why);
	if (rc == 0)
		rc = cert_check_key(b.data, id->key, &why);
	if (rc < 0) {
		*ret_warning = xasprintf(
			"%s/%s is not used: %s", config_dir, INSTALL_CERTIFICATE, why.text);
		cert_free(TAKE(id->facts));
		buf_done(&b);
		return 0;
	}
	id->certificate = buf_take(&b);
	return 0;
}

static int load_bundle(
	const char *config_dir, const char *name, struct bundle **ret, struct err *err)
{
	struct buf b = BUF_INIT(BUNDLE_TEXT_MAX);
	int rc = read_if_there(config_dir, name, true, &b, err);

	if (rc > 0) {
		rc = bundle_parse(ret, b.data ? b.data : "", b.len, err);
		if (rc < 0)
			err_wrap(err, rc, "%s/%s", config_dir, name);
	}
	buf_wipe(&b);
	return rc;
}

int identity_load(struct identity **ret, const char *config_dir, const char *configured_name,
	char **ret_warning, struct err *err)
{
	CLEANUP(identity_freep) struct identity *id = xcalloc(1, sizeof(*id));
	int rc;

	*ret_warning = NULL;
	rc = load_name(id, config_dir, configured_name, err);
	if (rc == 0)
		rc = load_key(id, config_dir, err);
	if (rc == 0)
		rc = load_certificate(id, config_dir, ret_warning, err);
	if (rc == 0)
		rc = load_bundle(config_dir, INSTALL_BUNDLE, &id->bundle, err);
	if (rc == 0 && id->bundle && !id->key)
		rc = err_set(err, -ENOENT,
			"%s/%s says that this server is a member, but its key %s/%s is missing: "
			"put "
			"it back, or move the bundle away and join again",
			config_dir, INSTALL_BUNDLE, config_dir, INSTALL_KEY);
	if (rc < 0)
		return rc;
	*ret = TAKE(id);
	return 0;
}

void identity_public(const struct identity *id, char ret[PRIVKEY_PUBLIC_MAX + 1])
{
	CLEANUP(freep) char *text = NULL;

	ret[0] = '\0';
	if (id->key && privkey_public(id->key, &text, NULL) == 0)
		snprintf(ret, PRIVKEY_PUBLIC_MAX + 1, "%s", text);
}

void identity_free(struct identity *id)
{
	if (!id)
		return;
	privkey_free(id->key);
	free(id->certificate);
	cert_free(id->facts);
	bundle_free(id->bundle);
	free(id);
}

int identity_draft_key(
	struct identity_draft *draft, const char *config_dir, struct writes **ret, struct err *err)
{
	CLEANUP(freep) char *path = file_join(config_dir, INSTALL_KEY);
	CLEANUP(secret_freep) char *pem = NULL;
	int rc;

	rc = privkey_generate(&draft->key, err);
	if (rc == 0)
		rc = privkey_hash(draft->key, draft->key_hash, err);
	if (rc == 0)
		rc = privkey_pem(draft->key, &pem, err);
	if (rc < 0)
		return rc;
	*ret = writes_new();
	writes_folder(*ret, config_dir, 0755);
	writes_replace(*ret, path, pem, strlen(pem), 0600);
	return 0;
}

int identity_draft_certificate(const struct identity *id, struct identity_draft *draft,
	const char *config_dir, const char *const *addresses, size_t count, usec_t now,
	struct writes **ret, struct err *err)
{
	CLEANUP(freep) char *path = file_join(config_dir, INSTALL_CERTIFICATE);
	CLEANUP(ca_freep) struct ca *ca = NULL;
	int rc = 0;

	if (id->bundle)
		rc = ca_open(&ca, id->bundle->ca_key, id->bundle->ca_certificate, err);
	if (rc == 0 && ca)
		rc = ca_renew(
			ca, id->key, id->name, addresses, count, now, &draft->certificate, err);
	else if (rc == 0)
		rc = cert_self_sign(id->key, id->name, now, &draft->certificate, err);
	if (rc == 0)
		rc = cert_parse(&draft->facts, draft->certificate, err);
	if (rc < 0)
		return rc;
	*ret = writes_new();
	writes_replace(*ret, path, draft->certificate, strlen(draft->certificate), 0644);
	return 0;
}

void identity_take(struct identity *id, struct identity_draft *draft)
{
	if (draft->key) {
		privkey_free(id->key);
		id->key = TAKE(draft->key);
		memcpy(id->key_hash, draft->key_hash, sizeof(id->key_hash));
	}
	if (draft->certificate) {
		free(id->certificate);
		cert_free(id->facts);
		id->certificate = TAKE(draft->certificate);
		id->facts = TAKE(draft->facts);
	}
}

void identity_draft_done(struct identity_draft *draft)
{
	privkey_free(TAKE(draft->key));
	free(TAKE(draft->certificate));
	cert_free(TAKE(draft->facts));
}

int identity_founding_load(const char *config_dir, struct bundle **ret, struct err *err)
{
	return load_bundle(config_dir, FOUNDING, ret, err);
}

static int add_bundle(struct writes *writes, const char *config_dir, const char *name,
	const struct bundle *bundle, struct err *err)
{
	CLEANUP(freep) char *cfg = file_join(config_dir, "cfg");
	CLEANUP(freep) char *path = file_join(config_dir, name);
	CLEANUP(secret_freep) char *text = NULL;
	int rc;

	rc = bundle_encode(bundle, &text, err);
	if (rc < 0)
		return rc;
	writes_folder(writes, cfg, 0755);
	writes_replace(writes, path, text, strlen(text), 0600);
	return 0;
}

int identity_founding_save(
	const char *config_dir, const struct bundle *bundle, struct writes **ret, struct err *err)
{
	CLEANUP(writes_freep) struct writes *writes = writes_new();
	int rc = add_bundle(writes, config_dir, FOUNDING, bundle, err);

	if (rc == 0)
		*ret = TAKE(writes);
	return rc;
}

int identity_bundle_save(
	const struct identity *id, const char *config_dir, struct writes **ret, struct err *err)
{
	CLEANUP(writes_freep) struct writes *writes = writes_new();
	int rc = add_bundle(writes, config_dir, INSTALL_BUNDLE, id->bundle, err);

	if (rc == 0)
		*ret = TAKE(writes);
	return rc;
}

int identity_founding_commit(const struct identity *id, const char *config_dir,
	const struct bundle *bundle, struct writes **ret, struct err *err)
{
	CLEANUP(freep) char *name_path = file_join(config_dir, INSTALL_NAME);
	CLEANUP(freep) char *founding = file_join(config_dir, FOUNDING);
	CLEANUP(freep) char *line = xasprintf("%s\n", id->name);
	CLEANUP(writes_freep) struct writes *writes = writes_new();
	int rc;

	writes_replace(writes, name_path, line, strlen(line), 0644);
	rc = add_bundle(writes, config_dir, INSTALL_BUNDLE, bundle, err);
	writes_remove(writes, founding);
	if (rc == 0)
		*ret = TAKE(writes);
	return rc;
}

void identity_founded(struct identity *id, struct bundle *bundle)
{
	bundle_free(id->bundle);
	id->bundle = bundle;
}
