/*
 * Names of members, nodes and groups.
 *
 * A member is named as its host is: 1 to 63 characters, letters, digits, '.', '-' and
 * '_', beginning and ending with a letter or digit. So a name is safe in an etcd key, a file name, a
 * certificate, a noderange and a token ('@' ends the name there).
 *
 * Nodes and groups: letters, digits, '-', '_' and '.', a letter or digit first, up to 255 of them.
 */
#ifndef BASE_NAME_H
#define BASE_NAME_H

#include <stdbool.h>

#include "base/err.h"

#define NAME_MAX_LEN	63
#define NAME_OBJECT_MAX 255

bool name_valid(const char *name);
/* -EINVAL and a text that quotes the name (control characters replaced) and says the rule. */
int name_check(const char *name, struct err *err);

bool name_object_valid(const char *name);
/* The same for a node or a group; kind is "node" or "group". */
int name_object_check(const char *name, const char *kind, struct err *err) MUST_CHECK;

#endif
