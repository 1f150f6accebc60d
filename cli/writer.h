/*
 * How facts become output: a verb tells facts, a backend formats them, as text for people or as one
 * JSON value for scripts. So both say the same.
 *
 * A fact has a key (JSON) and a label (text). A label of NULL keeps it out of the text. Facts are told
 * inside the top level, a list, or an object; JSON holds them all, the text shows
 *
 *     Label: value                       at the top level
 *     Label:                             a list or object that is not empty
 *         entry suffix                   an entry of a list
 *         first: second, label third     an object inside a list, on one line
 *         Label: value                   a fact inside an object
 *
 * Control characters in texts are replaced when they go to people: names come from other machines.
 */
#ifndef CLI_WRITER_H
#define CLI_WRITER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/macros.h"

struct writer;

struct writer_ops {
	void (*text)(struct writer *w, const char *key, const char *label, const char *value,
		const char *shown);
	void (*flag)(struct writer *w, const char *key, const char *label, bool value);
	void (*number)(struct writer *w, const char *key, double value, const char *label,
		const char *shown);
	void (*entry)(struct writer *w, const char *value, const char *suffix);
	void (*list)(struct writer *w, const char *key, const char *label);
	void (*object)(struct writer *w, const char *key, const char *label);
	void (*end)(struct writer *w);
	void (*free)(struct writer *w);
};

struct writer {
	const struct writer_ops *ops;
};

struct writer *writer_text_new(FILE *out);
/* Prints when freed: one line. */
struct writer *writer_json_new(FILE *out);

/* NULL: null. */
static inline void writer_text(
	struct writer *w, const char *key, const char *label, const char *value)
{
	w->ops->text(w, key, label, value, value);
}

/* With something else shown in the text. */
static inline void writer_text_as(
	struct writer *w, const char *key, const char *label, const char *value, const char *shown)
{
	w->ops->text(w, key, label, value, shown);
}

static inline void writer_flag(struct writer *w, const char *key, const char *label, bool value)
{
	w->ops->flag(w, key, label, value);
}

/* shown is what the text says in place of the number: "2h 3m"; NULL: the number. */
static inline void writer_number(
	struct writer *w, const char *key, double value, const char *label, const char *shown)
{
	w->ops->number(w, key, value, label, shown);
}

static inline void writer_entry(struct writer *w, const char *value, const char *suffix)
{
	w->ops->entry(w, value, suffix);
}

static inline void writer_list(struct writer *w, const char *key, const char *label)
{
	w->ops->list(w, key, label);
}

/* key NULL inside a list. */
static inline void writer_object(struct writer *w, const char *key, const char *label)
{
	w->ops->object(w, key, label);
}

static inline void writer_end(struct writer *w)
{
	w->ops->end(w);
}

static inline void writer_free(struct writer *w)
{
	w->ops->free(w);
}

DEFINE_CLEANUP(struct writer *, writer_free)

/* A text from elsewhere, for people: control characters (C0, DEL, C1) as '?'. */
void writer_print(FILE *out, const char *text);

#endif
