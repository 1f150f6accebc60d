/*
 * The values of attributes as text, word for word as upstream's tools print them.
 *
 * A value is what a frame has behind an attribute's name: {"value":"x"}, {"value":null},
 * {"isset":true}, {"expression":"{n1+}","broken":"…"}, a list, each perhaps with "inheritedfrom" and
 * "expression". Control characters other than tab and newline are replaced: values come from
 * elsewhere, and so do names. All append to out (-EMSGSIZE past its ceiling).
 */
#ifndef CLI_VALUE_H
#define CLI_VALUE_H

#include "base/buf.h"
#include "wire/json.h"

/* "n1: location.u: 3" and a newline. blame adds where it comes from. */
int value_add_node_line(struct buf *out, const char *node, const char *attribute, const json *value,
	bool blame) MUST_CHECK;
/* The same for an attribute of a group, whose expressions have no value yet. */
int value_add_group_line(
	struct buf *out, const char *group, const char *attribute, const json *value) MUST_CHECK;
/* What is printed after a change: "3", "['rack1', 'everything']". */
int value_add_changed(struct buf *out, const json *value) MUST_CHECK;
/* A list of texts as Python writes it. */
int value_add_words(struct buf *out, char *const *words, int count) MUST_CHECK;
/* A text without the control characters. */
int value_add_text(struct buf *out, const char *text) MUST_CHECK;

#endif
