/*
 * Prints the list in nodeattributes(5), for "make regen-attributes".
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/attribute_mdoc.h"

int main(void)
{
	attribute_mdoc(stdout);
	return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
