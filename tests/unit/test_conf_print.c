/*
 * Prints what conf/ makes from its table: `test_conf_print help|mdoc|sample`. For "make regen-conf",
 * and for reading.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "conf/conf.h"

int main(int argc, char **argv)
{
	const char *what = argc == 2 ? argv[1] : "";

	if (text_eq(what, "help"))
		conf_help(stdout);
	else if (text_eq(what, "mdoc"))
		conf_mdoc(stdout);
	else if (text_eq(what, "sample"))
		conf_sample(stdout);
	else
		return EXIT_FAILURE;
	return EXIT_SUCCESS;
}
