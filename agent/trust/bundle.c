/*
 * The struct: making, freeing, and whether it is whole. bundle_text.c writes and reads the text.
 *
 * Failure: a field that is missing, too long or not of its form, named as the text names it; never
 * quoted, since most of them are secret.
 */
#include "config.h"
#include "trust/bundle.h"

#include <errno.h>
#include <string.h>

#include <openssl/rand.h>

#include "base/b64.h"
#include "base/mem.h"
#include "base/text.h"
#include "trust/bundle_fields.h"
#include "trust/ca.h"
#include "trust/ossl.h"

#define ID_BYTES 16

const struct bundle_field bundle_fields[BUNDLE_FIELDS] = {
	{"id", BUNDLE_PLAIN, offsetof(struct bundle, id), BUNDLE_ID_MAX, true},
	{"key", BUNDLE_KEY, offsetof(struct bundle, key), KDF_KEY_LEN, true},
	{"held-key", BUNDLE_HELD, offsetof(struct bundle, held), KDF_KEY_LEN, false},
	{"ca-key", BUNDLE_CODED, offsetof(struct bundle, ca_key), BUNDLE_PEM_MAX, true},
	{"ca-certificate", BUNDLE_CODED, offsetof(struct bundle, ca_certificate), BUNDLE_PEM_MAX,
		true},
	{"endpoint", BUNDLE_LIST, offsetof(struct bundle, endpoints), BUNDLE_ENDPOINT_MAX, true},
	{"prefix", BUNDLE_PLAIN, offsetof(struct bundle, prefix), BUNDLE_PREFIX_MAX, true},
	{"etcd-ca", BUNDLE_CODED, offsetof(struct bundle, etcd_ca), BUNDLE_PEM_MAX, false},
	{"etcd-user", BUNDLE_CODED, offsetof(struct bundle, etcd_user), BUNDLE_WORD_MAX, false},
	{"etcd-password", BUNDLE_CODED, offsetof(struct bundle, etcd_password), BUNDLE_WORD_MAX,
		false},
	{"etcd-certificate", BUNDLE_CODED, offsetof(struct bundle, etcd_certificate),
		BUNDLE_PEM_MAX, false},
	{"etcd-key", BUNDLE_CODED, offsetof(struct bundle, etcd_key), BUNDLE_PEM_MAX, false},
	{"allow-loopback", BUNDLE_FLAG, offsetof(struct bundle, allow_loopback), 0, false},
};

char **bundle_text_of(const struct bundle *b, const struct bundle_field *f)
{
	return (char **)(void *)((char *)b + f->offset);
}

struct bundle *bundle_new(void)
{
	return xcalloc(1, sizeof(struct bundle));
}

void bundle_free(struct bundle *b)
{
	if (!b)
		return;
	for (size_t i = 0; i < BUNDLE_FIELDS; i++) {
		const struct bundle_field *f = &bundle_fields[i];

		if (f->kind == BUNDLE_PLAIN || f->kind == BUNDLE_CODED)
			secret_free(*bundle_text_of(b, f));
	}
	for (size_t i = 0; i < b->endpoint_count; i++)
		secret_free(b->endpoints[i]);
	free(b->endpoints);
	mem_wipe(b, sizeof(*b));
	free(b);
}

void bundle_add_endpoint(struct bundle *b, const char *url)
{
	b->endpoints = xrealloc(b->endpoints, b->endpoint_count + 1, sizeof(*b->endpoints));
	b->endpoints[b->endpoint_count++] = xstrdup(url);
}

size_t bundle_key_count(const struct bundle *b)
{
	return 1 + b->held_count;
}

const unsigned char *bundle_key_at(const struct bundle *b, size_t i)
{
	return i ? b->held[i - 1] : b->key;
}

static bool has_key(const struct bundle *b, const unsigned char key[KDF_KEY_LEN], size_t *ret)
{
	for (size_t i = 0; i < bundle_key_count(b); i++) {
		if (mem_equal_const(bundle_key_at(b, i), key, KDF_KEY_LEN)) {
			*ret = i;
			return true;
		}
	}
	return false;
}

int bundle_hold_key(struct bundle *b, const unsigned char key[KDF_KEY_LEN], struct err *err)
{
	size_t at;

	if (has_key(b, key, &at))
		return 0;
	if (b->held_count == BUNDLE_HELD_MAX)
		return err_set(
			err, -ENOSPC, "%d collective keys are held already", 1 + BUNDLE_HELD_MAX);
	memcpy(b->held[b->held_count++], key, KDF_KEY_LEN);
	return 0;
}

int bundle_turn_key(struct bundle *b, const unsigned char key[KDF_KEY_LEN], struct err *err)
{
	unsigned char former[KDF_KEY_LEN];
	int rc = bundle_hold_key(b, key, err);
	size_t at;

	if (rc < 0 || !has_key(b, key, &at) || at == 0)
		return rc;
	memcpy(former, b->key, KDF_KEY_LEN);
	memcpy(b->key, b->held[at - 1], KDF_KEY_LEN);
	memcpy(b->held[at - 1], former, KDF_KEY_LEN);
	mem_wipe(former, sizeof(former));
	return 0;
}

bool bundle_drop_key(struct bundle *b, const unsigned char key[KDF_KEY_LEN])
{
	size_t at;

	if (!has_key(b, key, &at) || at == 0)
		return false;
	b->held_count--;
	memmove(b->held[at - 1], b->held[at], (b->held_count - (at - 1)) * KDF_KEY_LEN);
	mem_wipe(b->held[b->held_count], KDF_KEY_LEN);
	return true;
}

int bundle_found(struct bundle **ret, usec_t now, struct err *err)
{
	CLEANUP(bundle_freep) struct bundle *b = bundle_new();
	CLEANUP(ca_freep) struct ca *ca = NULL;
	unsigned char id[ID_BYTES];
	int rc;

	if (RAND_bytes(id, sizeof(id)) != 1 || RAND_priv_bytes(b->key, sizeof(b->key)) != 1)
		return ossl_error(err, -EIO, "no random bytes to be had");
	b->id = hex_encode(id, sizeof(id));
	rc = ca_make(&ca, b->id, now, err);
	if (rc == 0)
		rc = ca_key_pem(ca, &b->ca_key, err);
	if (rc < 0)
		return err_wrap(err, rc, "cannot found a collective");
	b->ca_certificate = xstrdup(ca_cert_pem(ca));
	*ret = TAKE(b);
	return 0;
}

bool bundle_id_valid(const char *id)
{
	size_t len = strnlen(id, BUNDLE_ID_MAX + 1);

	return len && len <= BUNDLE_ID_MAX &&
	       strspn(id, "0123456789-ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") == len;
}

/* One word of visible ASCII. */
static int check_word(const char *name, const char *text, size_t max, struct err *err)
{
	for (const char *p = text; *p; p++) {
		if (*p <= ' ' || *p >= 0x7f)
			return err_set(err, -EINVAL,
				"'%s' holds a blank or an unprintable character", name);
	}
	if (!*text)
		return err_set(err, -EINVAL, "'%s' is empty", name);
	if (strlen(text) > max)
		return err_set(err, -EINVAL, "'%s' is longer than %zu bytes", name, max);
	return 0;
}

static int check_endpoints(const struct bundle *b, const struct bundle_field *f, struct err *err)
{
	if (!b->endpoint_count)
		return err_set(err, -EINVAL, "there is no '%s'", f->name);
	if (b->endpoint_count > BUNDLE_ENDPOINTS_MAX)
		return err_set(err, -EINVAL, "there are more than %d of '%s'", BUNDLE_ENDPOINTS_MAX,
			f->name);
	for (size_t i = 0; i < b->endpoint_count; i++) {
		const char *url = b->endpoints[i];
		int rc = check_word(f->name, url, f->max, err);

		if (rc < 0)
			return rc;
		if (!text_starts(url, "http://") && !text_starts(url, "https://"))
			return err_set(err, -EINVAL,
				"'%s' is not an URL (expected http://host:port or "
				"https://host:port)",
				f->name);
		for (size_t j = 0; j < i; j++) {
			if (strcmp(b->endpoints[j], url) == 0)
				return err_set(err, -EINVAL, "an '%s' comes twice", f->name);
		}
	}
	return 0;
}

static int check_text(const struct bundle *b, const struct bundle_field *f, struct err *err)
{
	const char *text = *bundle_text_of(b, f);

	if (!text)
		return f->required ? err_set(err, -EINVAL, "there is no '%s'", f->name) : 0;
	if (f->kind == BUNDLE_PLAIN)
		return check_word(f->name, text, f->max, err);
	if (!*text)
		return err_set(err, -EINVAL, "'%s' is empty", f->name);
	if (strlen(text) > f->max)
		return err_set(err, -EINVAL, "'%s' is longer than %zu bytes", f->name, f->max);
	return 0;
}

static const unsigned char unset[KDF_KEY_LEN];

static int check_held(const struct bundle *b, const struct bundle_field *f, struct err *err)
{
	for (size_t i = 1; i < bundle_key_count(b); i++) {
		const unsigned char *key = bundle_key_at(b, i);

		if (mem_equal_const(key, unset, sizeof(unset)))
			return err_set(err, -EINVAL, "a '%s' is empty", f->name);
		for (size_t j = 0; j < i; j++) {
			if (mem_equal_const(bundle_key_at(b, j), key, KDF_KEY_LEN))
				return err_set(err, -EINVAL, "a '%s' comes twice", f->name);
		}
	}
	return 0;
}

static int check_field(const struct bundle *b, const struct bundle_field *f, struct err *err)
{
	switch (f->kind) {
	case BUNDLE_PLAIN:
	case BUNDLE_CODED:
		return check_text(b, f, err);
	case BUNDLE_LIST:
		return check_endpoints(b, f, err);
	case BUNDLE_KEY:
		if (mem_equal_const(b->key, unset, sizeof(unset)))
			return err_set(err, -EINVAL, "there is no '%s'", f->name);
		return 0;
	case BUNDLE_HELD:
		return check_held(b, f, err);
	case BUNDLE_FLAG:
		return 0;
	}
	return -EINVAL;
}

int bundle_check(const struct bundle *b, struct err *err)
{
	for (size_t i = 0; i < BUNDLE_FIELDS; i++) {
		int rc = check_field(b, &bundle_fields[i], err);

		if (rc < 0)
			return rc;
	}
	if (!bundle_id_valid(b->id))
		return err_set(err, -EINVAL, "'id' is not made of letters, digits and '-'");
	if (b->prefix[0] != '/' || b->prefix[strlen(b->prefix) - 1] != '/')
		return err_set(err, -EINVAL, "'prefix' does not begin and end with '/'");
	if (!b->etcd_user != !b->etcd_password)
		return err_set(
			err, -EINVAL, "'etcd-user' and 'etcd-password' are not there together");
	if (!b->etcd_certificate != !b->etcd_key)
		return err_set(
			err, -EINVAL, "'etcd-certificate' and 'etcd-key' are not there together");
	return 0;
}
