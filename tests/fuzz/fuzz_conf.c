/* libs: conf base; pkg: CONFIG */
/*
 * Parses the bytes as a configuration. What is taken must survive its own dump; what is refused must
 * say why in printable text.
 */
#include "config.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* libconfig loses the text that it is collecting when a syntax error follows: at most the size of
 * the file, once for each reload of a wrong one. */
const char *__lsan_default_suppressions(void)
{
	return "leak:libconfig.so\n";
}

static void no_change(const char *option, const char *was, const char *is, bool at_once, void *arg)
{
	(void)at_once;
	(void)arg;
	fprintf(stderr, "%s: %s became %s\n", option, was, is);
	abort();
}

static void check_refusal(const struct conf_problems *problems)
{
	if (!problems->n)
		abort();
	for (size_t i = 0; i < problems->n; i++)
		for (const char *p = problems->at[i].text; *p; p++)
			if ((unsigned char)*p < 0x20)
				abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conf_problems problems;
	struct conf *conf = NULL;
	struct conf *again = NULL;
	char *dump = NULL;
	size_t len = 0;
	FILE *out;

	if (conf_parse_string(&conf, (const char *)data, size, "input", &problems) < 0) {
		check_refusal(&problems);
		return 0;
	}
	out = open_memstream(&dump, &len);
	if (!out)
		abort();
	conf_dump(conf, out);
	fclose(out);
	if (conf_parse_string(&again, dump, len, "dump", &problems) < 0) {
		conf_problems_print(&problems, stderr);
		abort();
	}
	conf_diff(conf, again, no_change, NULL);
	conf_free(conf);
	conf_free(again);
	free(dump);
	return 0;
}
