/*
 * JSON both ways over wire/json.h. The decoders first look at the format alone, so that a peer of
 * another version gets that told and not some missing member of its own format; then they copy what
 * they know into a struct, checking as they go, and free it again at the first doubt.
 */
#include "config.h"
#include "enroll/message.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/name.h"
#include "base/text.h"
#include "wire/json.h"

static const char *const code_names[] = {
	[ENROLL_BAD_TOKEN] = "token",
	[ENROLL_BAD_VERSION] = "version",
	[ENROLL_BAD_REQUEST] = "request",
	[ENROLL_NO_QUORUM] = "quorum",
	[ENROLL_UNAVAILABLE] = "unavailable",
	[ENROLL_REFUSED] = "refused",
};

/* What a text may hold besides printable ASCII. */
enum text_kind { TEXT_LINE, TEXT_LINES };

static bool printable(char c)
{
	return c >= ' ' && c <= '~';
}

static bool text_clean(const char *s, enum text_kind kind)
{
	for (; *s; s++) {
		if (!printable(*s) && !(*s == '\n' && kind == TEXT_LINES))
			return false;
	}
	return true;
}

static int check_text(
	const char *what, const char *s, size_t max, enum text_kind kind, struct err *err)
{
	if (!*s)
		return err_set(err, -EBADMSG, "'%s' is empty", what);
	if (strlen(s) > max)
		return err_set(err, -EBADMSG, "'%s' is longer than %zu bytes", what, max);
	if (!text_clean(s, kind))
		return err_set(
			err, -EBADMSG, "'%s' holds characters that are not printable ASCII", what);
	return 0;
}

static int get_text(const json *msg, const char *what, size_t max, enum text_kind kind, char **ret,
	struct err *err)
{
	const char *s;
	int rc;

	if (json_str(msg, what, &s, err) < 0)
		return -EBADMSG;
	rc = check_text(what, s, max, kind, err);
	if (rc < 0)
		return rc;
	*ret = xstrdup(s);
	return 0;
}

/* The sender's version, for the text alone. */
static const char *their_version(const json *msg, char dst[TEXT_PRINTABLE_MAX])
{
	const char *s;

	if (json_str(msg, "version", &s, NULL) < 0)
		s = "unknown";
	return text_printable(s, strlen(s), dst);
}

static int parse(
	const char *text, size_t len, size_t max, const char *version, json **ret, struct err *err)
{
	char theirs[TEXT_PRINTABLE_MAX];
	int64_t format;
	json *msg;

	if (len > max)
		return err_set(err, -EBADMSG, "it is longer than %zu bytes", max);
	if (json_parse(text, len, &msg, err) < 0)
		return -EBADMSG;
	if (!json_is_object(msg)) {
		json_wipe(msg);
		return err_set(err, -EBADMSG, "it is not a JSON object");
	}
	if (json_i64(msg, "format", &format, err) < 0) {
		json_wipe(msg);
		return -EBADMSG;
	}
	if (format != ENROLL_FORMAT) {
		err_set(err, -EPROTONOSUPPORT,
			"version mismatch: the other side speaks enrolment format %lld (collective "
			"version %s), this side format %d (version %s); install the same version "
			"on "
			"both",
			(long long)format, their_version(msg, theirs), ENROLL_FORMAT, version);
		json_wipe(msg);
		return -EPROTONOSUPPORT;
	}
	*ret = msg;
	return 0;
}

int enroll_request_encode(const struct enroll_request *request, struct buf *b)
{
	CLEANUP(json_freep) json *msg = json_new_object();
	json *addresses;

	json_set_number(msg, "format", ENROLL_FORMAT);
	json_set_str(msg, "name", request->name);
	json_set_str(msg, "version", request->version);
	addresses = json_set(msg, "addresses", json_new_array());
	for (size_t i = 0; i < request->address_count; i++)
		json_add_str(addresses, request->addresses[i]);
	json_set_number(msg, "port", request->port);
	json_set_str(msg, "csr", request->csr);
	return json_print(msg, b);
}

static int get_addresses(const json *msg, struct enroll_request *ret, struct err *err)
{
	const json *list, *it;
	int rc;

	if (json_array(msg, "addresses", &list, err) < 0)
		return -EBADMSG;
	json_foreach(it, list)
	{
		const char *s = json_text(it);

		if (ret->address_count == ENROLL_ADDRESSES_MAX)
			return err_set(err, -EBADMSG, "'addresses' has more than %d elements",
				ENROLL_ADDRESSES_MAX);
		if (!s)
			return err_set(err, -EBADMSG, "'addresses': expected texts, found %s",
				json_type_name(it));
		rc = check_text("addresses", s, ENROLL_ADDRESS_LEN_MAX, TEXT_LINE, err);
		if (rc < 0)
			return rc;
		ret->addresses[ret->address_count++] = xstrdup(s);
	}
	return 0;
}

static int get_request(const json *msg, struct enroll_request *ret, struct err *err)
{
	int64_t port;
	int rc = get_text(msg, "name", NAME_MAX_LEN, TEXT_LINE, &ret->name, err);

	if (rc == 0 && name_check(ret->name, err) < 0)
		rc = -EBADMSG;
	if (rc == 0)
		rc = get_text(
			msg, "version", ENROLL_VERSION_LEN_MAX, TEXT_LINE, &ret->version, err);
	if (rc == 0)
		rc = get_addresses(msg, ret, err);
	if (rc == 0)
		rc = get_text(msg, "csr", ENROLL_REQUEST_MAX, TEXT_LINES, &ret->csr, err);
	if (rc < 0)
		return rc;
	if (json_i64(msg, "port", &port, err) < 0)
		return -EBADMSG;
	if (port < 1 || port > 65535)
		return err_set(err, -EBADMSG, "'port' is not between 1 and 65535");
	ret->port = (int)port;
	return 0;
}

int enroll_request_decode(const char *text, size_t len, const char *version,
	struct enroll_request *ret, struct err *err)
{
	struct enroll_request request = {0};
	json *msg;
	int rc = parse(text, len, ENROLL_REQUEST_MAX, version, &msg, err);

	if (rc < 0)
		return rc;
	rc = get_request(msg, &request, err);
	json_free(msg);
	if (rc < 0)
		enroll_request_done(&request);
	else
		*ret = request;
	return rc;
}

void enroll_request_done(struct enroll_request *request)
{
	free(request->name);
	free(request->version);
	for (size_t i = 0; i < request->address_count; i++)
		free(request->addresses[i]);
	free(request->csr);
	*request = (struct enroll_request){0};
}

/* What the other side's decoder takes, whatever the text quotes. */
static char *clean_copy(const char *text)
{
	char *copy = text ? xstrndup(text, ENROLL_TEXT_LEN_MAX) : xstrdup("");

	for (char *p = copy; *p; p++) {
		if (!printable(*p))
			*p = '?';
	}
	if (*copy)
		return copy;
	free(copy);
	return xstrdup("no reason given");
}

int enroll_answer_encode(const struct enroll_answer *answer, const char *version, struct buf *b)
{
	CLEANUP(json_wipep) json *msg = json_new_object();
	CLEANUP(freep) char *text = NULL;
	json *error;

	json_set_number(msg, "format", ENROLL_FORMAT);
	json_set_str(msg, "version", version);
	if (answer->code == ENROLL_OK) {
		json_set_str(msg, "certificate", answer->certificate);
		json_set_str(msg, "bundle", answer->bundle);
	} else {
		error = json_set(msg, "error", json_new_object());
		json_set_str(error, "code", code_names[answer->code]);
		text = clean_copy(answer->text);
		json_set_str(error, "text", text);
	}
	return json_print(msg, b);
}

/* A code that is not known comes from a later version: its text says what it means. */
static enum enroll_code parse_code(const char *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(code_names); i++) {
		if (code_names[i] && strcmp(s, code_names[i]) == 0)
			return (enum enroll_code)i;
	}
	return ENROLL_REFUSED;
}

static int get_answer(const json *msg, struct enroll_answer *ret, struct err *err)
{
	const json *error;
	const char *code;
	int rc;

	if (!json_get(msg, "error")) {
		rc = get_text(
			msg, "certificate", ENROLL_ANSWER_MAX, TEXT_LINES, &ret->certificate, err);
		if (rc == 0)
			rc = get_text(
				msg, "bundle", ENROLL_ANSWER_MAX, TEXT_LINES, &ret->bundle, err);
		return rc;
	}
	if (json_object(msg, "error", &error, err) < 0 || json_str(error, "code", &code, err) < 0)
		return -EBADMSG;
	ret->code = parse_code(code);
	return get_text(error, "text", ENROLL_TEXT_LEN_MAX, TEXT_LINE, &ret->text, err);
}

int enroll_answer_decode(const char *text, size_t len, const char *version,
	struct enroll_answer *ret, struct err *err)
{
	struct enroll_answer answer = {.code = ENROLL_OK};
	json *msg;
	int rc = parse(text, len, ENROLL_ANSWER_MAX, version, &msg, err);

	if (rc < 0)
		return rc;
	rc = get_answer(msg, &answer, err);
	json_wipe(msg);
	if (rc < 0)
		enroll_answer_done(&answer);
	else
		*ret = answer;
	return rc;
}

void enroll_answer_done(struct enroll_answer *answer)
{
	free(answer->text);
	free(answer->certificate);
	secret_free(answer->bundle);
	*answer = (struct enroll_answer){.code = ENROLL_OK};
}
