/*
 * The list in nodeattributes(5), made from the catalogue (model/attribute.h).
 */
#ifndef TESTS_UNIT_ATTRIBUTE_MDOC_H
#define TESTS_UNIT_ATTRIBUTE_MDOC_H

#include <stdio.h>

void attribute_mdoc(FILE *out);

#endif
