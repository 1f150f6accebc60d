/*
 * Who this server is: its name, key, certificate and, when it is a member, the bundle. The files of
 * an identity are the ones of identity/install.h; this module is the only one that reads them, and
 * the only one besides install.c that says what is written to them.
 */
#ifndef IDENTITY_IDENTITY_H
#define IDENTITY_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/name.h"
#include "base/usec.h"
#include "trust/bundle.h"
#include "trust/cert.h"
#include "trust/privkey.h"

struct writes;

struct identity {
	char name[NAME_MAX_LEN + 1];
	struct privkey *key;		     /* NULL: none yet */
	char key_hash[PRIVKEY_HASH_LEN + 1]; /* "" without key */
	char *certificate;		     /* PEM, NULL: none */
	struct cert *facts;		     /* of the certificate */
	struct bundle *bundle;		     /* NULL: standalone */
	/* The mod_revision of rekey/state that says that the bundle's key is the one to seal and
	 * authenticate with: identity/keyring.h keeps it, and keyring_guard() compares it. */
	int64_t key_revision;
};

/*
 * Reads what is there below config_dir. configured_name (may be NULL) wins over cfg/myname, which
 * wins over the short host name. Refused, with the remedy: a secret file that others can read, a
 * file that can't be understood, no usable name. A certificate that is not for the key is left out
 * and told in *ret_warning (new, else NULL).
 */
int identity_load(struct identity **ret, const char *config_dir, const char *configured_name,
	char **ret_warning, struct err *err) MUST_CHECK;
/* The public half of its key; "" where it has none. */
void identity_public(const struct identity *id, char ret[PRIVKEY_PUBLIC_MAX + 1]);
/* Wipes. */
void identity_free(struct identity *id);

/*
 * What changes an identity is made in memory first, together with what is to be written for it
 * (base/writes.h, new); the caller has that carried out, before its loop runs or by the worker
 * thread (identity/certmaker.h), and then tells the identity, which must not be ahead of the disk.
 */

/* A new key, a new certificate, or both; what is NULL stays as it is. */
struct identity_draft {
	struct privkey *key;
	char key_hash[PRIVKEY_HASH_LEN + 1];
	char *certificate;
	struct cert *facts;
};

int identity_draft_key(struct identity_draft *draft, const char *config_dir, struct writes **ret,
	struct err *err) MUST_CHECK;
/* For the key that id has: issued by the collective's CA for a member, self-signed otherwise.
 * addresses: what else the certificate is to name. */
int identity_draft_certificate(const struct identity *id, struct identity_draft *draft,
	const char *config_dir, const char *const *addresses, size_t count, usec_t now,
	struct writes **ret, struct err *err) MUST_CHECK;
/* On disk: takes what the draft holds. */
void identity_take(struct identity *id, struct identity_draft *draft);
void identity_draft_done(struct identity_draft *draft);

/* Founding, step by step, so that an interrupted one is taken up again instead of leaving a
 * collective in etcd that nobody has the keys of: the new bundle is kept aside in cfg/founding
 * before etcd is asked, and becomes cfg/collective when etcd agreed. Loading leaves *ret alone where
 * there is none. */
int identity_founding_load(const char *config_dir, struct bundle **ret, struct err *err) MUST_CHECK;
int identity_founding_save(const char *config_dir, const struct bundle *bundle, struct writes **ret,
	struct err *err) MUST_CHECK;
int identity_founding_commit(const struct identity *id, const char *config_dir,
	const struct bundle *bundle, struct writes **ret, struct err *err) MUST_CHECK;
/* That is on disk: takes the bundle. */
void identity_founded(struct identity *id, struct bundle *bundle);

/* The bundle as it is now, its keys having changed. */
int identity_bundle_save(const struct identity *id, const char *config_dir, struct writes **ret,
	struct err *err) MUST_CHECK;

DEFINE_CLEANUP(struct identity *, identity_free)

#endif
