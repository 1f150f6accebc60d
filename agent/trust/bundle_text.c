/*
 * The text of a bundle. Happy path: the line with the format, the lines of the table, the check
 * line. Reading goes line by line and stops at the first that is wrong, with its number; then the
 * check must fit, then the bundle must be whole, then the CA in it must open.
 *
 * Buffers that hold secrets get their full size at once: one that grew would leave its former self
 * behind in the heap.
 */
#include "config.h"
#include "trust/bundle.h"

#include <errno.h>
#include <string.h>

#include "base/b64.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/num.h"
#include "trust/bundle_fields.h"
#include "trust/ca.h"

#define MAGIC	     "collective-bundle "
#define CHECK	     "check "
#define FLAG_SET     "yes"
#define FORMAT_WIDTH 9 /* digits */

static int add_line(struct buf *out, const char *name, const char *value)
{
	int rc = buf_str(out, name);

	if (rc == 0)
		rc = buf_add(out, " ", 1);
	if (rc == 0)
		rc = buf_str(out, value);
	return rc < 0 ? rc : buf_add(out, "\n", 1);
}

static int add_coded(struct buf *out, const char *name, const void *data, size_t len)
{
	char *coded = b64_encode(data, len);
	int rc = add_line(out, name, coded);

	secret_free(coded);
	return rc;
}

static int add_field(struct buf *out, const struct bundle *b, const struct bundle_field *f)
{
	const char *text;
	int rc = 0;

	switch (f->kind) {
	case BUNDLE_PLAIN:
	case BUNDLE_CODED:
		text = *bundle_text_of(b, f);
		if (text)
			rc = f->kind == BUNDLE_PLAIN ? add_line(out, f->name, text)
						     : add_coded(out, f->name, text, strlen(text));
		break;
	case BUNDLE_LIST:
		for (size_t i = 0; rc == 0 && i < b->endpoint_count; i++)
			rc = add_line(out, f->name, b->endpoints[i]);
		break;
	case BUNDLE_KEY:
		rc = add_coded(out, f->name, b->key, sizeof(b->key));
		break;
	case BUNDLE_HELD:
		for (size_t i = 0; rc == 0 && i < b->held_count; i++)
			rc = add_coded(out, f->name, b->held[i], KDF_KEY_LEN);
		break;
	case BUNDLE_FLAG:
		if (b->allow_loopback)
			rc = add_line(out, f->name, FLAG_SET);
		break;
	}
	return rc;
}

static int add_check(struct buf *out)
{
	unsigned char digest[KDF_SHA256_LEN];
	char *hex;
	int rc = kdf_sha256(out->data, out->len, digest, NULL);

	if (rc < 0)
		return rc;
	hex = hex_encode(digest, sizeof(digest));
	rc = buf_printf(out, CHECK "%s\n", hex);
	free(hex);
	return rc;
}

int bundle_encode(const struct bundle *b, char **ret_text, struct err *err)
{
	CLEANUP(buf_wipe) struct buf out = BUF_INIT(BUNDLE_TEXT_MAX);
	int rc = bundle_check(b, err);

	if (rc < 0)
		return err_wrap(err, rc, "the bundle can't be written");
	if (!buf_reserve(&out, BUNDLE_TEXT_MAX))
		return -EMSGSIZE;
	rc = buf_printf(&out, MAGIC "%d\n", b->held_count ? 2 : 1);
	for (size_t i = 0; rc == 0 && i < BUNDLE_FIELDS; i++)
		rc = add_field(&out, b, &bundle_fields[i]);
	if (rc == 0)
		rc = add_check(&out);
	if (rc < 0)
		return err_errno(err, rc, "the bundle can't be written");
	*ret_text = xstrdup(out.data);
	return 0;
}

/* The reader: one line at a time, "name value". */
struct reader {
	const char *text;
	size_t len;
	size_t at;	  /* where the next line begins */
	size_t begin;	  /* where this line began */
	const char *line; /* not terminated */
	size_t line_len;
	int number;
	int format;
	bool seen[BUNDLE_FIELDS];
};

static int next_line(struct reader *r, struct err *err)
{
	const char *end;

	r->number++;
	if (r->at == r->len)
		return err_set(err, -EINVAL,
			"line %d: the 'check' line is missing (was all of it copied?)", r->number);
	r->begin = r->at;
	r->line = r->text + r->at;
	end = memchr(r->line, '\n', r->len - r->at);
	if (!end)
		return err_set(
			err, -EINVAL, "line %d: no line end (was all of it copied?)", r->number);
	r->line_len = (size_t)(end - r->line);
	r->at += r->line_len + 1;
	return 0;
}

/* The value when the line is "name value", else NULL; not terminated. */
static const char *value_of(const struct reader *r, const char *name, size_t *ret_len)
{
	size_t len = strlen(name);

	if (r->line_len <= len || memcmp(r->line, name, len) != 0 || r->line[len] != ' ')
		return NULL;
	*ret_len = r->line_len - len - 1;
	return r->line + len + 1;
}

static int read_format(struct reader *r, struct err *err)
{
	char digits[FORMAT_WIDTH + 1];
	size_t magic_len = strlen(MAGIC);
	size_t len;
	int64_t format;
	int rc = next_line(r, err);

	if (rc < 0)
		return rc;
	len = r->line_len > magic_len ? r->line_len - magic_len : 0;
	if (len && len <= FORMAT_WIDTH && memcmp(r->line, MAGIC, magic_len) == 0) {
		memcpy(digits, r->line + magic_len, len);
		digits[len] = '\0';
		if (*digits != '0' && num_i64_range(digits, 1, INT32_MAX, &format) == 0) {
			if (format <= BUNDLE_FORMAT) {
				r->format = (int)format;
				return 0;
			}
			return err_set(err, -EPROTONOSUPPORT,
				"format %d is newer than what this version knows (%d): upgrade "
				"collective on this host",
				(int)format, BUNDLE_FORMAT);
		}
	}
	return err_set(err, -EINVAL, "line 1: not a bundle (expected '" MAGIC "1' or '%d')",
		BUNDLE_FORMAT);
}

/* base64 of at most max bytes, none of them zero when it is text. */
static int decode(const struct reader *r, const struct bundle_field *f, const char *value,
	size_t len, struct buf *out, struct err *err)
{
	int rc = b64_decode(value, len, out);

	if (rc == -EMSGSIZE || (rc == 0 && out->len > f->max))
		return err_set(err, -EINVAL, "line %d: '%s' is longer than %zu bytes", r->number,
			f->name, f->max);
	if (rc < 0)
		return err_set(err, -EINVAL, "line %d: '%s' is not base64", r->number, f->name);
	if (f->kind == BUNDLE_CODED && memchr(out->data, '\0', out->len))
		return err_set(err, -EINVAL, "line %d: '%s' holds a zero byte", r->number, f->name);
	return 0;
}

static int take_coded(const struct reader *r, struct bundle *b, const struct bundle_field *f,
	const char *value, size_t len, struct err *err)
{
	/* the decoder works in steps of three bytes */
	CLEANUP(buf_wipe) struct buf out = BUF_INIT(f->max + 2);
	int rc = decode(r, f, value, len, &out, err);

	if (rc < 0)
		return rc;
	if (f->kind == BUNDLE_CODED) {
		*bundle_text_of(b, f) = xstrdup(buf_cstr(&out));
		return 0;
	}
	if (out.len != KDF_KEY_LEN)
		return err_set(err, -EINVAL, "line %d: '%s' does not have %d bytes", r->number,
			f->name, KDF_KEY_LEN);
	if (f->kind == BUNDLE_HELD && b->held_count == BUNDLE_HELD_MAX)
		return err_set(err, -EINVAL, "line %d: more than %d of '%s'", r->number,
			BUNDLE_HELD_MAX, f->name);
	memcpy(f->kind == BUNDLE_HELD ? b->held[b->held_count++] : b->key, out.data, KDF_KEY_LEN);
	return 0;
}

static int take_value(const struct reader *r, struct bundle *b, const struct bundle_field *f,
	const char *value, size_t len, struct err *err)
{
	char *word;

	switch (f->kind) {
	case BUNDLE_CODED:
	case BUNDLE_KEY:
	case BUNDLE_HELD:
		return take_coded(r, b, f, value, len, err);
	case BUNDLE_FLAG:
		if (len != strlen(FLAG_SET) || memcmp(value, FLAG_SET, len) != 0)
			return err_set(err, -EINVAL, "line %d: '%s' is not '%s'", r->number,
				f->name, FLAG_SET);
		b->allow_loopback = true;
		return 0;
	case BUNDLE_PLAIN:
	case BUNDLE_LIST:
		if (len > f->max)
			return err_set(err, -EINVAL, "line %d: '%s' is longer than %zu bytes",
				r->number, f->name, f->max);
		if (f->kind == BUNDLE_LIST && b->endpoint_count == BUNDLE_ENDPOINTS_MAX)
			return err_set(err, -EINVAL, "line %d: more than %d of '%s'", r->number,
				BUNDLE_ENDPOINTS_MAX, f->name);
		word = xstrndup(value, len);
		if (f->kind == BUNDLE_PLAIN)
			*bundle_text_of(b, f) = TAKE(word);
		else
			bundle_add_endpoint(b, word);
		free(word);
		return 0;
	}
	return -EINVAL;
}

static int read_field(struct reader *r, struct bundle *b, struct err *err)
{
	for (size_t i = 0; i < BUNDLE_FIELDS; i++) {
		const struct bundle_field *f = &bundle_fields[i];
		size_t len;
		const char *value = value_of(r, f->name, &len);

		if (!value || (f->kind == BUNDLE_HELD && r->format < 2))
			continue;
		if (r->seen[i] && f->kind != BUNDLE_LIST && f->kind != BUNDLE_HELD)
			return err_set(err, -EINVAL, "line %d: a second '%s'", r->number, f->name);
		r->seen[i] = true;
		return take_value(r, b, f, value, len, err);
	}
	return err_set(err, -EINVAL, "line %d: not a field of a bundle of format %d", r->number,
		r->format);
}

/* *ret_done is true behind a check line that fits. */
static int read_check(const struct reader *r, bool *ret_done, struct err *err)
{
	unsigned char digest[KDF_SHA256_LEN];
	size_t len;
	const char *value = value_of(r, "check", &len);
	char *hex;
	int rc;

	*ret_done = value != NULL;
	if (!value)
		return 0;
	rc = kdf_sha256(r->text, r->begin, digest, err);
	if (rc < 0)
		return rc;
	hex = hex_encode(digest, sizeof(digest));
	if (len != strlen(hex) || memcmp(value, hex, len) != 0)
		rc = err_set(err, -EINVAL,
			"line %d: 'check' does not fit: the bundle was damaged or edited",
			r->number);
	else if (r->at != r->len)
		rc = err_set(
			err, -EINVAL, "line %d: something follows the 'check' line", r->number + 1);
	free(hex);
	return rc;
}

static int check_ca(const struct bundle *b, struct err *err)
{
	CLEANUP(ca_freep) struct ca *ca = NULL;

	return ca_open(&ca, b->ca_key, b->ca_certificate, err);
}

int bundle_parse(struct bundle **ret, const char *text, size_t len, struct err *err)
{
	CLEANUP(bundle_freep) struct bundle *b = bundle_new();
	struct reader r = {.text = text, .len = len};
	bool done = false;
	int rc;

	if (len > BUNDLE_TEXT_MAX)
		return err_set(
			err, -EMSGSIZE, "the bundle is larger than %d bytes", BUNDLE_TEXT_MAX);
	if (memchr(text, '\0', len))
		return err_set(err, -EINVAL, "not a bundle: there is a zero byte in it");
	rc = read_format(&r, err);
	while (rc == 0 && !done) {
		rc = next_line(&r, err);
		if (rc == 0)
			rc = read_check(&r, &done, err);
		if (rc == 0 && !done)
			rc = read_field(&r, b, err);
	}
	if (rc == 0)
		rc = bundle_check(b, err);
	if (rc == 0)
		rc = check_ca(b, err);
	if (rc == 0)
		*ret = TAKE(b);
	return rc;
}
