/*
 * Happy path: fill in version, serial, names, times and key, add the extensions (the key identifiers
 * first, since the issuer's is looked up in the certificate when it is self-signed), sign. Failure:
 * a name or time that does not fit, reported with its value; else libcrypto's reason.
 */
#include "config.h"
#include "trust/issue.h"

#include <errno.h>
#include <time.h>

#include <openssl/bn.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "base/macros.h"
#include "trust/ossl.h"

#define TIME_MAX   (253402300799 * USEC_PER_SEC) /* 9999-12-31, where X.509 ends */
#define SERIAL_LEN 16 /* bytes: random, so that members need not agree on a counter */

struct extension {
	int nid;
	const char *value;
};

static const struct extension ca_extensions[] = {
	{NID_subject_key_identifier, "hash"},
	{NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
	{NID_key_usage, "critical,keyCertSign,cRLSign"},
};

static const struct extension end_extensions[] = {
	{NID_subject_key_identifier, "hash"},
	{NID_authority_key_identifier, "keyid"},
	{NID_basic_constraints, "critical,CA:FALSE"},
	{NID_key_usage, "critical,digitalSignature"},
	{NID_ext_key_usage, "serverAuth,clientAuth"},
};

int issue_time_read(const ASN1_TIME *t, usec_t *ret)
{
	ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
	int days;
	int seconds;
	int ok = epoch && ASN1_TIME_diff(&days, &seconds, epoch, t);

	ASN1_TIME_free(epoch);
	if (!ok)
		return -EINVAL;
	*ret = ((usec_t)days * 86400 + seconds) * USEC_PER_SEC;
	return 0;
}

static int set_times(const struct issue *order, X509 *cert, struct err *err)
{
	if (order->not_after <= order->not_before || order->not_before < 0 ||
		order->not_after > TIME_MAX)
		return err_set(err, -EINVAL, "there is no such time (is the clock right?)");
	if (!ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)(order->not_before / USEC_PER_SEC)) ||
		!ASN1_TIME_set(X509_getm_notAfter(cert), (time_t)(order->not_after / USEC_PER_SEC)))
		return ossl_error(err, -EIO, "cannot set its validity");
	return 0;
}

static int set_serial(X509 *cert, struct err *err)
{
	unsigned char bytes[SERIAL_LEN];
	BIGNUM *number;
	int ok;

	if (RAND_bytes(bytes, sizeof(bytes)) != 1)
		return ossl_error(err, -EIO, "no random bytes to be had");
	number = BN_bin2bn(bytes, sizeof(bytes), NULL);
	ok = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert));
	BN_free(number);
	return ok ? 0 : ossl_error(err, -EIO, "cannot number it");
}

static int add_extensions(const struct issue *order, X509 *cert, struct err *err)
{
	const struct extension *list = order->is_ca ? ca_extensions : end_extensions;
	size_t count = order->is_ca ? ARRAY_SIZE(ca_extensions) : ARRAY_SIZE(end_extensions);
	X509V3_CTX ctx;

	X509V3_set_ctx(&ctx, order->issuer ? order->issuer : cert, cert, NULL, NULL, 0);
	for (size_t i = 0; i < count; i++) {
		X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, &ctx, list[i].nid, list[i].value);
		int ok = ext && X509_add_ext(cert, ext, -1);

		X509_EXTENSION_free(ext);
		if (!ok)
			return ossl_error(err, -EIO, "cannot add %s", OBJ_nid2sn(list[i].nid));
	}
	return 0;
}

static int add_names(const struct issue *order, X509 *cert, struct err *err)
{
	CLEANUP(GENERAL_NAMES_freep) GENERAL_NAMES *names = GENERAL_NAMES_new();
	int rc = names ? ossl_add_name(names, order->subject, err) : -EIO;

	for (size_t i = 0; rc == 0 && i < order->name_count; i++)
		rc = ossl_add_name(names, order->names[i], err);
	if (rc < 0)
		return rc;
	if (X509_add1_ext_i2d(cert, NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT) != 1)
		return ossl_error(err, -EIO, "cannot add its alternative names");
	return 0;
}

static int fill(const struct issue *order, X509 *cert, struct err *err)
{
	X509_NAME *subject = X509_get_subject_name(cert);
	int rc;

	if (!X509_set_version(cert, X509_VERSION_3) ||
		!X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
			(const unsigned char *)order->subject, -1, -1, 0) ||
		!X509_set_issuer_name(
			cert, order->issuer ? X509_get_subject_name(order->issuer) : subject) ||
		!X509_set_pubkey(cert, order->key))
		return ossl_error(err, -EIO, "cannot fill it in");
	rc = set_serial(cert, err);
	if (rc == 0)
		rc = set_times(order, cert, err);
	if (rc == 0)
		rc = add_extensions(order, cert, err);
	if (rc == 0 && !order->is_ca)
		rc = add_names(order, cert, err);
	return rc;
}

int issue_certificate(const struct issue *order, X509 **ret, struct err *err)
{
	CLEANUP(X509_freep) X509 *cert = X509_new();
	int rc = cert ? fill(order, cert, err) : -EIO;

	if (rc == 0 && !X509_sign(cert, order->issuer_key, EVP_sha384()))
		rc = ossl_error(err, -EIO, "cannot sign it");
	if (rc < 0)
		return err_wrap(err, rc, "cannot make a certificate for '%s'", order->subject);
	*ret = TAKE(cert);
	return 0;
}
