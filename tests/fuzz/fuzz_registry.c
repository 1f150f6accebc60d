/* libs: record trust wire base */
/*
 * What anybody may put into etcd in the place of a record of a member, of what is active, of the collective or
 * of a change of its key. As it is none of it is a member's; with the fields as they are and a code made
 * by a member it is read as it was written, or refused.
 */
#include "config.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/name.h"
#include "base/text.h"
#include "record/records.h"
#include "record/rekey_records.h"

#define PATH "rekey/wrapped/0123abcd/mgt1"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int truth)
{
	if (!truth)
		abort();
}

static void refused(int rc, const struct err *err)
{
	must(rc < 0 && *err->text);
}

/* Nobody has the key, so no code can be right. */
static void read_raw(const struct bundle *bundle, const char *text, size_t len)
{
	struct member_record member;
	struct rekey_change change;
	struct rekey_wrap wrap;
	struct rekey_held held;
	struct active_record active;
	struct collective_record collective;
	struct err err = {""};

	refused(member_record_decode(&member, "mgt1", text, len, bundle, &err), &err);
	refused(rekey_change_decode(&change, text, len, bundle, &err), &err);
	refused(rekey_wrap_decode(&wrap, PATH, text, len, bundle, &err), &err);
	refused(rekey_held_decode(&held, "rekey/held/mgt1", text, len, bundle, &err), &err);
	if (active_record_decode(&active, text, len, &err) == 0)
		free(active_record_encode(&active));
	(void)!collective_record_decode(&collective, text, len, &err);
}

/* The next line of the input. */
static const char *line(char **at, char *dst, size_t size)
{
	size_t len = strcspn(*at, "\n");

	snprintf(dst, size, "%.*s", (int)MIN(len, size - 1), *at);
	*at += len + ((*at)[len] == '\n');
	return dst;
}

static void sign_change(const struct bundle *bundle, char *at)
{
	struct rekey_change was = {.stage = REKEY_DONE}, is;
	struct err err = {""};
	char *text;
	int rc;

	line(&at, was.key, sizeof(was.key));
	line(&at, was.from, sizeof(was.from));
	line(&at, was.by, sizeof(was.by));
	if (seal_key_id(bundle->key, was.key, NULL) < 0 ||
		rekey_change_encode(&was, bundle, &text, NULL) < 0)
		return;
	rc = rekey_change_decode(&is, text, strlen(text), bundle, &err);
	if (rc == 0)
		must(text_eq(is.key, was.key) && text_eq(is.from, was.from) &&
			text_eq(is.by, was.by));
	else
		refused(rc, &err);
	free(text);
}

static void sign_wrap(const struct bundle *bundle, char *at)
{
	struct rekey_wrap was = {""}, is;
	struct err err = {""};
	char *text;
	int rc;

	line(&at, was.key, sizeof(was.key));
	line(&at, was.receiver, sizeof(was.receiver));
	line(&at, was.wrapped, sizeof(was.wrapped));
	if (seal_key_id(bundle->key, was.under, NULL) < 0 ||
		rekey_wrap_encode(&was, PATH, bundle, &text, NULL) < 0)
		return;
	rc = rekey_wrap_decode(&is, PATH, text, strlen(text), bundle, &err);
	if (rc == 0)
		must(text_eq(is.key, was.key) && text_eq(is.receiver, was.receiver) &&
			text_eq(is.wrapped, was.wrapped));
	else
		refused(rc, &err);
	must(rekey_wrap_decode(
		     &is, "rekey/wrapped/0123abcd/mgt2", text, strlen(text), bundle, &err) < 0);
	free(text);
}

static void sign_member(const struct bundle *bundle, char *at)
{
	struct member_record was = {.port = 13001}, is;
	struct err err = {""};
	char *text;
	int rc;

	line(&at, was.name, sizeof(was.name));
	line(&at, was.address, sizeof(was.address));
	line(&at, was.key, sizeof(was.key));
	line(&at, was.invited_by, sizeof(was.invited_by));
	line(&at, was.version, sizeof(was.version));
	if (member_record_encode(&was, bundle, &text, NULL) < 0)
		return;
	rc = member_record_decode(&is, was.name, text, strlen(text), bundle, &err);
	if (rc == 0)
		must(text_eq(is.name, was.name) && text_eq(is.address, was.address) &&
			text_eq(is.key, was.key) && text_eq(is.version, was.version));
	else
		refused(rc, &err);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct bundle *bundle;
	CLEANUP(freep) char *text = xmalloc(size + 1);

	if (!bundle) {
		bundle = bundle_new();
		bundle->id = xstrdup("c0ffee");
		memset(bundle->key, 7, sizeof(bundle->key));
	}
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	read_raw(bundle, text, size);
	sign_change(bundle, text);
	sign_wrap(bundle, text);
	sign_member(bundle, text);
	return 0;
}
