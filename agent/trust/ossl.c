/*
 * libcrypto reports errors in a queue per thread. ossl_error() takes the oldest entry, which is the
 * cause; later ones are the layers above it. The queue is emptied there, so that a later failure
 * never shows an old reason. Code that fails without telling anybody calls ERR_clear_error().
 */
#include "config.h"
#include "trust/ossl.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/b64.h"
#include "base/mem.h"
#include "base/text.h"
#include "trust/cert.h"
#include "trust/kdf.h"

#define RSA_BITS_MIN	 2048
#define RSA_BITS_MAX	 8192
#define EC_SECURITY_BITS 112
#define DNS_NAME_MAX	 253
#define PUBLIC_KEY_MAX	 8192 /* bytes in DER */

int ossl_error(struct err *err, int rc, const char *fmt, ...)
{
	unsigned long code = ERR_peek_error();
	const char *reason = code ? ERR_reason_error_string(code) : NULL;
	char text[ERR_TEXT_MAX / 2];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	ERR_clear_error();
	return err_set(err, rc, "%s%s%s", text, reason ? ": " : "", reason ? reason : "");
}

int ossl_reader(BIO **ret, const char *text, size_t max, const char *what, struct err *err)
{
	size_t len = strnlen(text, max + 1);

	if (len > max)
		return err_set(err, -EMSGSIZE, "the %s is larger than %zu bytes", what, max);
	*ret = BIO_new_mem_buf(text, (int)len);
	if (!*ret)
		return ossl_error(err, -EIO, "cannot read the %s", what);
	return 0;
}

char *ossl_written(BIO *out)
{
	char *data = NULL;
	long len = BIO_get_mem_data(out, &data);

	return xstrndup(len > 0 ? data : "", len > 0 ? (size_t)len : 0);
}

/* In place of libcrypto's default, which asks on the terminal. */
static int no_passphrase(char *buf UNUSED, int size UNUSED, int rwflag UNUSED, void *arg UNUSED)
{
	return -1;
}

int ossl_read_certificate(X509 **ret, const char *pem, struct err *err)
{
	CLEANUP(BIO_freep) BIO *in = NULL;
	int rc = ossl_reader(&in, pem, CERT_PEM_MAX, "certificate", err);

	if (rc < 0)
		return rc;
	*ret = PEM_read_bio_X509(in, NULL, no_passphrase, NULL);
	if (!*ret)
		return ossl_error(err, -EINVAL, "not a certificate in PEM");
	return 0;
}

int ossl_write_certificate(char **ret, X509 *cert, struct err *err)
{
	CLEANUP(BIO_freep) BIO *out = BIO_new(BIO_s_mem());

	if (!out || !PEM_write_bio_X509(out, cert))
		return ossl_error(err, -EIO, "cannot write the certificate");
	*ret = ossl_written(out);
	return 0;
}

static int check_ec(EVP_PKEY *key, struct err *err)
{
	char group[64];
	size_t len;
	int explicit_params = 0;

	/* a curve spelled out in numbers instead of named is somebody's own curve: never needed */
	if (!EVP_PKEY_get_group_name(key, group, sizeof(group), &len) ||
		(EVP_PKEY_get_int_param(
			 key, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS, &explicit_params) &&
			explicit_params)) {
		ERR_clear_error();
		return err_set(err, -EINVAL, "the EC key is not on a named curve (use P-384)");
	}
	ERR_clear_error();
	if (EVP_PKEY_get_security_bits(key) < EC_SECURITY_BITS)
		return err_set(
			err, -EINVAL, "the EC key is on the weak curve %s (use P-384)", group);
	return 0;
}

int ossl_check_public(EVP_PKEY *key, struct err *err)
{
	int bits = EVP_PKEY_get_bits(key);

	if (EVP_PKEY_is_a(key, "EC"))
		return check_ec(key, err);
	if (!EVP_PKEY_is_a(key, "RSA"))
		return err_set(err, -EINVAL, "the key is neither EC nor RSA (use EC on P-384)");
	if (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX)
		return err_set(err, -EINVAL, "the RSA key has %d bits (%d to %d are accepted)",
			bits, RSA_BITS_MIN, RSA_BITS_MAX);
	return 0;
}

/* *ret is libcrypto's: OPENSSL_free() it. */
static int encode_public(EVP_PKEY *key, unsigned char **ret, size_t *ret_len, struct err *err)
{
	unsigned char *der = NULL;
	int len = i2d_PUBKEY(key, &der);

	if (len <= 0 || len > PUBLIC_KEY_MAX) {
		OPENSSL_free(der);
		return ossl_error(err, -EINVAL, "cannot encode the public key");
	}
	*ret = der;
	*ret_len = (size_t)len;
	return 0;
}

int ossl_write_public(EVP_PKEY *key, char **ret, struct err *err)
{
	unsigned char *der = NULL;
	size_t len = 0;
	int rc = encode_public(key, &der, &len, err);

	if (rc < 0)
		return rc;
	*ret = b64_encode(der, len);
	OPENSSL_free(der);
	return 0;
}

int ossl_read_public(EVP_PKEY **ret, const char *text, struct err *err)
{
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = NULL;
	CLEANUP(buf_done) struct buf der = BUF_INIT(PRIVKEY_PUBLIC_MAX);
	size_t len = strnlen(text, PRIVKEY_PUBLIC_MAX + 1);
	const unsigned char *p;
	int rc;

	if (len > PRIVKEY_PUBLIC_MAX || b64_decode(text, len, &der) < 0 || !der.len)
		return err_set(err, -EINVAL, "not a public key");
	p = (const unsigned char *)der.data;
	key = d2i_PUBKEY(NULL, &p, (long)der.len);
	if (!key || p != (const unsigned char *)der.data + der.len)
		return ossl_error(err, -EINVAL, "not a public key");
	rc = ossl_check_public(key, err);
	if (rc == 0)
		*ret = TAKE(key);
	return rc;
}

int ossl_hash_public(EVP_PKEY *key, char ret[PRIVKEY_HASH_LEN + 1], struct err *err)
{
	unsigned char digest[KDF_SHA256_LEN];
	unsigned char *der = NULL;
	size_t len = 0;
	char *hex;
	int rc = encode_public(key, &der, &len, err);

	if (rc < 0)
		return rc;
	rc = kdf_sha256(der, len, digest, err);
	OPENSSL_free(der);
	if (rc < 0)
		return rc;
	hex = hex_encode(digest, sizeof(digest));
	snprintf(ret, PRIVKEY_HASH_LEN + 1, PRIVKEY_HASH_PREFIX "%s", hex);
	free(hex);
	return 0;
}

static bool dns_name_valid(const char *name)
{
	size_t len = strnlen(name, DNS_NAME_MAX + 1);

	if (!len || len > DNS_NAME_MAX || strstr(name, ".."))
		return false;
	for (size_t i = 0; i < len; i++) {
		char c = name[i];
		bool alnum =
			(c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

		if (!alnum && (i == 0 || i == len - 1 || !strchr("-_.", c)))
			return false;
	}
	return true;
}

static bool has_name(const GENERAL_NAMES *names, GENERAL_NAME *name)
{
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		if (GENERAL_NAME_cmp(sk_GENERAL_NAME_value(names, i), name) == 0)
			return true;
	}
	return false;
}

int ossl_add_name(GENERAL_NAMES *names, const char *name, struct err *err)
{
	char shown[TEXT_PRINTABLE_MAX];
	unsigned char ip[16];
	size_t ip_len = inet_pton(AF_INET, name, ip) == 1    ? 4
			: inet_pton(AF_INET6, name, ip) == 1 ? 16
							     : 0;
	ASN1_STRING *value;
	GENERAL_NAME *entry;

	if (!ip_len && !dns_name_valid(name))
		return err_set(err, -EINVAL, "'%s' is neither an IP address nor a DNS name",
			text_printable(name, strnlen(name, 2 * TEXT_PRINTABLE_MAX), shown));
	value = ip_len ? ASN1_OCTET_STRING_new() : ASN1_IA5STRING_new();
	entry = GENERAL_NAME_new();
	if (!value || !entry ||
		!ASN1_STRING_set(value, ip_len ? (const void *)ip : name,
			ip_len ? (int)ip_len : (int)strlen(name))) {
		ASN1_STRING_free(value);
		GENERAL_NAME_free(entry);
		return ossl_error(err, -EIO, "cannot note the name '%s'", name);
	}
	GENERAL_NAME_set0_value(entry, ip_len ? GEN_IPADD : GEN_DNS, value);
	if (has_name(names, entry)) {
		GENERAL_NAME_free(entry);
		return 0;
	}
	if (sk_GENERAL_NAME_push(names, entry) <= 0) {
		GENERAL_NAME_free(entry);
		return ossl_error(err, -EIO, "cannot note the name '%s'", name);
	}
	return 0;
}
