#include "config.h"
#include "log/logsink.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"

#define LINE_MAX_LEN 4000 /* below PIPE_BUF: a pipe that polls writable takes it whole */

struct logsink {
	int fd;
	bool journal;
	unsigned dropped;
};

static void write_line(
	struct logsink *sink, enum log_level level, const char *module, const char *text)
{
	static const int priority[] = {3, 4, 6, 7};
	struct pollfd ready = {.fd = sink->fd, .events = POLLOUT};
	char line[LINE_MAX_LEN];
	char when[40] = "";
	int len;

	if (poll(&ready, 1, 0) != 1 || !(ready.revents & POLLOUT)) {
		sink->dropped++;
		return;
	}
	if (sink->journal) {
		snprintf(when, sizeof(when), "<%d>", priority[level]);
	} else {
		struct timespec now;
		struct tm tm;
		size_t n;

		clock_gettime(CLOCK_REALTIME, &now);
		n = localtime_r(&now.tv_sec, &tm) ? strftime(when, sizeof(when), "%F %T", &tm) : 0;
		snprintf(when + n, sizeof(when) - n, ".%03ld ", now.tv_nsec / 1000000);
	}
	len = snprintf(
		line, sizeof(line) - 1, "%s%s: %s: %s", when, log_level_name(level), module, text);
	if (len >= (int)sizeof(line) - 1)
		len = (int)sizeof(line) - 2;
	line[len] = '\n';
	if (write(sink->fd, line, (size_t)len + 1) < 0)
		sink->dropped++;
}

static void sink_line(enum log_level level, const char *module, const char *text, void *arg)
{
	struct logsink *sink = arg;

	if (sink->dropped) {
		char lost[80];
		unsigned dropped = sink->dropped;

		sink->dropped = 0;
		snprintf(lost, sizeof(lost), "%u lines were dropped: the reader did not keep up",
			dropped);
		write_line(sink, LOG_LEVEL_WARNING, "log", lost);
		if (sink->dropped)
			sink->dropped = dropped + 1;
	}
	write_line(sink, level, module, text);
}

/* The sink has to outlive every caller of log_line(), like the log itself. */
static struct logsink *the_sink(void)
{
	static struct logsink sink = {.fd = -1};

	return &sink;
}

int logsink_open(const char *target, struct err *err)
{
	struct logsink *sink = the_sink();
	int fd = STDERR_FILENO;

	if (!text_eq(target, "stderr")) {
		fd = open(target, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
		if (fd < 0)
			return err_errno(err, -errno, "cannot open the log file %s", target);
	}
	logsink_close();
	sink->fd = fd;
	sink->journal = fd == STDERR_FILENO && getenv("JOURNAL_STREAM") != NULL;
	log_set_sink(sink_line, sink);
	return 0;
}

void logsink_close(void)
{
	struct logsink *sink = the_sink();

	log_set_sink(NULL, NULL);
	if (sink->fd > STDERR_FILENO)
		close(sink->fd);
	sink->fd = -1;
}
