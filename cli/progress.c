#include "config.h"
#include "cli/progress.h"

#include <inttypes.h>
#include <signal.h>
#include <unistd.h>

#include "cli/writer.h"

/* Only what a signal handler may do. */
static void on_interrupt(int number)
{
	static const char text[] =
		"\ninterrupted: what was ordered goes on without this command (collective history "
		"tells; collective undrain or collective pause stops it)\n";

	(void)!write(STDERR_FILENO, text, sizeof(text) - 1);
	raise(number);
}

static void begin(struct progress *p)
{
	struct sigaction action = {.sa_handler = on_interrupt, .sa_flags = (int)SA_RESETHAND};

	p->begun = true;
	p->shown = isatty(fileno(p->call->err));
	fflush(p->call->out);
	sigaction(SIGINT, &action, NULL);
}

void progress_tell(struct progress *p, const json *frame)
{
	const json *progress = json_at(frame, "progress");
	int64_t left, all;

	if (!progress || json_i64(progress, "left", &left, NULL) < 0 ||
		json_i64(progress, "all", &all, NULL) < 0)
		return;
	if (!p->begun)
		begin(p);
	if (!p->shown)
		return;
	fputc('\r', p->call->err);
	writer_print(p->call->err, p->what);
	fprintf(p->call->err, ": %" PRId64 " of %" PRId64 " nodes left\033[K", left, all);
	fflush(p->call->err);
}

void progress_end(struct progress *p)
{
	if (p->shown)
		fputs("\r\033[K", p->call->err);
	if (p->begun)
		signal(SIGINT, SIG_DFL);
}
