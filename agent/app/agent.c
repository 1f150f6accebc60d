/*
 * The parts of an agent are created in the order of the table below and torn down backwards; each
 * gets what it needs from those before it. Then the loop runs until SIGTERM or SIGINT: leadership is
 * handed on first, then the parts go.
 *
 * A start that fails says in one sentence what is wrong and what to do, and exits with status 1.
 */
#include "config.h"
#include "app/agent.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "api/resources.h"
#include "api/server.h"
#include "app/database.h"
#include "app/door.h"
#include "app/events.h"
#include "app/hooks.h"
#include "app/mover.h"
#include "app/rekeyer.h"
#include "app/renewal.h"
#include "app/signals.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "conf/conf.h"
#include "identity/address.h"
#include "identity/identity.h"
#include "identity/install.h"
#include "identity/keyring.h"
#include "io/http.h"
#include "io/loop.h"
#include "io/worker.h"
#include "log/logsink.h"
#include "log/notify.h"
#include "member/etcdconf.h"
#include "member/member.h"
#include "member/state.h"
#include "record/history.h"
#include "record/orders.h"

/* ---- the member, which comes and goes ---- */

void agent_changed(void *arg)
{
	struct agent *agent = arg;

	if (agent->member)
		notify_send("STATUS=%s, quorum: %s%s", member_state(agent->member),
			member_quorum(agent->member) ? "yes" : "no",
			member_leads(agent->member) ? ", leader" : "");
	if (agent->rekeyer)
		rekeyer_changed(agent->rekeyer);
	if (agent->mover)
		mover_changed(agent->mover);
	if (agent->member && agent->renewal && !agent->identity->certificate)
		renewal_consider(agent->renewal);
	database_changed(agent->database);
	events_changed(agent->events);
	agent->commands_ops->changed(agent->commands);
}

int agent_start_member(struct agent *agent, bool adopt, struct err *err)
{
	struct member_config config = {
		.loop = agent->loop,
		.http = agent->http,
		.conf = agent->conf,
		.identity = agent->identity,
		.state = agent->state,
		.disk = agent->disk,
		.address = agent->address,
		.adopt = adopt,
		.changed = agent_changed,
		.arg = agent,
	};
	struct err why = {""};
	int rc;

	agent->keyring = config.keyring = keyring_new(agent->identity);
	agent->orders = config.orders = orders_new();
	agent->history = config.history = history_new();
	rc = member_new(&agent->member, &config, err);
	if (rc == 0) {
		agent->rekeyer = rekeyer_new(agent);
		agent->mover = mover_new(agent);
		database_attach(agent->database);
		events_attach(agent->events);
		rc = door_new(&agent->door, agent, err);
	}
	if (rc < 0) {
		agent_stop_member(agent);
		return rc;
	}
	if (door_open(agent->door, &why) < 0)
		log_warning("enroll", "%s", why.text);
	return 0;
}

void agent_stop_member(struct agent *agent)
{
	if (agent->commands)
		agent->commands_ops->drop(agent->commands, "the membership has changed meanwhile");
	door_free(TAKE(agent->door));
	events_detach(agent->events);
	if (agent->database)
		database_detach(agent->database);
	mover_free(TAKE(agent->mover));
	rekeyer_free(TAKE(agent->rekeyer));
	member_free(TAKE(agent->member));
	history_free(TAKE(agent->history));
	orders_free(TAKE(agent->orders));
	keyring_free(TAKE(agent->keyring));
}

static int load_identity(struct agent *agent, struct err *err)
{
	const char *dir = agent->conf->paths.config_dir;
	CLEANUP(freep) char *warning = NULL;
	struct identity *fresh;
	struct address_list addresses;
	int rc = identity_load(&fresh, dir, agent->conf->member.name, &warning, err);

	if (rc < 0)
		return rc;
	if (warning)
		log_warning("certificate", "%s", warning);
	identity_free(agent->identity);
	agent->identity = fresh;
	free(agent->address);
	address_list_init(&addresses, agent->conf->member.address,
		fresh->bundle ? (const char *const *)fresh->bundle->endpoints : NULL,
		fresh->bundle ? fresh->bundle->endpoint_count : 0);
	agent->address = xstrdup(addresses.at[0]);
	address_list_done(&addresses);
	return 0;
}

int agent_reload_identity(struct agent *agent, struct err *err)
{
	return load_identity(agent, err);
}

/* ---- configuration ---- */

const char *agent_config_path(const struct agent *agent)
{
	return agent->options->config_path ? agent->options->config_path : conf_default_path;
}

int agent_apply_log(const struct agent *agent, struct err *err)
{
	int rc = logsink_open(agent->conf->log.target, err);

	log_set_level(NULL, agent->options->debug ? "debug" : agent->conf->log.level);
	return rc;
}

/* ---- the parts ---- */

static int start_state(struct agent *agent, struct err *err)
{
	int rc = state_open(&agent->state, agent->conf->paths.state_dir, err);

	if (rc == 0)
		etcdconf_sweep(agent->conf->paths.state_dir, "join");
	return rc;
}

static void stop_state(struct agent *agent)
{
	state_close(TAKE(agent->state));
}

static int start_identity(struct agent *agent, struct err *err)
{
	CLEANUP(freep) char *backup = NULL;
	int rc = install_recover(agent->conf->paths.config_dir, &backup, err);

	if (rc < 0)
		return rc;
	if (rc > 0)
		log_info("join",
			"an interrupted join was completed; the former configuration is "
			"kept in %s",
			backup ? backup : "no folder: there was none");
	return load_identity(agent, err);
}

static void stop_identity(struct agent *agent)
{
	identity_free(TAKE(agent->identity));
	free(TAKE(agent->address));
}

static int start_loop(struct agent *agent, struct err *err)
{
	return loop_new(&agent->loop, err);
}

static void stop_loop(struct agent *agent)
{
	loop_free(TAKE(agent->loop));
}

static int start_worker(struct agent *agent, struct err *err)
{
	int rc = worker_new(&agent->worker, agent->loop, err);

	return rc < 0 ? rc : worker_new(&agent->disk, agent->loop, err);
}

/* What was begun is finished: the disk is never left half way. */
static void stop_worker(struct agent *agent)
{
	worker_free(TAKE(agent->disk));
	worker_free(TAKE(agent->worker));
}

static int start_http(struct agent *agent, struct err *err)
{
	return http_new(&agent->http, agent->loop, err);
}

static void stop_http(struct agent *agent)
{
	http_free(TAKE(agent->http));
}

static int start_commands(struct agent *agent, struct err *err)
{
	(void)err;
	agent->commands = agent->commands_ops->create(agent);
	return 0;
}

static void stop_commands(struct agent *agent)
{
	agent->commands_ops->free(TAKE(agent->commands));
}

static int start_database(struct agent *agent, struct err *err)
{
	(void)err;
	agent->database = database_new(agent);
	return 0;
}

static void stop_database(struct agent *agent)
{
	database_free(TAKE(agent->database));
}

static int start_events(struct agent *agent, struct err *err)
{
	(void)err;
	agent->events = events_new(agent);
	return 0;
}

static void stop_events(struct agent *agent)
{
	events_free(TAKE(agent->events));
}

static int start_hooks(struct agent *agent, struct err *err)
{
	(void)err;
	agent->hooks = hooks_new(agent);
	return 0;
}

static void stop_hooks(struct agent *agent)
{
	hooks_free(TAKE(agent->hooks));
}

static int start_resources(struct agent *agent, struct err *err)
{
	(void)err;
	agent->resources = api_resources_new(agent->loop, database_api(agent->database));
	return 0;
}

static void stop_resources(struct agent *agent)
{
	api_resources_free(TAKE(agent->resources));
}

static int start_api(struct agent *agent, struct err *err)
{
	struct api_options options = {
		.path = agent->conf->paths.socket, .read_group = agent->conf->api.read_group};

	return api_server_new(&agent->api, agent->loop, &options, agent->commands_ops->handlers,
		agent->commands, err);
}

static void stop_api(struct agent *agent)
{
	api_server_free(TAKE(agent->api));
}

static int start_renewal(struct agent *agent, struct err *err)
{
	(void)err;
	agent->renewal = renewal_new(agent);
	return 0;
}

static void stop_renewal(struct agent *agent)
{
	renewal_free(TAKE(agent->renewal));
}

static int start_signals(struct agent *agent, struct err *err)
{
	(void)err;
	agent->signals = signals_new(agent);
	return 0;
}

static void stop_signals(struct agent *agent)
{
	signals_free(TAKE(agent->signals));
}

static int start_member(struct agent *agent, struct err *err)
{
	return agent->identity->bundle ? agent_start_member(agent, false, err) : 0;
}

/* Each stop takes a part that was never started, too. The commands go before the member that they
 * work on, and the socket, whose requests they end, after them. */
static const struct {
	int (*start)(struct agent *agent, struct err *err);
	void (*stop)(struct agent *agent);
} parts[] = {
	{start_state, stop_state},
	{start_identity, stop_identity},
	{start_loop, stop_loop},
	{start_worker, stop_worker},
	{start_http, stop_http},
	{start_commands, NULL},
	{start_database, stop_database},
	{start_events, stop_events},
	{start_hooks, stop_hooks},
	{start_resources, stop_resources},
	{start_api, stop_api},
	{start_renewal, stop_renewal},
	{start_signals, stop_signals},
	{start_member, agent_stop_member},
	{NULL, stop_commands},
};

static int start_parts(struct agent *agent, struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		int rc = parts[i].start ? parts[i].start(agent, err) : 0;

		if (rc < 0)
			return rc;
	}
	return 0;
}

static void stop_parts(struct agent *agent)
{
	for (size_t i = ARRAY_SIZE(parts); i-- > 0;) {
		if (parts[i].stop)
			parts[i].stop(agent);
	}
}

/* ---- running ---- */

/* Secrets are in memory: no core file, no reading by others of the same user (R9). */
static void close_memory(void)
{
	struct rlimit none = {0, 0};

	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_DUMPABLE, 0);
	umask(077);
}

static int load_conf(struct agent *agent)
{
	struct conf_problems problems;

	if (conf_load(&agent->conf, agent_config_path(agent), agent->options->config_path != NULL,
		    &problems) == 0)
		return 0;
	conf_problems_print(&problems, stderr);
	return -EINVAL;
}

static int run(struct agent *agent, struct err *err)
{
	int rc;

	rc = agent_apply_log(agent, err);
	if (rc == 0)
		rc = start_parts(agent, err);
	if (rc < 0)
		return rc;
	log_info("agent", "collectived %s is %s, %s", PACKAGE_VERSION, agent->identity->name,
		agent->member ? "member of a collective" : "standalone");
	notify_send("READY=1\nSTATUS=%s", agent->member ? "looking for etcd" : "standalone");
	rc = loop_run(agent->loop, err);
	return rc;
}

int agent_run(const struct agent_options *options)
{
	struct agent agent = {.options = options, .commands_ops = options->commands};
	struct err err = {""};
	int rc;

	close_memory();
	signals_hold();
	if (load_conf(&agent) < 0)
		return 1;
	rc = run(&agent, &err);
	if (rc < 0)
		log_error("agent", "%s", err.text);
	stop_parts(&agent);
	conf_free(agent.conf);
	logsink_close();
	return rc < 0 ? 1 : 0;
}
