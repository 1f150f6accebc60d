/*
 * struct conf_option: a row of the table of options (conf/options.def), and what can be done with
 * any of them: set, unset, compare, spell. Internal to conf/.
 */
#ifndef CONF_OPTION_H
#define CONF_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "conf/conf.h"

enum option_kind {
	OPTION_TEXT,	/* char *; NULL when unset */
	OPTION_CHOICE,	/* char *, one of the words in .choices */
	OPTION_URLS,	/* struct conf_urls */
	OPTION_INT,	/* int */
	OPTION_SECONDS, /* usec_t; whole seconds in the file */
	OPTION_BOOL,	/* bool */
};

struct conf_option {
	const char *section;
	const char *name;
	enum option_kind kind;
	size_t offset; /* of the value in struct conf */
	int64_t min;   /* of a number, or how many URLs */
	int64_t max;   /* the same; of a text, its length */
	/* Says what is wrong with a value, as "is not a URL"; NULL: every text is fine. */
	int (*check)(const char *value, struct err *why);
	const char *expected; /* by check, for people */
	const char *choices;  /* words with a blank between them */
	const char *dflt;     /* as a text, also of a number; NULL: unset */
	const char *unset;    /* what being unset means, where that is not "none" */
	const char *help;
	bool file;	  /* names a file that must be there */
	bool secret_file; /* which others must not be able to read */
	bool folder;	  /* names a folder that must be there */
	bool folder_made; /* names a folder that is made when it is not there */
	bool at_once;	  /* a reload puts a new value into effect */
	bool bundle;	  /* a joined member has it from its bundle unless it is given */
};

extern const struct conf_option conf_options[CONF_OPTIONS];

/* NULL where there is none. section NULL: in any section. */
const struct conf_option *option_find(const char *section, const char *name);
/* The option or section that was probably meant, or NULL when nothing is near enough. */
const struct conf_option *option_nearest(const char *section, const char *name);
const char *option_nearest_section(const char *name);
bool option_section_exists(const char *name);
enum conf_id option_id(const struct conf_option *o);

/* The value of a text option; NULL when unset. */
const char *option_text(const struct conf *conf, const struct conf_option *o);

/*
 * Each sets the value when it is right for the option, else returns -EINVAL and says why not, as a
 * sentence without its subject: "is out of range (expected 5 to 300 seconds)". The caller has seen
 * to it that the kind fits.
 */
int option_set_text(
	struct conf *conf, const struct conf_option *o, const char *value, struct err *why);
int option_set_number(
	struct conf *conf, const struct conf_option *o, int64_t value, struct err *why);
void option_set_bool(struct conf *conf, const struct conf_option *o, bool value);
int option_add_url(
	struct conf *conf, const struct conf_option *o, const char *value, struct err *why);
/* Frees what the value owns and leaves it empty. */
void option_clear(struct conf *conf, const struct conf_option *o);
void option_set_default(struct conf *conf, const struct conf_option *o);
void option_copy(struct conf *conf, const struct conf *from, const struct conf_option *o);

bool option_equal(const struct conf *a, const struct conf *b, const struct conf_option *o);

/* The value as the file spells it, new; an unset one as "" in quotes. */
char *option_spell(const struct conf *conf, const struct conf_option *o);
/* The value for people, new: as above, "unset", or for what a bundle may have and the file does not
 * "not in the file". */
char *option_describe(const struct conf *conf, const struct conf_option *o);
/* What may be written there, in words: "a number of seconds, 5 to 300". dst is returned. */
#define OPTION_EXPECTED_MAX 192
const char *option_expected(const struct conf_option *o, char dst[OPTION_EXPECTED_MAX]);

#endif
