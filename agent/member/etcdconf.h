/*
 * Which etcd, and as whom: what collective.conf says where it says so, else what the bundle of a
 * member says, else the defaults.
 */
#ifndef MEMBER_ETCDCONF_H
#define MEMBER_ETCDCONF_H

#include <stddef.h>

#include "base/err.h"
#include "conf/conf.h"
#include "etcd/client.h"
#include "trust/bundle.h"

struct etcdconf {
	char *endpoints[CONF_ENDPOINTS_MAX];
	size_t n_endpoints;
	char *prefix;
	char *ca; /* paths of files, NULL: none */
	char *certificate;
	char *key;
	char *user; /* NULL: no log-in */
	char *password;
	char *written[3]; /* files made for this by etcdconf_make() */
};

/* bundle NULL: a standalone server. What the bundle holds as PEM is written below state_dir (0600),
 * because libcurl reads files; not fsynced, each start writes them anew. name, one of "etcd" and "join", keeps two apart. */
int etcdconf_make(struct etcdconf **ret, const struct conf *conf, const struct bundle *bundle,
	const char *state_dir, const char *name, struct err *err) MUST_CHECK;
/* What a client of that etcd is made with, and a random seed; the rest is left zero. The texts stay the
 * etcdconf's. */
struct etcd_config etcdconf_client(const struct etcdconf *ec);
/* Wipes. */
void etcdconf_free(struct etcdconf *ec);
/* The same, and removes the files that were written. NULL is fine. */
void etcdconf_discard(struct etcdconf *ec);
/* Removes what an agent that was killed had no time to discard under that name. */
void etcdconf_sweep(const char *state_dir, const char *name);
/* Puts what conf says into a bundle, with the contents of the files it names. -EADDRNOTAVAIL when
 * an endpoint is a loopback address, which no other host can reach, and conf does not allow it. */
int etcdconf_fill_bundle(
	struct bundle *bundle, const struct conf *conf, struct err *err) MUST_CHECK;
/* The refusal just named, alone. */
int etcdconf_check_reachable(char *const *endpoints, size_t n, const struct conf *conf,
	bool allowed, struct err *err) MUST_CHECK;

DEFINE_CLEANUP(struct etcdconf *, etcdconf_free)

#endif
