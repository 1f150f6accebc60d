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

/* libconfig gives up at a name that is there twice. This gives each name of a setting that stands in
 * that line a mark, different from all others by *count, so that it can read on; NULL when there is
 * none in that line. scan_plain_name() is the name without its mark. */
char *scan_mark_names(const char *text, unsigned line, unsigned *count);
const char *scan_plain_name(const char *name);

#endif
