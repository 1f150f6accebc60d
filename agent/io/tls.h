/*
 * TLS 1.3 sessions for streams (OpenSSL 3), with an external pre-shared key (psk_dhe_ke) as
 * RFC 8446 section 4.2.11 and RFC 9257 describe it.
 *
 * Server: has a certificate; when a client offers a PSK identity, `find` is asked for its key. With
 * a key the handshake proves it on both sides and no certificate is used; without one the handshake
 * is completed as an ordinary one with the certificate. Client: offers one identity and key;
 * verifies no certificate, so tls_psk_used() must be asked before anything received is believed.
 */
#ifndef IO_TLS_H
#define IO_TLS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct tls_server; /* shared by all connections of a listener */
struct tls;	   /* one session */

#define TLS_PSK_MAX 64

/* Fills key (at most TLS_PSK_MAX bytes) and returns its length, or 0 for an unknown identity. */
typedef size_t tls_find_psk_fn(const unsigned char *identity, size_t identity_len,
	unsigned char key[TLS_PSK_MAX], void *arg);

/* certificate and key in PEM. No tickets, no 0-RTT, no renegotiation. */
int tls_server_new(struct tls_server **ret, const char *certificate_pem, const char *key_pem,
	tls_find_psk_fn *find, void *arg, struct err *err) MUST_CHECK;
void tls_server_free(struct tls_server *server);

int tls_new_server(struct tls **ret, struct tls_server *server, struct err *err) MUST_CHECK;
int tls_new_client(struct tls **ret, const unsigned char *identity, size_t identity_len,
	const unsigned char *key, size_t key_len, struct err *err) MUST_CHECK;
void tls_free(struct tls *tls);

/* After the handshake: was the pre-shared key what authenticated it? */
bool tls_psk_used(const struct tls *tls);
/* On a server: the identity that the client offered and `find` was asked for last, whether it was
 * known or not, so that an ordinary handshake that replaces a refused key can be explained. NULL
 * where the client offered none. */
const unsigned char *tls_psk_identity(const struct tls *tls, size_t *ret_len);

#endif
