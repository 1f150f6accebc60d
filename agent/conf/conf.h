/*
 * struct conf: what collective.conf(5) says.
 *
 * A conf is read whole, checked whole, and never changed afterwards: a reload reads a second one,
 * compares (conf_diff()) and swaps. Whoever reads a file that is wrong learns all that is wrong with
 * it at once, up to CONF_PROBLEMS_MAX problems as
 *
 *     FILE:LINE: SECTION.NAME: 'VALUE' … (expected …)
 *
 * All options and all that is known about them are rows of conf/options.def.
 *
 * Including other files (libconfig's @include) is refused: what is included would be read by root
 * and could be anything, and a configuration of this size needs no parts.
 */
#ifndef CONF_CONF_H
#define CONF_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/macros.h"
#include "base/usec.h"

#define CONF_ENDPOINTS_MAX 16
#define CONF_FILE_MAX	   65536 /* bytes of a configuration file */
#define CONF_PATH_MAX	   1023	 /* bytes of a path in it */
#define CONF_PROBLEMS_MAX  20
#define CONF_PROBLEM_TEXT  768

/* CONF_ETCD_ENDPOINTS, CONF_ETCD_PREFIX, … and their number. */
#define OPTION(id, ...) CONF_##id,
enum conf_id {
#include "conf/options.def"
	CONF_OPTIONS
};
#undef OPTION

struct conf_urls {
	size_t n;
	char *url[CONF_ENDPOINTS_MAX];
};

/*
 * Texts belong to the conf; those that are unset are NULL. To be read, not written.
 *
 * The values of section etcd stand for themselves on a standalone server. Those of a joined member
 * come from its bundle, save those that conf_given() in the file.
 */
struct conf {
	struct {
		struct conf_urls endpoints; /* at least one */
		char *prefix;		    /* starts and ends with '/' */
		char *ca;		    /* paths of files */
		char *certificate;
		char *key;
		char *user;
		char *password_file;
		bool allow_loopback;
	} etcd;
	struct {
		char *name;    /* NULL: cfg/myname, then the short host name */
		char *address; /* NULL: to be found out */
		int port;
		usec_t ttl;
	} member;
	struct {
		usec_t delay;
		usec_t hold_down;
		usec_t start_delay;
	} failover;
	struct {
		usec_t timeout;
	} hooks;
	struct {
		char *config_dir; /* absolute, as all paths */
		char *state_dir;
		char *socket;
	} paths;
	struct {
		char *read_group; /* NULL: none */
	} api;
	struct {
		char *level;  /* as log_set_level() takes it */
		char *target; /* "stderr" or a path */
	} log;
	unsigned line[CONF_OPTIONS]; /* where the file says so; 0: it is the default */
};

struct conf_problems {
	size_t n;	 /* texts below, in the order of their lines */
	size_t left_out; /* how many more there were */
	struct {
		unsigned line; /* 0: the file as a whole */
		char text[CONF_PROBLEM_TEXT];
	} at[CONF_PROBLEMS_MAX];
};

/* Where a file is looked for when none is named: SYSCONFDIR/confluent/collective.conf. */
extern const char conf_default_path[];

/*
 * Reads the file at path, checks all that can be known without asking anybody but the file system
 * (syntax, names, types, ranges, options that need each other, files that are named and not there or
 * readable by others), and changes nothing. must_exist is for a file that somebody named: without it
 * an absent file means the defaults. On success 0 and *ret is new; else *ret is left alone,
 * problems->n is at least 1, and the result is -EINVAL (or the error of reading the file).
 * *problems needs no preparation and no release.
 */
int conf_load(struct conf **ret, const char *path, bool must_exist,
	struct conf_problems *problems) MUST_CHECK;

/* The same for a text, which problems call `name`, and without a look at the file system. */
int conf_parse_string(struct conf **ret, const char *text, size_t len, const char *name,
	struct conf_problems *problems) MUST_CHECK;

/* What `collectived -t` does: conf_load(), then also looks up the names of groups, which may ask a
 * name service and so take its time. */
int conf_check(const char *path, bool must_exist, struct conf_problems *problems) MUST_CHECK;

/* All defaults. */
struct conf *conf_new(void);
/* NULL is fine. */
void conf_free(struct conf *conf);
DEFINE_CLEANUP(struct conf *, conf_free)

/* Whether the file has that option, even if with the value that is the default. */
bool conf_given(const struct conf *conf, enum conf_id id);

/* One line for each problem, and one for those left out. */
void conf_problems_print(const struct conf_problems *problems, FILE *out);

/*
 * Tells each option in which two confs differ, as "section.name", the values as the file would spell
 * them ("unset" where there is none), and whether the new value can take effect at once or needs a
 * restart of the agent. An option of section etcd also differs when it is in one file and not in
 * the other, because then the bundle of a joined member is overridden or no longer is. Returns how
 * many there were.
 */
typedef void conf_diff_fn(
	const char *option, const char *was, const char *is, bool at_once, void *arg);
size_t conf_diff(const struct conf *was, const struct conf *is, conf_diff_fn *fn, void *arg);

/* Takes over the values that can take effect at once, and no others: what a reload does. */
void conf_take_at_once(struct conf *conf, const struct conf *is);

/* A file that parses to the same conf; options at their default are there as comments. */
void conf_dump(const struct conf *conf, FILE *out);
/* The sample file: all options as comments, each with its help. */
void conf_sample(FILE *out);
/* The table for people, as `collectived --help-config` prints it. */
void conf_help(FILE *out);
/* The options section of collective.conf(5), in mdoc(7). */
void conf_mdoc(FILE *out);

/* Whether only the own host reaches the host of an endpoint: localhost, 127.0.0.0/8, ::1. False
 * for what is no URL. */
bool conf_url_is_loopback(const char *url);

#endif
