/*
 * fork() and execve() with three pipes (input, output, and one through which a failed execve()
 * tells its errno) and a pidfd, which is readable when the program has ended. Nothing here waits
 * for the program: even a start that fails is heard of through the pidfd.
 *
 * What can go wrong: between fork() and execve() only async-signal-safe calls are allowed, since
 * the process has other threads; everything that allocates is prepared before. The program ends
 * without having read its input: EPIPE, not an error. It leaves processes behind that keep the
 * output open: the end of the program counts, not of the output, and its group is killed while its
 * number can't be another's yet, before it is waited for.
 */
#include "config.h"
#include "io/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/num.h"
#include "io/loop.h"

#define TERM_GRACE   (2 * USEC_PER_SEC)
#define REAP_MS	     100 /* a killed process is gone well within */
#define LOWEST_FD    10	 /* of our ends, so that 0 to 3 are free for the program's */
#define OUTPUT_CHUNK ((size_t)64 << 10)
#define OUTPUT_TURN  ((size_t)256 << 10) /* per wake-up */
#define PIPE_MAX     ((size_t)1 << 20)	 /* of a pipe whose size can't be asked for */
#define ERRNO_FD     3

struct pipe {
	int read_fd, write_fd;
};

struct child {
	struct loop *loop;
	char *program;
	pid_t pid; /* 0 once it was waited for */
	int pid_fd, input_fd, output_fd, errno_fd;
	struct loop_io *pid_io, *input_io, *output_io;
	struct loop_timer *timer;
	struct buf input;
	struct buf output;
	bool output_cut;
	usec_t timeout;
	bool timed_out;
	void (*done)(const struct child_result *result, void *arg);
	void *arg;
};

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static int take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

static int pipe_new(struct pipe *ret)
{
	int fds[2], read_fd, write_fd;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	read_fd = fcntl(fds[0], F_DUPFD_CLOEXEC, LOWEST_FD);
	write_fd = fcntl(fds[1], F_DUPFD_CLOEXEC, LOWEST_FD);
	close(fds[0]);
	close(fds[1]);
	ret->read_fd = read_fd;
	ret->write_fd = write_fd;
	return read_fd < 0 || write_fd < 0 ? -EMFILE : 0;
}

static void pipe_done(struct pipe *p)
{
	close_fd(&p->read_fd);
	close_fd(&p->write_fd);
}

static void set_nonblocking(int fd)
{
	(void)fcntl(fd, F_SETFL, O_NONBLOCK);
}

/* In the new process: only async-signal-safe calls from here to the end of child_exec(). */

static void exec_failed(int number)
{
	(void)!write(ERRNO_FD, &number, sizeof(number));
	_exit(127);
}

static void close_from(unsigned first)
{
	if (syscall(SYS_close_range, first, ~0U, 0) == 0)
		return;
	for (int fd = (int)first; fd < 65536; fd++)
		close(fd);
}

static void child_exec(const struct child_options *options, const char *const *environment,
	const struct pipe pipes[3])
{
	sigset_t none;

	(void)setpgid(0, 0);
	if (dup2(pipes[0].read_fd, STDIN_FILENO) < 0 ||
		dup2(pipes[1].write_fd, STDOUT_FILENO) < 0 ||
		dup2(pipes[1].write_fd, STDERR_FILENO) < 0 ||
		dup2(pipes[2].write_fd, ERRNO_FD) < 0 || fcntl(ERRNO_FD, F_SETFD, FD_CLOEXEC) < 0 ||
		chdir("/") < 0)
		exec_failed(errno);
	close_from(ERRNO_FD + 1);
	for (int signo = 1; signo < NSIG; signo++)
		(void)signal(signo, SIG_DFL);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	/* execve() takes the strings as they are; its prototype is older than const. */
	execve(options->argv[0], (char *const *)(void *)options->argv,
		(char *const *)(void *)environment);
	exec_failed(errno);
}

/* In the agent again. */

static void kill_group(struct child *c, int signo)
{
	if (c->pid > 0 && kill(-c->pid, signo) < 0)
		(void)kill(c->pid, signo);
}

/* Reads what there is, so much at most; false when no more can come. */
static bool read_output(struct child *c, size_t most)
{
	char piece[OUTPUT_CHUNK];
	size_t done = 0;

	while (done < most) {
		ssize_t n = read(c->output_fd, piece, MIN(sizeof(piece), most - done));
		size_t room = c->output.max - c->output.len;

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return true;
		if (n <= 0)
			return false;
		done += (size_t)n;
		if ((size_t)n > room)
			c->output_cut = true;
		if (buf_add(&c->output, piece, MIN((size_t)n, room)) < 0)
			abort();
	}
	return true;
}

static void on_output(int events UNUSED, void *arg)
{
	struct child *c = arg;

	if (read_output(c, OUTPUT_TURN))
		return;
	loop_io_free(TAKE(c->output_io));
	close_fd(&c->output_fd);
}

static void on_input(int events UNUSED, void *arg)
{
	struct child *c = arg;
	ssize_t n = write(c->input_fd, c->input.data, c->input.len);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0)
		buf_consume(&c->input, (size_t)n);
	if (n > 0 && c->input.len)
		return;
	loop_io_free(TAKE(c->input_io));
	close_fd(&c->input_fd);
}

static void on_timer(void *arg)
{
	struct child *c = arg;

	kill_group(c, c->timed_out ? SIGKILL : SIGTERM);
	c->timed_out = true;
	loop_timer_after(c->timer, TERM_GRACE);
}

/* Why it was not run: what the kernel says of a script may be about its interpreter. */
static const char *not_run(const struct child *c, int number)
{
	if (number == ENOENT && access(c->program, F_OK) == 0)
		return "the interpreter that its first line names is not there";
	if (number == ENOEXEC)
		return "it is no program, and a script begins with #! and its interpreter";
	return strerror(number);
}

static void explain_end(
	struct child *c, const siginfo_t *info, struct child_result *result, struct err *err)
{
	char duration[NUM_DURATION_MAX];
	int number = 0;

	result->status = info->si_code == CLD_EXITED ? info->si_status : -1;
	if (read(c->errno_fd, &number, sizeof(number)) == (ssize_t)sizeof(number))
		result->rc =
			err_set(err, -ENOEXEC, "cannot run %s: %s", c->program, not_run(c, number));
	else if (c->timed_out)
		result->rc = err_set(err, -ETIMEDOUT, "%s did not end within %s and was stopped",
			c->program, num_format_duration(c->timeout, duration));
	else if (info->si_code != CLD_EXITED)
		result->rc = err_set(err, -ECHILD, "%s was ended by signal %d (%s)", c->program,
			info->si_status, strsignal(info->si_status));
	else if (info->si_status)
		result->rc = err_set(
			err, -ECHILD, "%s ended with status %d", c->program, info->si_status);
}

static void on_exit_event(int events UNUSED, void *arg)
{
	struct child *c = arg;
	struct child_result result = {0};
	struct err err = {0};
	siginfo_t info = {0};

	/* What it wrote last is there by now: as much as the pipe holds, which it may have enlarged.
	 * There may be more later, of what it has left behind. */
	if (c->output_fd >= 0) {
		int size = fcntl(c->output_fd, F_GETPIPE_SZ);

		(void)read_output(c, size > 0 ? (size_t)size : PIPE_MAX);
	}
	kill_group(c, SIGKILL);
	if (waitid(P_PID, (id_t)c->pid, &info, WEXITED | WNOHANG) == 0 && !info.si_pid)
		return;
	c->pid = 0;
	loop_timer_at(c->timer, USEC_NEVER);
	loop_io_free(TAKE(c->pid_io));
	loop_io_free(TAKE(c->input_io));
	loop_io_free(TAKE(c->output_io));
	explain_end(c, &info, &result, &err);
	result.why = err.text;
	result.output = buf_cstr(&c->output);
	result.output_len = c->output.len;
	result.output_cut = c->output_cut;
	c->done(&result, c->arg);
}

/* Forks with all signals blocked, so that no handler of ours runs in the new process. */
static pid_t fork_quietly(sigset_t *before)
{
	sigset_t all;
	pid_t pid;
	int number;

	sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, before);
	pid = fork();
	number = errno;
	if (pid != 0)
		(void)sigprocmask(SIG_SETMASK, before, NULL);
	errno = number;
	return pid;
}

static int child_start(
	struct child *c, const struct child_options *options, struct pipe pipes[3], struct err *err)
{
	static const char *const plain[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL};
	const char *const *environment = options->environment ? options->environment : plain;
	sigset_t before;

	for (int i = 0; i < 3; i++) {
		int rc = pipe_new(&pipes[i]);

		if (rc < 0)
			return err_errno(err, rc, "cannot run %s", c->program);
	}
	c->pid = fork_quietly(&before);
	if (c->pid == 0)
		child_exec(options, environment, pipes);
	if (c->pid < 0)
		return err_errno(err, -errno, "cannot run %s", c->program);
	(void)setpgid(c->pid, c->pid);
	c->input_fd = take_fd(&pipes[0].write_fd);
	c->output_fd = take_fd(&pipes[1].read_fd);
	c->errno_fd = take_fd(&pipes[2].read_fd);
	c->pid_fd = (int)syscall(SYS_pidfd_open, c->pid, 0);
	if (c->pid_fd < 0)
		return err_errno(err, -errno, "cannot watch %s", c->program);
	set_nonblocking(c->input_fd);
	set_nonblocking(c->output_fd);
	set_nonblocking(c->errno_fd);
	return 0;
}

int child_new(
	struct child **ret, struct loop *loop, const struct child_options *options, struct err *err)
{
	struct pipe pipes[3] = {{-1, -1}, {-1, -1}, {-1, -1}};
	CLEANUP(child_freep) struct child *c = xcalloc(1, sizeof(*c));
	int rc;

	c->loop = loop;
	c->program = xstrdup(options->argv[0]);
	c->pid_fd = c->input_fd = c->output_fd = c->errno_fd = -1;
	c->done = options->done;
	c->arg = options->arg;
	c->timeout = options->timeout;
	buf_init(&c->output, options->max_output);
	buf_init(&c->input, options->input_len);
	if (buf_add(&c->input, options->input, options->input_len) < 0)
		abort();
	rc = child_start(c, options, pipes, err);
	for (int i = 0; i < 3; i++)
		pipe_done(&pipes[i]);
	if (rc < 0)
		return rc;
	c->timer = loop_timer_new(loop, "child", on_timer, c);
	loop_timer_after(c->timer, c->timeout);
	c->pid_io = loop_io_new(loop, c->pid_fd, LOOP_READ, on_exit_event, c);
	c->output_io = loop_io_new(loop, c->output_fd, LOOP_READ, on_output, c);
	if (c->input.len)
		c->input_io = loop_io_new(loop, c->input_fd, LOOP_WRITE, on_input, c);
	else
		close_fd(&c->input_fd);
	*ret = TAKE(c);
	return 0;
}

char *child_take_output(struct child *c)
{
	return c->output.data ? buf_take(&c->output) : xstrdup("");
}

/* The one wait in io/: bounded, and for a process that has been killed already. */
static void reap(struct child *c)
{
	struct pollfd p = {.fd = c->pid_fd, .events = POLLIN};

	if (c->pid <= 0)
		return;
	kill_group(c, SIGKILL);
	if (c->pid_fd >= 0)
		(void)poll(&p, 1, REAP_MS);
	(void)waitpid(c->pid, NULL, c->pid_fd >= 0 ? WNOHANG : 0);
}

void child_free(struct child *c)
{
	if (!c)
		return;
	reap(c);
	loop_io_free(c->pid_io);
	loop_io_free(c->input_io);
	loop_io_free(c->output_io);
	loop_timer_free(c->timer);
	close_fd(&c->pid_fd);
	close_fd(&c->input_fd);
	close_fd(&c->output_fd);
	close_fd(&c->errno_fd);
	buf_wipe(&c->input);
	buf_done(&c->output);
	free(c->program);
	free(c);
}
