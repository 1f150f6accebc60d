/*
 * The bundle: all that makes a host a member, kept in cfg/collective (0600) and handed over in an
 * enrolment. As text:
 *
 *     collective-bundle 1                   2 where there is a held-key
 *     id 5f0c…                              1 to 48 letters, digits and '-'
 *     key BASE64                            the collective key, 32 bytes
 *     held-key BASE64                       others that still count, only while keys are changed
 *     ca-key BASE64                         the CA's private key (PEM inside)
 *     ca-certificate BASE64
 *     endpoint https://etcd1:2379           once or more
 *     prefix /confluent/
 *     etcd-ca BASE64                        this and what follows only where it is set
 *     etcd-user BASE64
 *     etcd-password BASE64
 *     etcd-certificate BASE64
 *     etcd-key BASE64
 *     allow-loopback yes
 *     check 64 hex digits                   SHA-256 over all lines above
 *
 * The first line is first and `check` last; the order between does not matter. `check` tells a
 * damaged copy from a whole one, no more: whoever can write the file can compute it. Reading is
 * strict: unknown or repeated fields, blanks at the wrong place, a missing line end, anything
 * behind `check` are errors that name the line and never quote it. A newer format is refused with
 * the advice to upgrade.
 *
 * The collective key can be changed (docs/guide.md, "Secrets"): what is new is sealed and authenticated
 * with `key`; what is under a held key still opens and verifies. An agent that knows no held keys
 * refuses the format 2.
 *
 * The struct is plain: fill it, all texts are its own (malloc'ed), bundle_free() wipes and frees.
 */
#ifndef TRUST_BUNDLE_H
#define TRUST_BUNDLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/usec.h"
#include "trust/kdf.h"

#define BUNDLE_FORMAT	     2		  /* the newest */
#define BUNDLE_TEXT_MAX	     (160 * 1024) /* bytes, the file; a ceiling for file_read() */
#define BUNDLE_ID_MAX	     48
#define BUNDLE_ENDPOINTS_MAX 32
#define BUNDLE_ENDPOINT_MAX  512   /* bytes each */
#define BUNDLE_PREFIX_MAX    256   /* bytes */
#define BUNDLE_WORD_MAX	     1024  /* bytes of user and of password */
#define BUNDLE_PEM_MAX	     16384 /* bytes of each PEM */
#define BUNDLE_HELD_MAX	     4	   /* held keys */

struct bundle {
	char *id;
	unsigned char key[KDF_KEY_LEN];
	unsigned char held[BUNDLE_HELD_MAX][KDF_KEY_LEN];
	size_t held_count;
	char *ca_key; /* PEM */
	char *ca_certificate;
	char **endpoints;
	size_t endpoint_count;
	char *prefix;	 /* begins and ends with '/' */
	char *etcd_ca;	 /* PEM; NULL: the system's */
	char *etcd_user; /* with etcd_password, or both NULL */
	char *etcd_password;
	char *etcd_certificate; /* PEM, with etcd_key, or both NULL */
	char *etcd_key;
	bool allow_loopback; /* endpoints on this host are meant to be so */
};

/* All empty. */
struct bundle *bundle_new(void);
/* Founds a collective: a new random id, key and CA; the etcd part is left to be filled. */
int bundle_found(struct bundle **ret, usec_t now, struct err *err) MUST_CHECK;
/* Wipes and frees; NULL is fine. */
void bundle_free(struct bundle *b);
void bundle_add_endpoint(struct bundle *b, const char *url);

/* How many keys there are, and each of them: the first is the current one. */
size_t bundle_key_count(const struct bundle *b);
const unsigned char *bundle_key_at(const struct bundle *b, size_t i);
/* Holds one more, unless it is there already. -ENOSPC past BUNDLE_HELD_MAX. */
int bundle_hold_key(
	struct bundle *b, const unsigned char key[KDF_KEY_LEN], struct err *err) MUST_CHECK;
/* Makes a key the current one; the current one is held from now on. */
int bundle_turn_key(
	struct bundle *b, const unsigned char key[KDF_KEY_LEN], struct err *err) MUST_CHECK;
/* Wipes a held key; false where it is not held. */
bool bundle_drop_key(struct bundle *b, const unsigned char key[KDF_KEY_LEN]);

bool bundle_id_valid(const char *id);
/* Is it whole and within bounds? -EINVAL names the field. Does not open the CA (ca_open() does). */
int bundle_check(const struct bundle *b, struct err *err) MUST_CHECK;

/* bundle_check() and then the text: new, secret_free() it. */
int bundle_encode(const struct bundle *b, char **ret_text, struct err *err) MUST_CHECK;
/* -EINVAL for what is not a whole bundle, -EPROTONOSUPPORT for a newer format, -EMSGSIZE past
 * BUNDLE_TEXT_MAX. The CA's halves are opened and must belong together. */
int bundle_parse(struct bundle **ret, const char *text, size_t len, struct err *err) MUST_CHECK;

DEFINE_CLEANUP(struct bundle *, bundle_free)

#endif
