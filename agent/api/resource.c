/*
 * The paths that the server answers by itself, from one table: pattern, operation, what to do. A
 * path is split at '/', one trailing '/' is ignored, nothing is decoded; '*' in a pattern stands for
 * one part. Paths of the database are the resource handler's.
 */
#include "config.h"
#include "api/conn.h"

#include <string.h>

#include "base/macros.h"
#include "base/text.h"

static void serve_root(struct api_request *req)
{
	static const char *const items[] = {"noderange/", "nodes/", "nodegroups/", "version"};

	for (size_t i = 0; i < ARRAY_SIZE(items); i++)
		api_request_reply(req, envelope_new_item(items[i]));
	api_request_done(req);
}

static void serve_version(struct api_request *req)
{
	json *value = json_new_object();

	json_set_str(json_set(value, "version", json_new_object()), "value", PACKAGE_VERSION);
	api_request_reply(req, value);
	api_request_done(req);
}

static const struct resource {
	const char *pattern;
	const char *operation;
	void (*serve)(struct api_request *req);
} resources[] = {
	{"/", "retrieve", serve_root},
	{"/version", "retrieve", serve_version},
};

static bool matches(const char *pattern, const char *path)
{
	for (;;) {
		size_t want = strcspn(++pattern, "/");
		size_t have = strcspn(++path, "/");

		if (!(want == 1 && *pattern == '*' && have > 0) &&
			(want != have || memcmp(pattern, path, want) != 0))
			return false;
		pattern += want;
		path += have;
		if (!*path || (path[0] == '/' && !path[1]))
			return !*pattern;
		if (!*pattern)
			return false;
	}
}

bool resource_serve(struct api_request *req, const char *operation, const char *path)
{
	char shown[TEXT_PRINTABLE_MAX];
	struct err text;
	bool known = false;

	for (size_t i = 0; i < ARRAY_SIZE(resources); i++) {
		if (!matches(resources[i].pattern, path))
			continue;
		if (text_eq(resources[i].operation, operation)) {
			resources[i].serve(req);
			return true;
		}
		known = true;
	}
	if (known) {
		err_set(&text, 0, "Bad Request - operation '%s' is not possible here",
			text_printable(operation, strlen(operation), shown));
		api_request_error(req, 400, text.text);
	}
	return known;
}
