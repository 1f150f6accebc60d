/*
 * The attribute catalogue: which names there are, what each may hold, and what it is for. One table
 * (attributes.def) gives validation, aliases, the manual page and the completion.
 *
 * A name is known when it is in the table; when it has parts in the middle and is `net.…` or `power.…`
 * with a last part of a name in the table that may be spelled so (net.eth0.switch); or when it begins
 * with `custom.`. Known or not, a name must be [A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*, at most
 * ATTRIBUTE_NAME_MAX bytes.
 */
#ifndef MODEL_ATTRIBUTE_H
#define MODEL_ATTRIBUTE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

#define ATTRIBUTE_NAME_MAX    255
#define ATTRIBUTE_VALUE_MAX   ((size_t)256 << 10) /* bytes of one value; more is refused */
#define ATTRIBUTE_PATTERN_MAX 1024 /* bytes of a pattern; a longer one matches nothing */

enum attribute_kind {
	ATTRIBUTE_TEXT,	     /* any text; an expression where it holds {fields} */
	ATTRIBUTE_BOOLEAN,   /* stored as "true" or "false" */
	ATTRIBUTE_INTEGER,   /* id.index: assigned, not settable by hand */
	ATTRIBUTE_LIST,	     /* groups, nodes */
	ATTRIBUTE_SECRET,    /* sealed; can be opened by members */
	ATTRIBUTE_HASH,	     /* crypted.*: only salted hashes are kept */
	ATTRIBUTE_NODERANGE, /* the group attribute of that name */
};

/* How the values of a TEXT are restricted. */
enum attribute_values {
	ATTRIBUTE_ANY,
	ATTRIBUTE_ONE_OF,  /* shell patterns; empty always passes */
	ATTRIBUTE_SOME_OF, /* a comma list of these */
	ATTRIBUTE_KEYS_OF, /* a comma list of key=value, these keys */
};

struct attribute {
	const char *name;
	enum attribute_kind kind;
	enum attribute_values values;
	const char *accepted; /* blank-separated; NULL with ANY */
	bool on_node, on_group;
	bool expression;     /* may hold one */
	bool named;	     /* may be spelled with parts in the middle */
	const char *acts_as; /* what it does while unset; NULL: nothing special */
	const char *help;
};

/* The row for a name or one of its spellings; an alias is not a name. NULL: unknown. For custom.* and
 * custom.nodesecret.* the row of the pattern. */
const struct attribute *attribute_find(const char *name);
/* bmc -> hardwaremanagement.manager and so on; any other name is given back as it is. */
const char *attribute_unalias(const char *name);
/* By place in the table (code point order of names), NULL behind the last. */
const struct attribute *attribute_at(size_t i);
bool attribute_name_valid(const char *name);
/* Its value is never shown. */
bool attribute_hidden(const struct attribute *attribute);
/* Node and group names, by the rule of base/name.h. */
int attribute_object_name_check(const char *name, const char *kind, struct err *err) MUST_CHECK;
bool attribute_object_name_valid(const char *name);
/* What a boolean attribute is when this is typed: upstream's words, in any case of letters. */
bool attribute_truth(const char *value);
/* -EINVAL where a text is too long, is not UTF-8, or holds a control character other than tab and
 * newline. The text is not quoted: it may be a secret. */
int attribute_check_text(const char *value, size_t len, struct err *err) MUST_CHECK;
/* That, and -EINVAL with upstream's words ("Attribute console.method does not accept value telnet
 * (valid values would be ssh,ipmi,…)") where a plain value is not in the row's list. name is the
 * spelling that was used. A named spelling (net.eth0.ipv4_method) is held to the list, too. */
int attribute_check_value(const struct attribute *attribute, const char *name, const char *value,
	struct err *err) MUST_CHECK;
/* Shell pattern as a whole: '*', '?', [a-z], [!a-z]; nothing escapes, a '[' that is not closed stands
 * for itself. Case-sensitive. Never takes longer than the product of both lengths. */
bool attribute_matches(const char *pattern, const char *name);

#endif
