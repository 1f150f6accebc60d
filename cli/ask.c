#include "config.h"
#include "cli/ask.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/macros.h"
#include "base/mem.h"

#define LINE_MAX_BYTES ((size_t)1 << 20)

static char *read_line(FILE *in)
{
	char *line = NULL;
	size_t cap = 0;
	ssize_t len = getline(&line, &cap, in);

	if (len < 0) {
		free(line);
		return NULL;
	}
	while (len && (line[len - 1] == '\n' || line[len - 1] == '\r'))
		line[--len] = '\0';
	return line;
}

/* A terminal that does not show what is typed, until it is put back: also when a signal comes, which
 * then ends the reading. Signals come only while one waits, so that none is missed before. */
struct quiet {
	int fd;
	struct termios before;
	sigset_t mask;
	struct sigaction actions[4]; /* by ending */
};

static const int ending[] = {SIGINT, SIGQUIT, SIGTERM, SIGHUP};

static void on_signal(int number UNUSED)
{
}

static bool quiet_begin(struct quiet *q, FILE *in)
{
	const struct sigaction interrupt = {.sa_handler = on_signal};
	struct termios now;
	sigset_t held;

	q->fd = fileno(in);
	if (q->fd < 0 || !isatty(q->fd) || tcgetattr(q->fd, &q->before) < 0)
		return false;
	sigemptyset(&held);
	for (size_t i = 0; i < ARRAY_SIZE(ending); i++)
		sigaddset(&held, ending[i]);
	sigprocmask(SIG_BLOCK, &held, &q->mask);
	for (size_t i = 0; i < ARRAY_SIZE(ending); i++)
		sigaction(ending[i], &interrupt, &q->actions[i]);
	now = q->before;
	now.c_lflag &= ~(tcflag_t)ECHO;
	tcsetattr(q->fd, TCSAFLUSH, &now);
	return true;
}

static void quiet_end(struct quiet *q)
{
	tcsetattr(q->fd, TCSADRAIN, &q->before);
	/* one that came too late to end the reading is no reason to end now */
	sigprocmask(SIG_SETMASK, &q->mask, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(ending); i++)
		sigaction(ending[i], &q->actions[i], NULL);
}

/* A terminal gives a line at a time, so nothing of the next one is taken. NULL: at the end, or
 * interrupted. */
static char *read_quietly(const struct quiet *q)
{
	struct buf line = BUF_INIT(LINE_MAX_BYTES);
	char *text = NULL;
	ssize_t n;

	for (;;) {
		struct pollfd wait = {.fd = q->fd, .events = POLLIN};
		char *to = buf_reserve(&line, 4096);

		if (!to || ppoll(&wait, 1, NULL, &q->mask) < 0)
			break;
		n = read(q->fd, to, 4096);
		if (n <= 0)
			break;
		line.len += (size_t)n;
		line.data[line.len] = '\0';
		if (line.data[line.len - 1] == '\n') {
			text = xstrndup(line.data, strcspn(line.data, "\r\n"));
			break;
		}
	}
	buf_wipe(&line);
	return text;
}

char *ask_hidden(struct call *call, const char *question)
{
	struct quiet quiet;
	bool quietly = quiet_begin(&quiet, call->in);
	char *line;

	fputs(question, call->err);
	fflush(call->err);
	if (!quietly)
		return read_line(call->in);
	line = read_quietly(&quiet);
	quiet_end(&quiet);
	fputc('\n', call->err);
	return line;
}

bool ask_possible(struct call *call)
{
	int fd = fileno(call->in);

	return fd >= 0 && isatty(fd);
}
