#include "config.h"
#include "tests/unit/cli_agent.h"

#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "cli/verb.h"
#include "wire/frame.h"

#define ARGV_MAX 16

struct cli_test f;

static void say(int fd, const void *data, size_t len, bool byte_by_byte)
{
	size_t step = byte_by_byte ? 1 : len;

	for (size_t i = 0; i < len; i += step)
		if (send(fd, (const char *)data + i, step, MSG_NOSIGNAL) < 0)
			return;
}

static void say_frame(
	int fd, enum frame_type type, const char *text, size_t len, const struct script *s)
{
	struct buf b = BUF_INIT(1 << 20);

	if (frame_put(&b, type, text, len) == 0)
		say(fd, b.data, b.len, s->byte_by_byte);
	buf_done(&b);
}

/* A frame for each line. */
static void say_lines(int fd, const char *text, const struct script *s)
{
	while (*text) {
		size_t len = strcspn(text, "\n");

		say_frame(fd, FRAME_JSON, text, len, s);
		text += len + (text[len] == '\n');
	}
}

/* Reads one frame and passes its body on; false at the end. */
static bool hear(int fd, int to)
{
	struct buf b = BUF_INIT(1 << 20);
	struct frame frame;
	bool heard = false;

	while (frame_get(&b, FRAME_REQUEST_MAX, &frame, NULL) == 0) {
		char *at = buf_reserve(&b, 4096);
		ssize_t n = at ? read(fd, at, 4096) : 0;

		if (n <= 0)
			goto out;
		b.len += (size_t)n;
	}
	if (write(to, frame.body, frame.len) < 0)
		_exit(1);
	heard = true;
out:
	buf_done(&b);
	return heard;
}

static void answer(int fd, const char *text, const struct script *s)
{
	if (!text)
		pause();
	else if (s->raw)
		say(fd, text, strlen(text), false);
	else
		say_lines(fd, text, s);
}

static void serve(int listener, int to, const struct script *s)
{
	int fd = accept(listener, NULL, NULL);

	if (s->banner)
		say_frame(fd, FRAME_TEXT, s->banner, strlen(s->banner), s);
	if (s->authpassed)
		say_frame(fd, FRAME_JSON, s->authpassed, strlen(s->authpassed), s);
	if (!s->banner || !s->authpassed)
		pause();
	if (hear(fd, to))
		answer(fd, s->answer, s);
	for (int i = 0; i < SCRIPT_MAX && s->more[i] && hear(fd, to); i++)
		answer(fd, s->more[i], s);
	/* Until the client has read it all. */
	shutdown(fd, SHUT_WR);
	while (read(fd, &(char){0}, 1) > 0)
		;
	close(fd);
}

void start(const struct script *s)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int ends[2];
	int listener = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(f.folder, sizeof(f.folder), "/tmp/test_cli.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(f.folder));
	snprintf(f.path, sizeof(f.path), "%s/api.sock", f.folder);
	memcpy(address.sun_path, f.path, strlen(f.path) + 1);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(listener, 5), 0);
	ck_assert_int_eq(pipe(ends), 0);
	f.requests = ends[0];
	f.pid = fork();
	ck_assert_int_ge(f.pid, 0);
	if (f.pid == 0) {
		close(ends[0]);
		serve(listener, ends[1], s);
		_exit(0);
	}
	close(listener);
	close(ends[1]);
}

void stop(void)
{
	kill(f.pid, SIGKILL);
	waitpid(f.pid, NULL, 0);
	close(f.requests);
	unlink(f.path);
	rmdir(f.folder);
	free(f.out);
	free(f.err);
	f.out = f.err = NULL;
}

/* Splits the line, which it takes, and runs it. */
static void run_line(char *line, const char *host, const char *input)
{
	char *argv[ARGV_MAX];
	int argc = 0;
	size_t out_len, err_len;
	FILE *in = fmemopen(
		(void *)(uintptr_t)(*input ? input : "\n"), *input ? strlen(input) : 1, "r");
	FILE *out = open_memstream(&f.out, &out_len);
	FILE *err = open_memstream(&f.err, &err_len);

	for (char *p = line; *p && argc < ARGV_MAX; argc++) {
		argv[argc] = p;
		p += strcspn(p, " ");
		if (*p)
			*p++ = '\0';
	}
	f.rc = cli_run(argc, argv, host, in, out, err);
	fclose(in);
	fclose(out);
	fclose(err);
	free(line);
}

void run(const char *line, const char *input)
{
	run_line(xasprintf("collective -s %s %s", f.path, line), NULL, input);
}

void run_program(const char *line, const char *input)
{
	run_line(xasprintf("/usr/bin/%s", line), f.path, input);
}

void asked(const char *expected)
{
	char request[8192] = "";
	size_t len = 0;
	ssize_t n;

	/* Everything was written before the program ended; the agent may hold the pipe open. */
	kill(f.pid, SIGKILL);
	while ((n = read(f.requests, request + len, sizeof(request) - 1 - len)) > 0)
		len += (size_t)n;
	ck_assert_int_ge(n, 0);
	ck_assert_str_eq(request, expected);
}
