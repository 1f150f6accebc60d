/*
 * Happy path: cert_parse() and then ask. Failure: a certificate that can't be read, or that holds
 * what no certificate of ours holds (control characters in a name, a time before the calendar), is
 * an error as a whole; its facts are never half there.
 */
#include "config.h"
#include "trust/cert.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <time.h>

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/x509_vfy.h>

#include "base/b64.h"
#include "base/mem.h"
#include "base/name.h"
#include "base/text.h"
#include "trust/issue.h"
#include "trust/ossl.h"

#define SELF_LIFE (10 * 365 * 86400 * USEC_PER_SEC)
#define DATE_MAX  64

void cert_free(struct cert *cert)
{
	if (!cert)
		return;
	for (size_t i = 0; i < cert->name_count; i++)
		free(cert->names[i]);
	free(cert->names);
	free(cert->subject);
	free(cert->serial);
	free(cert);
}

static char *read_subject(const X509 *x)
{
	X509_NAME *name = X509_get_subject_name(x);
	int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
	unsigned char *utf8 = NULL;
	char shown[TEXT_PRINTABLE_MAX];
	int len = at < 0 ? -1
			 : ASN1_STRING_to_UTF8(
				   &utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
	char *subject =
		xstrdup(len < 0 ? "" : text_printable((const char *)utf8, (size_t)len, shown));

	OPENSSL_free(utf8);
	ERR_clear_error();
	return subject;
}

static int read_serial(const X509 *x, char **ret)
{
	BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(x), NULL);
	unsigned char bytes[64];
	int len = number ? BN_num_bytes(number) : -1;

	if (len < 0 || len > (int)sizeof(bytes) || BN_is_negative(number)) {
		BN_free(number);
		return -EINVAL;
	}
	len = BN_bn2bin(number, bytes);
	BN_free(number);
	if (!len) {
		*ret = xstrdup("0");
		return 0;
	}
	*ret = hex_encode(bytes, (size_t)len);
	if (**ret == '0')
		memmove(*ret, *ret + 1, strlen(*ret));
	return 0;
}

/* The text of one alternative name, or NULL for one that is no plain DNS name or address. */
static char *read_name(int type, const ASN1_STRING *value)
{
	const unsigned char *data = ASN1_STRING_get0_data(value);
	int len = ASN1_STRING_length(value);
	char address[INET6_ADDRSTRLEN];

	if (type == GEN_IPADD) {
		if ((len != 4 && len != 16) ||
			!inet_ntop(len == 4 ? AF_INET : AF_INET6, data, address, sizeof(address)))
			return NULL;
		return xstrdup(address);
	}
	for (int i = 0; i < len; i++) {
		if (data[i] <= ' ' || data[i] >= 0x7f)
			return NULL;
	}
	return len > 0 ? xstrndup((const char *)data, (size_t)len) : NULL;
}

static int read_names(const X509 *x, struct cert *cert, struct err *err)
{
	int found;
	CLEANUP(GENERAL_NAMES_freep)
	GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, &found, NULL);
	int count = names ? sk_GENERAL_NAME_num(names) : 0;

	if (!names && found != -1)
		return ossl_error(err, -EINVAL, "its alternative names can't be read");
	ERR_clear_error();
	if (count > CERT_NAMES_MAX)
		return err_set(err, -EINVAL, "more than %d alternative names", CERT_NAMES_MAX);
	cert->names = xcalloc((size_t)count, sizeof(*cert->names));
	for (int i = 0; i < count; i++) {
		int type;
		const void *value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names, i), &type);
		char *text;

		if (type != GEN_DNS && type != GEN_IPADD)
			continue;
		text = read_name(type, value);
		if (!text)
			return err_set(err, -EINVAL,
				"alternative name %d is not a DNS name or address", i + 1);
		cert->names[cert->name_count++] = text;
	}
	return 0;
}

static int read_facts(X509 *x, struct cert *cert, struct err *err)
{
	EVP_PKEY *key = X509_get0_pubkey(x);
	int rc;

	if (!key)
		return ossl_error(err, -EINVAL, "its public key can't be read");
	cert->subject = read_subject(x);
	cert->is_ca = X509_check_ca(x) == 1;
	if (issue_time_read(X509_get0_notBefore(x), &cert->not_before) < 0 ||
		issue_time_read(X509_get0_notAfter(x), &cert->not_after) < 0)
		return ossl_error(err, -EINVAL, "its validity can't be read");
	if (read_serial(x, &cert->serial) < 0)
		return ossl_error(err, -EINVAL, "its serial number can't be read");
	rc = read_names(x, cert, err);
	if (rc == 0)
		rc = ossl_hash_public(key, cert->hash, err);
	return rc;
}

int cert_parse(struct cert **ret, const char *pem, struct err *err)
{
	CLEANUP(X509_freep) X509 *x = NULL;
	CLEANUP(cert_freep) struct cert *cert = xcalloc(1, sizeof(*cert));
	int rc = ossl_read_certificate(&x, pem, err);

	if (rc < 0)
		return rc;
	rc = read_facts(x, cert, err);
	if (rc < 0)
		return err_wrap(err, rc, "certificate");
	*ret = TAKE(cert);
	return 0;
}

int cert_check_key(const char *pem, const struct privkey *key, struct err *err)
{
	CLEANUP(X509_freep) X509 *x = NULL;
	EVP_PKEY *public;
	int rc = ossl_read_certificate(&x, pem, err);

	if (rc < 0)
		return rc;
	public = X509_get0_pubkey(x);
	rc = public && EVP_PKEY_eq(public, privkey_pkey(key)) == 1;
	ERR_clear_error();
	if (!rc)
		return err_set(err, -EKEYREJECTED, "the certificate is for another private key");
	return 0;
}

DEFINE_CLEANUP(X509_STORE *, X509_STORE_free)
DEFINE_CLEANUP(X509_STORE_CTX *, X509_STORE_CTX_free)

static int verify(X509 *x, X509 *ca, struct err *err)
{
	CLEANUP(X509_STORE_freep) X509_STORE *store = X509_STORE_new();
	CLEANUP(X509_STORE_CTX_freep) X509_STORE_CTX *ctx = X509_STORE_CTX_new();

	if (!store || !ctx || !X509_STORE_add_cert(store, ca) ||
		!X509_STORE_set_flags(store, X509_V_FLAG_NO_CHECK_TIME) ||
		!X509_STORE_CTX_init(ctx, store, x, NULL))
		return ossl_error(err, -EIO, "cannot verify the certificate");
	if (X509_verify_cert(ctx) == 1)
		return 0;
	ERR_clear_error();
	return err_set(err, -EKEYREJECTED, "the certificate is not issued by this CA: %s",
		X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)));
}

int cert_check_issuer(const char *pem, const char *ca_pem, struct err *err)
{
	CLEANUP(X509_freep) X509 *x = NULL;
	CLEANUP(X509_freep) X509 *ca = NULL;
	int rc = ossl_read_certificate(&x, pem, err);

	if (rc == 0) {
		rc = ossl_read_certificate(&ca, ca_pem, err);
		if (rc < 0)
			err_wrap(err, rc, "CA");
	}
	if (rc < 0)
		return rc;
	/* a trusted certificate verifies as its own chain */
	if (X509_cmp(x, ca) == 0)
		return err_set(err, -EKEYREJECTED, "the certificate is the CA's own");
	return verify(x, ca, err);
}

static const char *date(usec_t t, char dst[DATE_MAX])
{
	time_t seconds = (time_t)(t / USEC_PER_SEC);
	struct tm tm;

	if (!gmtime_r(&seconds, &tm) || !strftime(dst, DATE_MAX, "%Y-%m-%d %H:%M:%S UTC", &tm))
		return "an unknown time";
	return dst;
}

int cert_check_time(const struct cert *cert, usec_t now, struct err *err)
{
	char limit[DATE_MAX];
	char today[DATE_MAX];

	if (now > usec_add(cert->not_after, USEC_PER_SEC - 1))
		return err_set(err, -EKEYEXPIRED, "the certificate of '%s' expired at %s",
			cert->subject, date(cert->not_after, limit));
	if (now < cert->not_before)
		return err_set(err, -EKEYEXPIRED,
			"the certificate of '%s' is valid from %s on and here it is %s (is the "
			"clock right?)",
			cert->subject, date(cert->not_before, limit), date(now, today));
	return 0;
}

usec_t cert_renewal_time(const struct cert *cert)
{
	return cert->not_before + (cert->not_after - cert->not_before) / 3 * 2;
}

bool cert_renewal_due(const struct cert *cert, usec_t now)
{
	return now >= cert_renewal_time(cert);
}

int cert_self_sign(
	const struct privkey *key, const char *name, usec_t now, char **ret_pem, struct err *err)
{
	CLEANUP(X509_freep) X509 *x = NULL;
	struct issue order = {
		.subject = name,
		.key = privkey_pkey(key),
		.issuer_key = privkey_pkey(key),
		.not_before = usec_max(now - ISSUE_SKEW, 0),
		.not_after = usec_add(now, SELF_LIFE),
	};
	int rc = name_check(name, err);

	if (rc == 0)
		rc = issue_certificate(&order, &x, err);
	return rc < 0 ? rc : ossl_write_certificate(ret_pem, x, err);
}
