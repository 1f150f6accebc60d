/*
 * A look at the bytes of a configuration before libconfig gets them, for what libconfig would do and
 * must not. Internal to conf/.
 */
#ifndef CONF_SCAN_H
#define CONF_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#include "conf/conf.h"

/* Adds a problem for each thing found. False when libconfig must not see the text at all. text is
 * followed by a NUL. */
bool scan_text(const char *text, size_t len, const char *file, struct conf_problems *problems);

#endif
