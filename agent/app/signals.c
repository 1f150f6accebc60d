#include "config.h"
#include "app/signals.h"

#include <signal.h>
#include <string.h>

#include "api/server.h"
#include "app/agent.h"
#include "app/database.h"
#include "app/mover.h"
#include "app/renewal.h"
#include "base/log.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "io/http.h"
#include "io/loop.h"
#include "log/notify.h"
#include "member/member.h"

/* At its end the agent waits so long for answers to be known and sent. */
#define ANSWERS_MAX (3 * USEC_PER_SEC)
#define LOOK_AGAIN  (10 * USEC_PER_MSEC)

struct signals {
	struct agent *agent;
	struct loop_signal *term, *interrupt, *hangup;
	struct loop_timer *watchdog;
	struct loop_timer *end;
	usec_t end_by;
};

/* Whoever has asked for a change hears what became of it, where that is known in time. */
static void on_end(void *arg)
{
	struct signals *signals = arg;
	struct agent *agent = signals->agent;

	if (api_server_idle(agent->api) || loop_now(agent->loop) >= signals->end_by)
		loop_stop(agent->loop);
	else
		loop_timer_after(signals->end, LOOK_AGAIN);
}

static void on_stopped(void *arg)
{
	struct agent *agent = arg;

	on_end(agent->signals);
}

static void on_terminate(int signo, void *arg)
{
	struct signals *signals = arg;
	struct agent *agent = signals->agent;

	if (agent->stopping) {
		loop_stop(agent->loop);
		return;
	}
	agent->stopping = true;
	log_info("agent", "stopping (%s)", strsignal(signo));
	notify_send("STOPPING=1");
	/* a join that came to its end now would replace the member that is being stopped */
	agent->commands_ops->stop(agent->commands);
	api_server_drain(agent->api);
	database_changed(agent->database);
	signals->end_by = usec_add(loop_now(agent->loop), ANSWERS_MAX);
	if (agent->member)
		member_stop(agent->member, on_stopped, agent);
	else
		loop_stop(agent->loop);
}

static void tell_difference(
	const char *option, const char *was, const char *is, bool at_once, void *arg)
{
	(void)arg;
	log_info("conf", "%s: %s -> %s%s", option, was, is,
		at_once ? "" : " (needs a restart of collectived)");
}

static void on_hangup(int signo, void *arg)
{
	struct signals *signals = arg;
	struct agent *agent = signals->agent;
	struct conf_problems problems;
	struct conf *fresh;
	struct err err = {""};

	(void)signo;
	if (conf_load(&fresh, agent_config_path(agent), agent->options->config_path != NULL,
		    &problems) < 0) {
		for (size_t i = 0; i < problems.n; i++)
			log_error("conf", "%s", problems.at[i].text);
		log_error("conf", "the configuration is left as it was");
		return;
	}
	if (!conf_diff(agent->conf, fresh, tell_difference, agent))
		log_info("conf", "read again, nothing has changed");
	conf_take_at_once(agent->conf, fresh);
	conf_free(fresh);
	if (agent_apply_log(agent, &err) < 0)
		log_error("conf", "%s", err.text);
	if (api_server_set_read_group(agent->api, agent->conf->api.read_group, &err) < 0)
		log_error("conf", "%s", err.text);
	http_forget_connections(agent->http);
	renewal_check(agent->renewal);
	if (agent->mover)
		mover_changed(agent->mover);
}

static void on_watchdog(void *arg)
{
	struct signals *signals = arg;

	notify_send("WATCHDOG=1");
	loop_timer_after(signals->watchdog, notify_watchdog_period());
}

static void hold_signals(int how)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(how, &set, NULL);
}

void signals_hold(void)
{
	hold_signals(SIG_BLOCK);
}

struct signals *signals_new(struct agent *agent)
{
	struct signals *s = xcalloc(1, sizeof(*s));

	s->agent = agent;
	s->term = loop_signal_new(agent->loop, SIGTERM, on_terminate, s);
	s->interrupt = loop_signal_new(agent->loop, SIGINT, on_terminate, s);
	s->hangup = loop_signal_new(agent->loop, SIGHUP, on_hangup, s);
	s->end = loop_timer_new(agent->loop, "end", on_end, s);
	s->watchdog = loop_timer_new(agent->loop, "watchdog", on_watchdog, s);
	if (notify_watchdog_period() != USEC_NEVER)
		loop_timer_after(s->watchdog, 0);
	hold_signals(SIG_UNBLOCK);
	return s;
}

void signals_free(struct signals *s)
{
	if (!s)
		return;
	/* a second SIGTERM must not cut the end short */
	hold_signals(SIG_BLOCK);
	loop_signal_free(s->term);
	loop_signal_free(s->interrupt);
	loop_signal_free(s->hangup);
	loop_timer_free(s->watchdog);
	loop_timer_free(s->end);
	free(s);
}
