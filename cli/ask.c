#include "config.h"
#include "cli/ask.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include "base/macros.h"

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
 * then ends the reading. */
struct quiet {
	int fd;
	bool on;
	struct termios before;
	struct sigaction actions[4]; /* by ending */
};

static const int ending[] = {SIGINT, SIGQUIT, SIGTERM, SIGHUP};

static void on_signal(int number UNUSED)
{
}

static void quiet_begin(struct quiet *q, FILE *in)
{
	const struct sigaction interrupt = {.sa_handler = on_signal};
	struct termios now;

	q->fd = fileno(in);
	q->on = q->fd >= 0 && isatty(q->fd) && tcgetattr(q->fd, &q->before) == 0;
	if (!q->on)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(ending); i++)
		sigaction(ending[i], &interrupt, &q->actions[i]);
	now = q->before;
	now.c_lflag &= ~(tcflag_t)ECHO;
	tcsetattr(q->fd, TCSAFLUSH, &now);
}

static void quiet_end(struct quiet *q, FILE *err)
{
	if (!q->on)
		return;
	tcsetattr(q->fd, TCSADRAIN, &q->before);
	for (size_t i = 0; i < ARRAY_SIZE(ending); i++)
		sigaction(ending[i], &q->actions[i], NULL);
	fputc('\n', err);
}

char *ask_hidden(struct call *call, const char *question)
{
	struct quiet quiet;
	char *line;

	quiet_begin(&quiet, call->in);
	fputs(question, call->err);
	fflush(call->err);
	line = read_line(call->in);
	quiet_end(&quiet, call->err);
	return line;
}

bool ask_possible(struct call *call)
{
	int fd = fileno(call->in);

	return fd >= 0 && isatty(fd);
}
