#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/b64.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/name.h"
#include "base/num.h"
#include "base/text.h"
#include "tests/lib/suite.h"

START_TEST(err_is_prefixed_once_a_layer)
{
	struct err err = {""};

	ck_assert_int_eq(err_set(&err, -EINVAL, "'%s' is not a URL", "x"), -EINVAL);
	ck_assert_int_eq(err_wrap(&err, -EINVAL, "line %d", 14), -EINVAL);
	ck_assert_str_eq(err.text, "line 14: 'x' is not a URL");
	err_clear(&err);
	err_wrap(&err, -ENOENT, "cannot open %s", "/x");
	ck_assert_str_eq(err.text, "cannot open /x: No such file or directory");
	ck_assert_int_eq(err_set(NULL, -EIO, "nobody listens"), -EIO);
}
END_TEST

START_TEST(buf_keeps_its_ceiling_and_its_contents)
{
	struct buf b = BUF_INIT(10);

	ck_assert_int_eq(buf_str(&b, "12345678"), 0);
	ck_assert_int_eq(buf_str(&b, "abc"), -EMSGSIZE);
	ck_assert_str_eq(buf_cstr(&b), "12345678");
	ck_assert_int_eq(buf_printf(&b, "%d", 42), 0);
	ck_assert_uint_eq(b.len, 10);
	ck_assert_ptr_null(buf_reserve(&b, 1));
	ck_assert_ptr_null(buf_reserve(&b, SIZE_MAX));
	buf_consume(&b, 8);
	ck_assert_str_eq(buf_cstr(&b), "42");
	buf_consume(&b, 100);
	ck_assert_str_eq(buf_cstr(&b), "");
	buf_wipe(&b);
}
END_TEST

START_TEST(numbers_are_strict)
{
	static const char *const bad[] = {
		"", " 1", "1 ", "+1", "0x1", "1e2", "-", "--1", "9223372036854775808", "1.0"};
	int64_t v = 7;
	uint64_t u;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		ck_assert_msg(num_i64(bad[i], &v) < 0, "'%s' was taken", bad[i]);
	ck_assert_int_eq(v, 7);
	ck_assert_int_eq(num_i64("-9223372036854775808", &v), 0);
	ck_assert(v == INT64_MIN);
	ck_assert_int_eq(num_i64("9223372036854775807", &v), 0);
	ck_assert(v == INT64_MAX);
	ck_assert_int_eq(num_u64("18446744073709551615", &u), 0);
	ck_assert(u == UINT64_MAX);
	ck_assert_int_eq(num_u64("18446744073709551616", &u), -ERANGE);
	ck_assert_int_eq(num_i64_range("11", 1, 10, &v), -ERANGE);
}
END_TEST

START_TEST(durations_as_people_write_them)
{
	static const struct {
		const char *text;
		usec_t d;
	} good[] = {
		{"90", 90 * USEC_PER_SEC},
		{"500ms", 500 * USEC_PER_MSEC},
		{"24h", 86400 * USEC_PER_SEC},
		{"1h30m", 5400 * USEC_PER_SEC},
		{"7d", 7 * 86400 * USEC_PER_SEC},
	};
	static const char *const bad[] = {
		"", "h", "1x", "-1s", "1 h", "99999999999999999999d", "9223372036854775807d"};
	char text[NUM_DURATION_MAX];
	usec_t d;

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		ck_assert_int_eq(num_duration(good[i].text, &d), 0);
		ck_assert(d == good[i].d);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		ck_assert_msg(num_duration(bad[i], &d) < 0, "'%s' was taken", bad[i]);
	ck_assert_str_eq(num_format_duration(3200 * USEC_PER_MSEC, text), "3.2s");
	ck_assert_str_eq(num_format_duration(5400 * USEC_PER_SEC, text), "1h 30m");
	ck_assert_str_eq(num_format_duration(USEC_NEVER, text), "never");
}
END_TEST

START_TEST(base64_round_trips_and_is_strict)
{
	static const char *const bad[] = {"A", "AA", "AAA", "AB==", "AAB=", "A===", "====", "AA=A",
		"AAA A", "AA\nA", "AA-A", "AA_A"};
	unsigned char data[67];
	struct buf b = BUF_INIT(1000);

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (unsigned char)(i * 37 + 11);
	for (size_t len = 0; len <= sizeof(data); len++) {
		CLEANUP(freep) char *text = b64_encode(data, len);

		buf_reset(&b);
		ck_assert_int_eq(b64_decode(text, strlen(text), &b), 0);
		ck_assert_uint_eq(b.len, len);
		ck_assert(len == 0 || memcmp(b.data, data, len) == 0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		ck_assert_msg(b64_decode(bad[i], strlen(bad[i]), &b) < 0, "'%s' was taken", bad[i]);
	buf_done(&b);
}
END_TEST

START_TEST(hex_round_trips)
{
	unsigned char out[3];
	CLEANUP(freep) char *text = hex_encode("\x00\xa5\xff", 3);

	ck_assert_str_eq(text, "00a5ff");
	ck_assert_int_eq(hex_decode(text, out, 3), 0);
	ck_assert_mem_eq(out, "\x00\xa5\xff", 3);
	ck_assert_int_eq(hex_decode("00A5ff", out, 3), -EINVAL);
	ck_assert_int_eq(hex_decode("00a5", out, 3), -EINVAL);
}
END_TEST

START_TEST(names_that_are_none)
{
	static const char *const bad[] = {"", " ", "a b", "a@b", "-a", "a-", ".a", "a/b", "a\nb",
		"ä", "0123456789012345678901234567890123456789012345678901234567890123"};
	struct err err = {""};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		ck_assert_msg(!name_valid(bad[i]), "'%s' was taken", bad[i]);
	ck_assert(name_valid("mgt1"));
	ck_assert(name_valid("m"));
	ck_assert(name_valid("mgt-1.cluster_a.example"));
	ck_assert_int_eq(name_check("a\nb", &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "'a?b'"));
}
END_TEST

START_TEST(host_and_port)
{
	char *host = NULL;
	int port = 1;

	ck_assert_int_eq(text_host_port("mgt1", &host, &port), 0);
	ck_assert_str_eq(host, "mgt1");
	ck_assert_int_eq(port, 1);
	free(host);
	ck_assert_int_eq(text_host_port("mgt1:99", &host, &port), 0);
	ck_assert_int_eq(port, 99);
	free(host);
	ck_assert_int_eq(text_host_port("[fe80::1]:98", &host, &port), 0);
	ck_assert_str_eq(host, "fe80::1");
	ck_assert_int_eq(port, 98);
	free(host);
	ck_assert_int_eq(text_host_port("fe80::1", &host, &port), 0);
	ck_assert_str_eq(host, "fe80::1");
	free(host);
	ck_assert_int_lt(text_host_port("", &host, &port), 0);
	ck_assert_int_lt(text_host_port("a:0", &host, &port), 0);
	ck_assert_int_lt(text_host_port("a:65536", &host, &port), 0);
	ck_assert_int_lt(text_host_port("[::1", &host, &port), 0);
	ck_assert_int_lt(text_host_port("[::1]x", &host, &port), 0);
}
END_TEST

START_TEST(printable_cuts_and_replaces)
{
	char dst[TEXT_PRINTABLE_MAX];
	char longer[300];

	ck_assert_str_eq(text_printable("a\x1b[2Jb", 6, dst), "a?[2Jb");
	ck_assert_str_eq(text_printable("\xc2\x9b"
					"2J\xc2\xa0\xc2",
				 7, dst),
		"?2J\xc2\xa0?");
	memset(longer, 'x', sizeof(longer));
	text_printable(longer, sizeof(longer), dst);
	ck_assert_uint_eq(strlen(dst), TEXT_PRINTABLE_MAX - 1);
	ck_assert_str_eq(dst + TEXT_PRINTABLE_MAX - 4, "...");
}
END_TEST

static bool is_utf8(const char *s)
{
	size_t left = strlen(s), len = 1;

	for (; left && len; s += len, left -= len)
		len = text_char_len(s, left);
	return len > 0;
}

/* An answer on the socket is UTF-8, or nobody can read it. */
START_TEST(what_is_quoted_and_cut_is_utf8_whatever_it_was)
{
	char dst[TEXT_PRINTABLE_MAX], text[2 * ERR_TEXT_MAX + 8];
	struct err err = {""};

	ck_assert_str_eq(text_printable("a\xff\xfe\xc3", 4, dst), "a???");
	ck_assert_str_eq(text_printable("\xed\xa0\x80", 3, dst), "???");
	for (size_t shift = 0; shift < 4; shift++) {
		memset(text, 'x', shift);
		for (size_t i = shift; i < sizeof(text); i++)
			text[i] = "\xf0\x9f\x98\x80"[(i - shift) % 4];
		text[sizeof(text) - 1] = '\0';
		ck_assert(is_utf8(text_printable(text, sizeof(text) - 1, dst)));
		ck_assert_uint_ge(strlen(dst), TEXT_PRINTABLE_MAX - 4);
		ck_assert_str_eq(dst + strlen(dst) - 3, "...");
		ck_assert_int_eq(err_set(&err, -EINVAL, "%s", text), -EINVAL);
		ck_assert(is_utf8(err.text));
		ck_assert_uint_ge(strlen(err.text), ERR_TEXT_MAX - 4);
		err_wrap(&err, -EINVAL, "%s", text);
		ck_assert(is_utf8(err.text));
		err_errno(&err, -EINVAL, "%s", text);
		ck_assert(is_utf8(err.text));
	}
}
END_TEST

static char folder[] = "/tmp/test_base.XXXXXX";

START_TEST(files_are_replaced_whole)
{
	struct buf b = BUF_INIT(100);
	struct err err = {""};
	struct stat st;
	char *path;
	char *temp;
	mode_t mask;
	int fd;

	strcpy(folder + strlen(folder) - 6, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	path = file_join(folder, "f");
	temp = xasprintf("%s.new", path);
	fd = open(temp, O_WRONLY | O_CREAT, 0666); /* what an interrupted write leaves */
	ck_assert_int_ge(fd, 0);
	close(fd);
	mask = umask(0);
	ck_assert_int_eq(file_replace(path, "one", 3, 0600, &err), 0);
	ck_assert_int_eq(file_replace(path, "two", 3, 0600, &err), 0);
	umask(mask);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	ck_assert_int_eq(file_read(path, &b, &err), 0);
	ck_assert_str_eq(buf_cstr(&b), "two");
	b.max = 4;
	ck_assert_int_eq(file_read(path, &b, &err), -EMSGSIZE);
	ck_assert_int_eq(chmod(path, 0640), 0);
	ck_assert_int_eq(file_check_secret(path, &err), -EACCES);
	ck_assert_ptr_nonnull(strstr(err.text, "chmod 600"));
	ck_assert_int_eq(file_remove(path, &err), 0);
	ck_assert_int_eq(file_remove(path, &err), 0);
	ck_assert_int_eq(file_read(path, &b, &err), -ENOENT);
	rmdir(folder);
	free(path);
	free(temp);
	buf_done(&b);
}
END_TEST

START_TEST(secrets_compare)
{
	ck_assert(mem_equal_const("abc", "abc", 3));
	ck_assert(!mem_equal_const("abc", "abd", 3));
	ck_assert(mem_equal_const("", "", 0));
}
END_TEST

static char captured[4096];

static void capture(enum log_level level, const char *module, const char *text, void *arg)
{
	(void)arg;
	snprintf(captured + strlen(captured), sizeof(captured) - strlen(captured), "%s %s: %s\n",
		log_level_name(level), module, text);
}

START_TEST(log_levels_per_module_and_limits)
{
	struct log_limit limit = {0};
	unsigned left_out = 99;

	captured[0] = '\0';
	log_set_sink(capture, NULL);
	log_debug("a", "not shown");
	ck_assert_int_eq(log_set_level("a", "debug"), 0);
	log_debug("a", "shown %d", 1);
	log_debug("b", "not shown");
	ck_assert_int_eq(log_set_level("a", "loud"), -EINVAL);
	ck_assert_int_eq(log_set_level("all", "error"), 0);
	log_warning("a", "not shown");
	log_error("b", "shown 2");
	ck_assert_str_eq(captured, "debug a: shown 1\nerror b: shown 2\n");
	log_set_sink(NULL, NULL);

	ck_assert(log_limit_pass(&limit, 0, &left_out));
	ck_assert(!log_limit_pass(&limit, 1, &left_out));
	ck_assert(!log_limit_pass(&limit, 2, &left_out));
	ck_assert(log_limit_pass(&limit, 61 * USEC_PER_SEC, &left_out));
	ck_assert_uint_eq(left_out, 2);
}
END_TEST

static Suite *base_suite(void)
{
	Suite *suite = suite_create("base");
	TCase *tc = tcase_create("base");

	tcase_add_test(tc, err_is_prefixed_once_a_layer);
	tcase_add_test(tc, buf_keeps_its_ceiling_and_its_contents);
	tcase_add_test(tc, numbers_are_strict);
	tcase_add_test(tc, durations_as_people_write_them);
	tcase_add_test(tc, base64_round_trips_and_is_strict);
	tcase_add_test(tc, hex_round_trips);
	tcase_add_test(tc, names_that_are_none);
	tcase_add_test(tc, host_and_port);
	tcase_add_test(tc, printable_cuts_and_replaces);
	tcase_add_test(tc, what_is_quoted_and_cut_is_utf8_whatever_it_was);
	tcase_add_test(tc, files_are_replaced_whole);
	tcase_add_test(tc, secrets_compare);
	tcase_add_test(tc, log_levels_per_module_and_limits);
	suite_add_tcase(suite, tc);
	return suite;
}

SUITE_MAIN(base_suite)
