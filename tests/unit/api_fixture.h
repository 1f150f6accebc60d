/*
 * The socket server in a folder of its own, with handlers whose requests wait, stream or are answered
 * at once, as their operation says ("wait", "stream", "show").
 */
#ifndef TESTS_UNIT_API_FIXTURE_H
#define TESTS_UNIT_API_FIXTURE_H

#include "api/server.h"

#define DONE	    "{\"_requestdone\":1}"
#define SHOW	    "{\"collective\":{\"operation\":\"show\"}}"
#define OUR_VERSION "{\"version\":{\"value\":\"" PACKAGE_VERSION "\"}}"
#define GET(path)   "{\"operation\":\"retrieve\",\"path\":\"" path "\"}"
#define ERROR(code, text)                                                                          \
	"{\"errorcode\":" code ",\"error\":\"" text "\",\"detail\":\"{\\\"error\\\": \\\"" text    \
	"\\\"}\"}"
#define REFUSAL                                                                                    \
	"{\"collective\":{\"error\":\"collective management commands may only be used by "         \
	"root\"}}"

#define STREAM_FRAMES 2000
#define STREAM_SIZE   4000

struct api_fixture {
	char folder[32];
	char path[64];
	struct loop *loop;
	struct api_server *server;
	enum api_access access; /* what the judge says */
	struct api_request *pending;
	int started, cancelled;
	int streamed; /* frames of the streaming reply so far */
	bool watch;
};

extern struct api_fixture f;

/* For api_options: says f.access. */
enum api_access judge(int fd, const struct net_peer *peer, void *arg);
/* other NULL: the handlers of above. */
void start(const struct api_options *changes, const struct api_handlers *other);
void start_default(void);
void stop(void);

/* For loop_until(). */
bool has_pending(void *arg);
bool was_cancelled(void *arg);

#endif
