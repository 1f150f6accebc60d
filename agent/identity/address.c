#include "config.h"
#include "identity/address.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"

static void add(struct address_list *list, const char *address)
{
	for (size_t i = 0; i < list->n; i++) {
		if (text_eq(list->at[i], address))
			return;
	}
	if (list->n < ADDRESS_LIST_MAX)
		list->at[list->n++] = xstrdup(address);
}

static bool add_sockaddr(struct address_list *list, const struct sockaddr *sa, socklen_t len)
{
	char text[INET6_ADDRSTRLEN];

	if (getnameinfo(sa, len, text, sizeof(text), NULL, 0, NI_NUMERICHOST) != 0 ||
		strchr(text, '%'))
		return false;
	add(list, text);
	return true;
}

/* The local end of a UDP socket "connected" to a numeric endpoint: what the routes say. */
static void add_route_to(struct address_list *list, const char *endpoint)
{
	struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_DGRAM};
	CLEANUP(freep) char *host = NULL;
	CLEANUP(freep) char *plain = NULL;
	struct addrinfo *ai = NULL;
	struct sockaddr_storage local;
	socklen_t len = sizeof(local);
	const char *rest = strstr(endpoint, "://");
	int port = 2379;
	int fd;

	if (!rest)
		return;
	plain = xstrndup(rest + 3, strcspn(rest + 3, "/"));
	if (text_host_port(plain, &host, &port) < 0 || getaddrinfo(host, "2379", &hints, &ai) != 0)
		return;
	fd = socket(ai->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, ai->ai_addr, ai->ai_addrlen) == 0 &&
		getsockname(fd, (struct sockaddr *)&local, &len) == 0)
		add_sockaddr(list, (struct sockaddr *)&local, len);
	if (fd >= 0)
		close(fd);
	freeaddrinfo(ai);
}

static bool usable(const struct ifaddrs *ifa)
{
	const struct sockaddr_in6 *six;

	if (!ifa->ifa_addr || !(ifa->ifa_flags & IFF_UP) || (ifa->ifa_flags & IFF_LOOPBACK))
		return false;
	if (ifa->ifa_addr->sa_family == AF_INET)
		return true;
	if (ifa->ifa_addr->sa_family != AF_INET6)
		return false;
	six = (const struct sockaddr_in6 *)(const void *)ifa->ifa_addr;
	return !IN6_IS_ADDR_LINKLOCAL(&six->sin6_addr);
}

void address_list_init(struct address_list *list, const char *configured,
	const char *const *endpoints, size_t n_endpoints)
{
	struct ifaddrs *all = NULL;

	memset(list, 0, sizeof(*list));
	if (configured)
		add(list, configured);
	for (size_t i = 0; i < n_endpoints && !list->n; i++)
		add_route_to(list, endpoints[i]);
	if (getifaddrs(&all) == 0) {
		for (const struct ifaddrs *ifa = all; ifa; ifa = ifa->ifa_next) {
			if (usable(ifa))
				add_sockaddr(list, ifa->ifa_addr,
					ifa->ifa_addr->sa_family == AF_INET
						? sizeof(struct sockaddr_in)
						: sizeof(struct sockaddr_in6));
		}
		freeifaddrs(all);
	}
	if (!list->n)
		add(list, "127.0.0.1");
}

void address_list_done(struct address_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->at[i]);
	memset(list, 0, sizeof(*list));
}
