/*
 * A scripted gateway on a loopback port, in the loop of the test: answers as a healthy etcd would,
 * but where the test's script takes a request over.
 */
#ifndef TESTS_UNIT_TEST_ETCD_FAKE_H
#define TESTS_UNIT_TEST_ETCD_FAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/usec.h"

struct loop;
struct fake;
struct fake_request;

/* True when it took the request over (answering now, later, or never). */
typedef bool fake_script(struct fake *fake, struct fake_request *request, const char *path,
	const char *body, void *arg);

struct fake {
	uint64_t cluster_id;
	uint64_t term;
	int64_t revision;
	unsigned requests; /* all */
	unsigned calls;	   /* but /version and the identity reads */
	unsigned logins;
	char headers[2048]; /* of the last request */
	char body[65536];   /* of the last call */
	fake_script *script;
	void *arg;
	/* private */
	struct loop *loop;
	int fd;
	struct loop_io *io;
	struct fake_request *connections;
	char url[64];
	int port;
};

void fake_open(struct fake *fake, struct loop *loop);
void fake_close(struct fake *fake);
/* Stops listening and cuts every connection; the port stays known and refuses. */
void fake_kill(struct fake *fake);
void fake_revive(struct fake *fake);

void fake_answer(struct fake_request *request, int status, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* "header":{…} with the fake's facts; static storage. */
const char *fake_header(const struct fake *fake);
/* A streamed answer: begin, pieces, and an orderly end or a cut. */
void fake_stream(struct fake_request *request);
void fake_piece(struct fake_request *request, const char *data, size_t len);
void fake_text(struct fake_request *request, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void fake_end(struct fake_request *request);
void fake_cut(struct fake_request *request);

/* Runs the loop until *flag, or fails the test after some seconds. */
void run_until(struct loop *loop, const bool *flag, const char *what);
/* Ends run_until() after so long, for what must not happen. */
void run_for(struct loop *loop, usec_t time);

#endif
