/*
 * The addresses of this host, for the registry, certificates and invitations.
 */
#ifndef IDENTITY_ADDRESS_H
#define IDENTITY_ADDRESS_H

#include <stddef.h>

#define ADDRESS_LIST_MAX 16

struct address_list {
	size_t n;
	char *at[ADDRESS_LIST_MAX]; /* the preferred one first; at least one */
};

/*
 * configured (may be NULL) comes first. Otherwise the preferred one is that from which the first of
 * the endpoints that is named by a numeric address would be reached, otherwise the first that is
 * neither loopback nor link-local; a host that has none names its loopback address. Asks no name
 * service, sends nothing.
 */
void address_list_init(struct address_list *list, const char *configured,
	const char *const *endpoints, size_t n_endpoints);
void address_list_done(struct address_list *list);

#endif
