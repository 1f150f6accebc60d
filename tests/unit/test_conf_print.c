/*
 * Prints what conf/ makes from its table: `test_conf_print help|mdoc|sample`, or what becomes of
 * a configuration: `test_conf_print FILE`. For "make regen-conf", for new golden pairs, and for reading.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "conf/conf.h"
#include "tests/unit/test_conf_golden.h"

int main(int argc, char **argv)
{
	const char *what = argc == 2 ? argv[1] : "";
	char *text;

	if (!*what)
		return EXIT_FAILURE;
	if (text_eq(what, "help"))
		text = golden_printed(conf_help);
	else if (text_eq(what, "mdoc"))
		text = golden_printed(conf_mdoc);
	else if (text_eq(what, "sample"))
		text = golden_printed(conf_sample);
	else
		text = golden_outcome(what);
	fputs(text, stdout);
	free(text);
	return EXIT_SUCCESS;
}
