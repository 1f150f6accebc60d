/*
 * Who this server is: its name, key, certificate and, when it is a member, the bundle. The files of
 * an identity are the ones of app/install.h; this module is the only one that reads them, and the
 * only one besides install.c that writes them.
 */
#ifndef APP_IDENTITY_H
#define APP_IDENTITY_H

#include <stdbool.h>

#include "base/err.h"
#include "base/name.h"
#include "base/usec.h"
#include "trust/bundle.h"
#include "trust/cert.h"
#include "trust/privkey.h"

struct identity {
	char name[NAME_MAX_LEN + 1];
	struct privkey *key;		     /* NULL: none yet */
	char key_hash[PRIVKEY_HASH_LEN + 1]; /* "" without key */
	char *certificate;		     /* PEM, NULL: none */
	struct cert *facts;		     /* of the certificate */
	struct bundle *bundle;		     /* NULL: standalone */
};

/*
 * Reads what is there below config_dir. configured_name (may be NULL) wins over cfg/myname, which
 * wins over the short host name. Refused, with the remedy: a secret file that others can read, a
 * file that can't be understood, no usable name. A certificate that is not for the key is left out
 * and told in *ret_warning (new, else NULL).
 */
int identity_load(struct identity **ret, const char *config_dir, const char *configured_name,
	char **ret_warning, struct err *err) MUST_CHECK;
/* Wipes. */
void identity_free(struct identity *id);

/* The certificate (and, where missing or new_key, the key) of a server, written to disk: issued by
 * the collective's CA for a member, self-signed otherwise. A member never gets a new key here: the
 * registry knows the one it has. addresses: what else the certificate is to name. */
int identity_make_certificate(struct identity *id, const char *config_dir, bool new_key,
	const char *const *addresses, size_t count, usec_t now, struct err *err) MUST_CHECK;

/* Founding, step by step, so that an interrupted one is taken up again instead of leaving a
 * collective in etcd that nobody has the keys of: the new bundle is kept aside in cfg/founding
 * before etcd is asked, and becomes cfg/collective when etcd agreed. Loading leaves *ret alone where
 * there is none. */
int identity_founding_load(const char *config_dir, struct bundle **ret, struct err *err) MUST_CHECK;
int identity_founding_save(
	const char *config_dir, const struct bundle *bundle, struct err *err) MUST_CHECK;
/* Takes the bundle. */
int identity_founding_commit(struct identity *id, const char *config_dir, struct bundle *bundle,
	struct err *err) MUST_CHECK;

DEFINE_CLEANUP(struct identity *, identity_free)

#endif
