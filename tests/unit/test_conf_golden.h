/*
 * What a golden pair of tests/unit/conf/ is about: the text in, and out of it the problems or the
 * dump, with the default folders as they are in the committed files whatever configure was told.
 */
#ifndef TESTS_UNIT_TEST_CONF_GOLDEN_H
#define TESTS_UNIT_TEST_CONF_GOLDEN_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "conf/conf.h"

/* text with each `from` replaced; frees text. */
static inline char *golden_replace(char *text, const char *from, const char *to)
{
	char *hit = strstr(text, from);
	char *head;
	char *tail;
	char *all;

	if (!hit || strcmp(from, to) == 0)
		return text;
	tail = golden_replace(xstrdup(hit + strlen(from)), from, to);
	head = xstrndup(text, (size_t)(hit - text));
	all = xasprintf("%s%s%s", head, to, tail);
	free(text);
	free(head);
	free(tail);
	return all;
}

static inline char *golden_canonical(char *text)
{
	text = golden_replace(text, SYSCONFDIR "/confluent", "/etc/confluent");
	text = golden_replace(text, LOCALSTATEDIR "/lib/collectived", "/var/lib/collectived");
	return golden_replace(text, RUNDIR "/confluent", "/run/confluent");
}

/* What print writes, as a text to free(). */
static inline char *golden_printed(void (*print)(FILE *out))
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		abort();
	print(out);
	fclose(out);
	return golden_canonical(text);
}

/* The whole file as a text to free(). */
static inline char *golden_read(const char *path, size_t *ret_len)
{
	struct buf b = BUF_INIT(1 << 20);
	struct err err;

	if (file_read(path, &b, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		abort();
	}
	*ret_len = b.len;
	return b.data ? buf_take(&b) : xstrdup("");
}

/* What becomes of the configuration in the file at path. */
static inline char *golden_outcome(const char *path)
{
	const char *slash = strrchr(path, '/');
	struct conf_problems problems;
	struct conf *conf = NULL;
	char *printed = NULL;
	size_t len;
	char *text = golden_read(path, &len);
	FILE *out = open_memstream(&printed, &(size_t){0});

	if (!out)
		abort();
	if (conf_parse_string(&conf, text, len, slash ? slash + 1 : path, &problems) < 0)
		conf_problems_print(&problems, out);
	else
		conf_dump(conf, out);
	fclose(out);
	conf_free(conf);
	free(text);
	return golden_canonical(printed);
}

#endif
