/*
 * Each check is a few comparisons and says the first thing that is wrong. Two of them guard more
 * than spelling: a URL with a user name in it is refused because its password would be logged with
 * the endpoint, and the local copy is kept out of /var/lib/confluent, which members share over NFS.
 */
#include "config.h"
#include "conf/value.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/name.h"
#include "base/text.h"
#include "conf/conf.h"

#define LETTERS_DIGITS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

static bool is_printable(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return false;
	return true;
}

static bool is_ip(const char *s)
{
	struct in6_addr addr;

	return inet_pton(AF_INET, s, &addr) == 1 || inet_pton(AF_INET6, s, &addr) == 1;
}

/* Labels of letters, digits, '-' and '_', not digits and dots alone: that is a mistyped address. */
static bool is_host_name(const char *s)
{
	if (strlen(s) > 253 || s[strspn(s, "0123456789.")] == '\0')
		return false;
	while (*s) {
		size_t len = strspn(s, LETTERS_DIGITS "-_");

		if (len < 1 || len > 63 || *s == '-')
			return false;
		s += len;
		if (*s == '.' && s[1])
			s++;
		else if (*s)
			return false;
	}
	return true;
}

/* The part of an endpoint behind "http://" or "https://", or NULL. */
static const char *behind_scheme(const char *url)
{
	const char *rest = text_after(url, "http://");

	return rest ? rest : text_after(url, "https://");
}

int check_url(const char *value, struct err *why)
{
	const char *rest = behind_scheme(value);
	CLEANUP(freep) char *host = NULL;
	struct in6_addr addr;
	int port = 0;

	if (!rest)
		return err_set(why, -EINVAL, "is not a URL");
	if (strchr(rest, '@'))
		return err_set(why, -EINVAL,
			"has a user name in it, which belongs in etcd.user and etcd.password_file");
	if (rest[strcspn(rest, "/?#")])
		return err_set(why, -EINVAL, "has a path behind the port");
	if (text_host_port(rest, &host, &port) < 0)
		return err_set(why, -EINVAL, "has no host or a wrong port");
	if (!port)
		return err_set(why, -EINVAL, "has no port");
	if (*rest == '[' ? inet_pton(AF_INET6, host, &addr) != 1
			 : !is_host_name(host) && inet_pton(AF_INET, host, &addr) != 1)
		return err_set(why, -EINVAL, "has a wrong host");
	return 0;
}

bool conf_url_is_loopback(const char *url)
{
	const char *rest = behind_scheme(url);
	CLEANUP(freep) char *host = NULL;
	struct in6_addr six;
	struct in_addr four;
	size_t len;
	int port;

	if (!rest || text_host_port(rest, &host, &port) < 0)
		return false;
	if (inet_pton(AF_INET, host, &four) == 1)
		return (ntohl(four.s_addr) >> 24) == IN_LOOPBACKNET || four.s_addr == INADDR_ANY;
	if (inet_pton(AF_INET6, host, &six) == 1)
		return IN6_IS_ADDR_LOOPBACK(&six) || IN6_IS_ADDR_UNSPECIFIED(&six) ||
		       (IN6_IS_ADDR_V4MAPPED(&six) && six.s6_addr[12] == IN_LOOPBACKNET);
	len = strlen(host);
	return strcasecmp(host, "localhost") == 0 ||
	       (len > strlen(".localhost") &&
		       strcasecmp(host + len - strlen(".localhost"), ".localhost") == 0);
}

int check_prefix(const char *value, struct err *why)
{
	size_t len = strlen(value);

	if (value[0] != '/')
		return err_set(why, -EINVAL, "does not start with '/'");
	if (value[len - 1] != '/')
		return err_set(why, -EINVAL, "does not end with '/'");
	if (len == 1)
		return err_set(why, -EINVAL, "would be all of etcd");
	if (strstr(value, "//"))
		return err_set(why, -EINVAL, "has an empty part");
	if (value[strspn(value, LETTERS_DIGITS "/-_.")])
		return err_set(why, -EINVAL,
			"has other characters than letters, digits, '/', '-', '_' and '.'");
	return 0;
}

int check_path(const char *value, struct err *why)
{
	if (value[0] != '/')
		return err_set(why, -EINVAL, "is not an absolute path");
	if (!is_printable(value))
		return err_set(why, -EINVAL, "has control characters in it");
	return 0;
}

int check_state_dir(const char *value, struct err *why)
{
	const char *rest = text_after(value, "/var/lib/confluent");

	if (rest && (*rest == '\0' || *rest == '/'))
		return err_set(
			why, -EINVAL, "is in /var/lib/confluent, which management servers share");
	return check_path(value, why);
}

int check_target(const char *value, struct err *why)
{
	if (text_eq(value, "stderr"))
		return 0;
	return check_path(value, why);
}

int check_user(const char *value, struct err *why)
{
	if (strchr(value, ' ') || !is_printable(value))
		return err_set(why, -EINVAL, "has blanks or control characters in it");
	return 0;
}

int check_name(const char *value, struct err *why)
{
	if (!name_valid(value))
		return err_set(why, -EINVAL, "is not a member name");
	return 0;
}

int check_address(const char *value, struct err *why)
{
	struct in6_addr six;
	struct in_addr four;

	if (!is_ip(value) && !is_host_name(value))
		return err_set(why, -EINVAL, "is not an address");
	if ((inet_pton(AF_INET, value, &four) == 1 && four.s_addr == INADDR_ANY) ||
		(inet_pton(AF_INET6, value, &six) == 1 && IN6_IS_ADDR_UNSPECIFIED(&six)))
		return err_set(why, -EINVAL, "is no address that others can connect to");
	return 0;
}
