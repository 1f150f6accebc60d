/*
 * Three passes over a conf whose values are each right on their own: among themselves, against the
 * file system, against the group database. Nothing is opened, made or changed.
 */
#include "config.h"
#include "conf/rules.h"

#include <errno.h>
#include <grp.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "conf/option.h"
#include "conf/problem.h"

#define GROUP_BUFFER_MAX (1 << 20)

struct rules {
	const struct conf *conf;
	const char *file;
	struct conf_problems *problems;
	uint64_t refused;
};

static void broken(const struct rules *r, enum conf_id id, const char *fmt, ...) PRINTF_LIKE(3, 4);

static void broken(const struct rules *r, enum conf_id id, const char *fmt, ...)
{
	const struct conf_option *o = &conf_options[id];
	char shown[TEXT_PRINTABLE_MAX];
	CLEANUP(freep) char *what = NULL;
	const char *value = option_text(r->conf, o);
	va_list ap;

	va_start(ap, fmt);
	what = xvasprintf(fmt, ap);
	va_end(ap);
	problem_add(r->problems, r->file, r->conf->line[id], "%s.%s: '%s' %s", o->section, o->name,
		text_printable(value ? value : "", value ? strlen(value) : 0, shown), what);
}

static bool is_refused(const struct rules *r, enum conf_id id)
{
	return r->refused & ((uint64_t)1 << id);
}

static void needs(const struct rules *r, enum conf_id id, enum conf_id other)
{
	const struct conf_option *o = &conf_options[other];

	if (!option_text(r->conf, &conf_options[id]) || option_text(r->conf, o) ||
		is_refused(r, other))
		return;
	broken(r, id, "needs %s.%s too (expected both or none)", o->section, o->name);
}

/* The first endpoint that the file names and that has no TLS, or NULL. */
static const char *plain_endpoint(const struct conf *conf)
{
	if (!conf_given(conf, CONF_ETCD_ENDPOINTS))
		return NULL;
	for (size_t i = 0; i < conf->etcd.endpoints.n; i++)
		if (text_starts(conf->etcd.endpoints.url[i], "http:"))
			return conf->etcd.endpoints.url[i];
	return NULL;
}

void rules_check(
	const struct conf *conf, uint64_t refused, const char *file, struct conf_problems *problems)
{
	const struct rules r = {conf, file, problems, refused};
	static const enum conf_id tls[] = {CONF_ETCD_CA, CONF_ETCD_CERTIFICATE, CONF_ETCD_KEY};
	const char *plain = plain_endpoint(conf);

	needs(&r, CONF_ETCD_CERTIFICATE, CONF_ETCD_KEY);
	needs(&r, CONF_ETCD_KEY, CONF_ETCD_CERTIFICATE);
	needs(&r, CONF_ETCD_USER, CONF_ETCD_PASSWORD_FILE);
	needs(&r, CONF_ETCD_PASSWORD_FILE, CONF_ETCD_USER);
	for (size_t i = 0; plain && i < ARRAY_SIZE(tls); i++)
		if (option_text(conf, &conf_options[tls[i]]))
			broken(&r, tls[i],
				"is of no use with %s (expected https in etcd.endpoints)", plain);
}

static void check_file(const struct rules *r, enum conf_id id, const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		broken(r, id, "can not be used: %s (expected a file)", strerror(errno));
	else if (!S_ISREG(st.st_mode))
		broken(r, id, "is not a file");
	else if (access(path, R_OK) < 0)
		broken(r, id, "can not be read: %s", strerror(errno));
	else if (conf_options[id].secret_file && (st.st_mode & 077))
		broken(r, id, "can be read or written by others (mode %04o, run: chmod 600 %s)",
			(unsigned)(st.st_mode & 07777), path);
}

static void check_folder(const struct rules *r, enum conf_id id, const char *path)
{
	bool made = conf_options[id].folder_made;
	struct stat st;

	if (stat(path, &st) < 0) {
		if (!made || errno != ENOENT)
			broken(r, id, "can not be used: %s (expected a folder)", strerror(errno));
	} else if (!S_ISDIR(st.st_mode)) {
		broken(r, id, "is not a folder");
	}
}

static void check_socket(const struct rules *r)
{
	struct stat st;

	if (stat(r->conf->paths.socket, &st) == 0 && !S_ISSOCK(st.st_mode))
		broken(r, CONF_PATHS_SOCKET, "is there and not a socket");
}

static void check_log(const struct rules *r)
{
	const char *path = r->conf->log.target;
	const char *slash = strrchr(path, '/');
	CLEANUP(freep) char *folder = NULL;
	struct stat st;

	if (!slash)
		return;
	folder = xstrndup(path, (size_t)MAX(slash - path, 1));
	if (stat(folder, &st) < 0)
		broken(r, CONF_LOG_TARGET, "can not be written: %s: %s", folder, strerror(errno));
	else if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		broken(r, CONF_LOG_TARGET, "is a folder (expected a file)");
}

void rules_check_files(const struct conf *conf, const char *file, struct conf_problems *problems)
{
	const struct rules r = {.conf = conf, .file = file, .problems = problems};

	for (size_t i = 0; i < CONF_OPTIONS; i++) {
		const struct conf_option *o = &conf_options[i];
		const char *path = option_text(conf, o);

		if (!path || !conf_given(conf, (enum conf_id)i))
			continue;
		if (o->file)
			check_file(&r, (enum conf_id)i, path);
		else if (o->folder || o->folder_made)
			check_folder(&r, (enum conf_id)i, path);
	}
	if (conf_given(conf, CONF_PATHS_SOCKET))
		check_socket(&r);
	if (conf_given(conf, CONF_LOG_TARGET))
		check_log(&r);
}

void rules_check_groups(const struct conf *conf, const char *file, struct conf_problems *problems)
{
	const struct rules r = {.conf = conf, .file = file, .problems = problems};
	CLEANUP(freep) char *space = NULL;
	struct group *found = NULL;
	struct group group;
	int rc = ERANGE;

	if (!conf->api.read_group)
		return;
	/* a group of many members needs much room */
	for (size_t size = 4096; rc == ERANGE && size <= GROUP_BUFFER_MAX; size *= 4) {
		space = xrealloc(space, size, 1);
		rc = getgrnam_r(conf->api.read_group, &group, space, size, &found);
	}
	if (rc == 0 && !found)
		broken(&r, CONF_API_READ_GROUP, "is not a group of this host");
	else if (rc != 0)
		broken(&r, CONF_API_READ_GROUP, "can not be looked up: %s", strerror(rc));
}
