#include "config.h"
#include "tests/unit/api_fixture.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "io/loop.h"

struct api_fixture f;

enum api_access judge(int fd UNUSED, const struct net_peer *peer UNUSED, void *arg UNUSED)
{
	return f.access;
}

static void on_cancelled(void *arg)
{
	ck_assert_ptr_eq(arg, f.pending);
	f.cancelled++;
}

static void stream_on(void *arg)
{
	char text[STREAM_SIZE];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	while (f.streamed < STREAM_FRAMES && !api_request_congested(arg)) {
		json *value = json_new_object();

		json_set_number(value, "n", f.streamed++);
		json_set_str(value, "text", text);
		api_request_reply(arg, value);
	}
	if (f.streamed == STREAM_FRAMES) {
		f.pending = NULL;
		api_request_done(arg);
	}
}

static void on_collective(
	struct api_request *req, const char *operation, const json *message, void *arg UNUSED)
{
	static const struct api_request_hooks hooks = {.cancelled = on_cancelled};
	static const struct api_request_hooks streaming = {
		.cancelled = on_cancelled, .drained = stream_on};
	json *value;

	f.started++;
	ck_assert_ptr_nonnull(json_get(message, "operation"));
	ck_assert_int_eq(api_request_peer(req)->uid, getuid());
	if (text_eq(operation, "wait")) {
		f.pending = req;
		if (f.watch)
			api_request_watch(req, &hooks, req);
	} else if (text_eq(operation, "stream")) {
		f.pending = req;
		api_request_watch(req, &streaming, req);
		stream_on(req);
	} else if (text_eq(operation, "show")) {
		value = json_new_object();
		json_set_str(value, "leader", "mgt1");
		api_request_reply(req, value);
		api_request_done(req);
	} else {
		api_request_error(req, 400, "unknown operation");
	}
}

static void on_resource(struct api_request *req, const char *operation, const char *path,
	const json *parameters, void *arg UNUSED)
{
	json *value = json_new_object();

	json_set_str(value, "operation", operation);
	json_set_str(value, "path", path);
	json_set_number(value, "parameters", (int64_t)json_count(parameters));
	api_request_reply(req, value);
	api_request_done(req);
}

void start(const struct api_options *changes, const struct api_handlers *other)
{
	static const struct api_handlers handlers = {on_collective, on_resource};
	struct api_options options = *changes;
	struct err err = {""};

	memset(&f, 0, sizeof(f));
	f.access = API_FULL;
	f.watch = true;
	snprintf(f.folder, sizeof(f.folder), "/tmp/test_api.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(f.folder));
	snprintf(f.path, sizeof(f.path), "%s/api.sock", f.folder);
	options.path = f.path;
	ck_assert_int_eq(loop_new(&f.loop, &err), 0);
	ck_assert_msg(api_server_new(&f.server, f.loop, &options, other ? other : &handlers, &f,
			      &err) == 0,
		"%s", err.text);
}

void start_default(void)
{
	const struct api_options options = {.judge = judge};

	start(&options, NULL);
}

void stop(void)
{
	char lock[80];

	api_server_free(f.server);
	if (f.pending)
		api_request_done(f.pending);
	loop_free(f.loop);
	snprintf(lock, sizeof(lock), "%s.lock", f.path);
	unlink(lock);
	unlink(f.path);
	ck_assert_int_eq(rmdir(f.folder), 0);
}

bool has_pending(void *arg UNUSED)
{
	return f.pending != NULL;
}

bool was_cancelled(void *arg UNUSED)
{
	return f.cancelled > 0;
}
