/* The bundle: round trip, and everything that is refused with its text. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/b64.h"
#include "base/mem.h"
#include "base/text.h"
#include "tests/lib/suite.h"
#include "trust/bundle.h"
#include "trust/ca.h"

#define NOW (1790000000 * USEC_PER_SEC)

static struct bundle *small(void)
{
	struct bundle *b = NULL;

	ck_assert_int_eq(bundle_found(&b, NOW, NULL), 0);
	bundle_add_endpoint(b, "https://etcd1:2379");
	b->prefix = xstrdup("/confluent/");
	return b;
}

static struct bundle *full(void)
{
	struct bundle *b = small();

	bundle_add_endpoint(b, "http://[fd00::2]:2379");
	b->etcd_ca = xstrdup("-----BEGIN CERTIFICATE-----\nabc\n");
	b->etcd_user = xstrdup("mgt user");
	b->etcd_password = xstrdup("p\xc3\xa4ss\nword ");
	b->etcd_certificate = xstrdup("one");
	b->etcd_key = xstrdup("two");
	b->allow_loopback = true;
	return b;
}

static char *encode(const struct bundle *b)
{
	char *text = NULL;
	struct err err = {""};

	ck_assert_msg(bundle_encode(b, &text, &err) == 0, "%s", err.text);
	return text;
}

/* The body with a check line that fits. */
static char *seal(const char *body)
{
	unsigned char digest[KDF_SHA256_LEN];
	char *hex;
	char *text;

	ck_assert_int_eq(kdf_sha256(body, strlen(body), digest, NULL), 0);
	hex = hex_encode(digest, sizeof(digest));
	text = xasprintf("%scheck %s\n", body, hex);
	free(hex);
	return text;
}

/* A good bundle's text without its check line. */
static char *body_of_small(void)
{
	struct bundle *b = small();
	char *text = encode(b);

	*strstr(text, "check ") = '\0';
	bundle_free(b);
	return text;
}

static void expect_refused(const char *text, int rc, const char *why)
{
	struct bundle *b = NULL;
	struct err err = {""};

	ck_assert_int_eq(bundle_parse(&b, text, strlen(text), &err), rc);
	ck_assert_str_eq(err.text, why);
	ck_assert_ptr_null(b);
}

START_TEST(a_full_bundle_goes_there_and_back)
{
	struct bundle *a = full();
	struct bundle *b = NULL;
	char *text = encode(a);
	char *again;
	struct err err = {""};

	ck_assert_msg(bundle_parse(&b, text, strlen(text), &err) == 0, "%s", err.text);
	ck_assert_str_eq(a->id, b->id);
	ck_assert_mem_eq(a->key, b->key, KDF_KEY_LEN);
	ck_assert_str_eq(a->ca_key, b->ca_key);
	ck_assert_str_eq(a->ca_certificate, b->ca_certificate);
	ck_assert_uint_eq(b->endpoint_count, 2);
	ck_assert_str_eq(b->endpoints[0], "https://etcd1:2379");
	ck_assert_str_eq(b->endpoints[1], "http://[fd00::2]:2379");
	ck_assert_str_eq(b->prefix, "/confluent/");
	ck_assert_str_eq(a->etcd_ca, b->etcd_ca);
	ck_assert_str_eq(a->etcd_user, b->etcd_user);
	ck_assert_str_eq(a->etcd_password, b->etcd_password);
	ck_assert_str_eq(a->etcd_certificate, b->etcd_certificate);
	ck_assert_str_eq(a->etcd_key, b->etcd_key);
	ck_assert(b->allow_loopback);
	again = encode(b);
	ck_assert_str_eq(text, again);
	secret_free(text);
	secret_free(again);
	bundle_free(a);
	bundle_free(b);
}
END_TEST

START_TEST(what_is_not_set_stays_unset)
{
	struct bundle *a = small();
	struct bundle *b = NULL;
	char *text = encode(a);

	ck_assert_ptr_null(strstr(text, "etcd-"));
	ck_assert_ptr_null(strstr(text, "loopback"));
	ck_assert_int_eq(bundle_parse(&b, text, strlen(text), NULL), 0);
	ck_assert(!b->etcd_ca && !b->etcd_user && !b->etcd_password && !b->etcd_certificate);
	ck_assert(!b->etcd_key && !b->allow_loopback);
	secret_free(text);
	bundle_free(a);
	bundle_free(b);
}
END_TEST

START_TEST(a_founded_collective_is_like_no_other)
{
	struct bundle *a = small();
	struct bundle *b = small();
	struct ca *ca = NULL;

	ck_assert_uint_eq(strlen(a->id), 32);
	ck_assert(bundle_id_valid(a->id));
	ck_assert_str_ne(a->id, b->id);
	ck_assert_mem_ne(a->key, b->key, KDF_KEY_LEN);
	ck_assert_str_ne(a->ca_key, b->ca_key);
	ck_assert_int_eq(ca_open(&ca, a->ca_key, a->ca_certificate, NULL), 0);
	ca_free(ca);
	bundle_free(a);
	bundle_free(b);
	bundle_free(NULL);
}
END_TEST

START_TEST(each_changed_byte_is_refused)
{
	struct bundle *a = small();
	char *text = encode(a);
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i++) {
		struct bundle *b = NULL;
		struct err err = {""};

		text[i] ^= 1;
		ck_assert_msg(bundle_parse(&b, text, len, &err) < 0, "byte %zu", i);
		ck_assert_str_ne(err.text, "");
		text[i] ^= 1;
	}
	secret_free(text);
	bundle_free(a);
}
END_TEST

START_TEST(each_cut_is_refused)
{
	struct bundle *a = small();
	char *text = encode(a);
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i++) {
		struct bundle *b = NULL;
		struct err err = {""};

		ck_assert_msg(bundle_parse(&b, text, i, &err) < 0, "cut at %zu", i);
		ck_assert_str_ne(err.text, "");
	}
	secret_free(text);
	bundle_free(a);
}
END_TEST

START_TEST(other_formats_are_told_apart)
{
	expect_refused("collective-bundle 3\nanything\n", -EPROTONOSUPPORT,
		"format 3 is newer than what this version knows (2): upgrade collective on this "
		"host");
	expect_refused("collective-bundle 999999999\n", -EPROTONOSUPPORT,
		"format 999999999 is newer than what this version knows (2): upgrade collective "
		"on this host");
	expect_refused("", -EINVAL, "line 1: the 'check' line is missing (was all of it copied?)");
	expect_refused(
		"collective-bundle 1", -EINVAL, "line 1: no line end (was all of it copied?)");
	for (size_t i = 0; i < 9; i++) {
		static const char *const bad[] = {"collective-bundle 0\n", "collective-bundle 01\n",
			"collective-bundle \n", "collective-bundle\n", "collective-bundle 1\r\n",
			"collective-bundle  1\n", "collective-bundle -1\n",
			"collective-bundle 99999999999\n", "-----BEGIN CERTIFICATE-----\n"};

		expect_refused(bad[i], -EINVAL,
			"line 1: not a bundle (expected 'collective-bundle 1' or '2')");
	}
}
END_TEST

/* Each row's line is put behind the five lines of a good body: it is line 7 (or the field is
 * complained about as a whole). */
START_TEST(bad_lines_are_refused_with_their_number)
{
	static const struct {
		const char *line;
		const char *why;
	} bad[] = {
		{"id other\n", "line 8: a second 'id'"},
		{"key AAAA\n", "line 8: a second 'key'"},
		{"prefix /x/\n", "line 8: a second 'prefix'"},
		{"colour blue\n", "line 8: not a field of a bundle of format 1"},
		{"\n", "line 8: not a field of a bundle of format 1"},
		{" endpoint http://x\n", "line 8: not a field of a bundle of format 1"},
		{"endpoint\n", "line 8: not a field of a bundle of format 1"},
		{"endpoint=http://x\n", "line 8: not a field of a bundle of format 1"},
		{"endpoint \n", "'endpoint' is empty"},
		{"endpoint  http://x\n", "'endpoint' holds a blank or an unprintable character"},
		{"endpoint http://x \n", "'endpoint' holds a blank or an unprintable character"},
		{"endpoint http://x\r\n", "'endpoint' holds a blank or an unprintable character"},
		{"endpoint http://\xc3\xa4\n",
			"'endpoint' holds a blank or an unprintable character"},
		{"endpoint ftp://x\n", "'endpoint' is not an URL (expected http://host:port or "
				       "https://host:port)"},
		{"endpoint https://etcd1:2379\n", "an 'endpoint' comes twice"},
		{"allow-loopback no\n", "line 8: 'allow-loopback' is not 'yes'"},
		{"allow-loopback \n", "line 8: 'allow-loopback' is not 'yes'"},
		{"allow-loopback yes\nallow-loopback yes\n", "line 9: a second 'allow-loopback'"},
		{"etcd-ca a\n", "line 8: 'etcd-ca' is not base64"},
		{"etcd-ca YWJj \n", "line 8: 'etcd-ca' is not base64"},
		{"etcd-ca YWJ=\n", "line 8: 'etcd-ca' is not base64"},
		{"etcd-ca \n", "'etcd-ca' is empty"},
		{"etcd-ca AGJj\n", "line 8: 'etcd-ca' holds a zero byte"},
		{"etcd-user YWJj\n", "'etcd-user' and 'etcd-password' are not there together"},
		{"etcd-password YWJj\n", "'etcd-user' and 'etcd-password' are not there together"},
		{"etcd-key YWJj\n", "'etcd-certificate' and 'etcd-key' are not there together"},
	};
	char *body = body_of_small();

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		char *longer = xasprintf("%s%s", body, bad[i].line);
		char *text = seal(longer);

		expect_refused(text, -EINVAL, bad[i].why);
		free(longer);
		free(text);
	}
	secret_free(body);
}
END_TEST

/* Puts other for the line that begins with name (NULL: leaves it out). */
static void expect_without(const char *name, const char *other, int rc, const char *why)
{
	char *body = body_of_small();
	char *at = strstr(body, name);
	char *rest = strchr(at, '\n') + 1;
	char *changed;
	char *text;

	*at = '\0';
	changed = xasprintf("%s%s%s", body, other ? other : "", rest);
	text = seal(changed);
	expect_refused(text, rc, why);
	free(changed);
	free(text);
	free(body);
}

START_TEST(what_is_missing_is_named)
{
	expect_without("id ", NULL, -EINVAL, "there is no 'id'");
	expect_without("key ", NULL, -EINVAL, "there is no 'key'");
	expect_without("ca-key ", NULL, -EINVAL, "there is no 'ca-key'");
	expect_without("ca-certificate ", NULL, -EINVAL, "there is no 'ca-certificate'");
	expect_without("endpoint ", NULL, -EINVAL, "there is no 'endpoint'");
	expect_without("prefix ", NULL, -EINVAL, "there is no 'prefix'");
}
END_TEST

START_TEST(bad_values_are_named_and_not_quoted)
{
	expect_without("id ", "id a_b\n", -EINVAL, "'id' is not made of letters, digits and '-'");
	expect_without("id ", "id 0123456789012345678901234567890123456789012345678\n", -EINVAL,
		"line 2: 'id' is longer than 48 bytes");
	expect_without("key ", "key YWJj\n", -EINVAL, "line 3: 'key' does not have 32 bytes");
	expect_without("key ", "key AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n", -EINVAL,
		"there is no 'key'");
	expect_without("key ", "key AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n",
		-EINVAL, "line 3: 'key' is longer than 32 bytes");
	expect_without("prefix ", "prefix confluent/\n", -EINVAL,
		"'prefix' does not begin and end with '/'");
	expect_without("prefix ", "prefix /confluent\n", -EINVAL,
		"'prefix' does not begin and end with '/'");
	expect_without("ca-key ", "ca-key YWJj\n", -EINVAL,
		"the collective's CA: not a private key in PEM: unsupported");
}
END_TEST

START_TEST(halves_of_two_authorities_are_refused)
{
	struct bundle *a = small();
	struct bundle *b = small();
	struct bundle *c = NULL;
	struct err err = {""};
	char *keep = a->ca_key;
	char *text;

	a->ca_key = b->ca_key;
	b->ca_key = keep;
	text = encode(a);
	ck_assert_int_eq(bundle_parse(&c, text, strlen(text), &err), -EKEYREJECTED);
	ck_assert_str_eq(err.text, "the CA's certificate is for another key");
	secret_free(text);
	bundle_free(a);
	bundle_free(b);
}
END_TEST

START_TEST(the_check_line_is_last_and_fits)
{
	char *body = body_of_small();
	char *text = seal(body);
	char *more = xasprintf("%sprefix /x/\n", text);
	char *cut;

	expect_refused(more, -EINVAL, "line 9: something follows the 'check' line");
	free(more);
	more = xasprintf("%s\n", text);
	expect_refused(more, -EINVAL, "line 9: something follows the 'check' line");
	expect_refused(
		body, -EINVAL, "line 8: the 'check' line is missing (was all of it copied?)");
	cut = xasprintf("%scheck 00\n", body);
	expect_refused(
		cut, -EINVAL, "line 8: 'check' does not fit: the bundle was damaged or edited");
	free(cut);
	free(more);
	free(text);
	secret_free(body);
}
END_TEST

START_TEST(a_zero_byte_and_a_flood_are_refused)
{
	struct bundle *b = NULL;
	struct err err = {""};
	char *flood = xmalloc(BUNDLE_TEXT_MAX + 1);

	memset(flood, 'x', BUNDLE_TEXT_MAX + 1);
	ck_assert_int_eq(bundle_parse(&b, flood, BUNDLE_TEXT_MAX + 1, &err), -EMSGSIZE);
	ck_assert_str_eq(err.text, "the bundle is larger than 163840 bytes");
	ck_assert_int_eq(bundle_parse(&b, flood, BUNDLE_TEXT_MAX, &err), -EINVAL);
	ck_assert_int_eq(bundle_parse(&b, "collective-bundle 1\n\0", 21, &err), -EINVAL);
	ck_assert_str_eq(err.text, "not a bundle: there is a zero byte in it");
	free(flood);
}
END_TEST

START_TEST(too_many_endpoints_are_refused)
{
	char *body = body_of_small();
	char *text;

	for (int i = 0; i < BUNDLE_ENDPOINTS_MAX; i++) {
		char *longer = xasprintf("%sendpoint http://e%d:2379\n", body, i);

		free(body);
		body = longer;
	}
	text = seal(body);
	expect_refused(text, -EINVAL, "line 39: more than 32 of 'endpoint'");
	free(text);
	free(body);
}
END_TEST

static void expect_unwritable(struct bundle *b, const char *why)
{
	char *text = NULL;
	struct err err = {""};

	ck_assert_int_eq(bundle_encode(b, &text, &err), -EINVAL);
	ck_assert_str_eq(err.text, why);
	ck_assert_ptr_null(text);
	bundle_free(b);
}

static char *run_of(char c, size_t len)
{
	char *s = xmalloc(len + 1);

	memset(s, c, len);
	s[len] = '\0';
	return s;
}

START_TEST(what_could_not_be_read_back_is_not_written)
{
	struct bundle *b = bundle_new();

	expect_unwritable(b, "the bundle can't be written: there is no 'id'");
	b = full();
	free(b->etcd_user);
	b->etcd_user = run_of('u', BUNDLE_WORD_MAX + 1);
	expect_unwritable(b, "the bundle can't be written: 'etcd-user' is longer than 1024 bytes");
	b = full();
	free(b->etcd_key);
	b->etcd_key = run_of('k', BUNDLE_PEM_MAX + 1);
	expect_unwritable(b, "the bundle can't be written: 'etcd-key' is longer than 16384 bytes");
	b = full();
	free(b->prefix);
	b->prefix = xstrdup("/a\nb/");
	expect_unwritable(b, "the bundle can't be written: 'prefix' holds a blank or an "
			     "unprintable character");
	b = full();
	for (int i = 2; i <= BUNDLE_ENDPOINTS_MAX; i++) {
		char *url = xasprintf("http://e%d", i);

		bundle_add_endpoint(b, url);
		free(url);
	}
	expect_unwritable(b, "the bundle can't be written: there are more than 32 of 'endpoint'");
}
END_TEST

START_TEST(the_largest_bundle_fits_its_ceiling)
{
	struct bundle *a = full();
	struct bundle *b = NULL;
	char *text;

	free(a->etcd_ca);
	free(a->etcd_user);
	free(a->etcd_password);
	free(a->etcd_certificate);
	free(a->etcd_key);
	free(a->prefix);
	a->etcd_ca = run_of('c', BUNDLE_PEM_MAX);
	a->etcd_certificate = run_of('d', BUNDLE_PEM_MAX);
	a->etcd_key = run_of('k', BUNDLE_PEM_MAX);
	a->etcd_user = run_of('u', BUNDLE_WORD_MAX);
	a->etcd_password = run_of('p', BUNDLE_WORD_MAX - 1);
	a->prefix = run_of('/', BUNDLE_PREFIX_MAX);
	for (int i = 2; i < BUNDLE_ENDPOINTS_MAX; i++) {
		char *tail = run_of('e', BUNDLE_ENDPOINT_MAX - 9);
		char *url = xasprintf("http://%02d%s", i, tail);

		ck_assert_uint_eq(strlen(url), BUNDLE_ENDPOINT_MAX);
		bundle_add_endpoint(a, url);
		free(url);
		free(tail);
	}
	text = encode(a);
	/* the CA's two texts could be at their limit too */
	ck_assert_uint_lt(strlen(text) + 2 * B64_LEN(BUNDLE_PEM_MAX), BUNDLE_TEXT_MAX);
	ck_assert_int_eq(bundle_parse(&b, text, strlen(text), NULL), 0);
	ck_assert_str_eq(b->etcd_key, a->etcd_key);
	ck_assert_str_eq(b->etcd_password, a->etcd_password);
	secret_free(text);
	bundle_free(a);
	bundle_free(b);
}
END_TEST

static Suite *bundle_suite(void)
{
	Suite *suite = suite_create("trust bundle");
	TCase *t = tcase_create("bundle");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, a_full_bundle_goes_there_and_back);
	tcase_add_test(t, what_is_not_set_stays_unset);
	tcase_add_test(t, a_founded_collective_is_like_no_other);
	tcase_add_test(t, each_changed_byte_is_refused);
	tcase_add_test(t, each_cut_is_refused);
	tcase_add_test(t, other_formats_are_told_apart);
	tcase_add_test(t, bad_lines_are_refused_with_their_number);
	tcase_add_test(t, what_is_missing_is_named);
	tcase_add_test(t, bad_values_are_named_and_not_quoted);
	tcase_add_test(t, halves_of_two_authorities_are_refused);
	tcase_add_test(t, the_check_line_is_last_and_fits);
	tcase_add_test(t, a_zero_byte_and_a_flood_are_refused);
	tcase_add_test(t, too_many_endpoints_are_refused);
	tcase_add_test(t, what_could_not_be_read_back_is_not_written);
	tcase_add_test(t, the_largest_bundle_fits_its_ceiling);
	suite_add_tcase(suite, t);
	return suite;
}

SUITE_MAIN(bundle_suite)
