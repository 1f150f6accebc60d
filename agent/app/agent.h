/*
 * struct agent: the composition of collectived. It is the one struct that app/ and command/ share:
 * each part has a pointer here, is created and torn down by agent.c in the order of the table there,
 * and is used by its neighbours through its own header.
 *
 * What is asked of the agent through its socket is above it (command/): it gets that as a table.
 *
 * Without a bundle the agent is standalone: socket and configuration, nothing else. With one it has a
 * member (member/member.h), a door for joiners (app/door.h) and the renewal of its certificate.
 */
#ifndef APP_AGENT_H
#define APP_AGENT_H

#include <stdbool.h>

#include "base/err.h"
#include "base/usec.h"

struct agent;
struct commands;

/* The operations of the socket, as command/commands.h has them. */
struct commands_ops {
	const struct api_handlers *handlers; /* their argument: the commands */
	struct commands *(*create)(struct agent *agent);
	/* Ends what is under way with an error. */
	void (*free)(struct commands *c);
	/* The state of the member may have changed: looks whether a command was waiting for that. */
	void (*changed)(struct commands *c);
	/* A member is about to be taken away: ends what works on it. */
	void (*drop)(struct commands *c, const char *why);
	/* A founding, a join or a gencert is under way: who this server is may change. */
	bool (*busy)(const struct commands *c);
	/* The agent is stopping: ends joins that are under way; what changes something is refused
	 * from now on (agent->stopping). */
	void (*stop)(struct commands *c);
};

struct agent_options {
	const struct commands_ops *commands;
	const char *config_path; /* NULL: the default, which need not exist */
	bool debug;		 /* log everything */
};

struct agent {
	const struct agent_options *options;
	struct conf *conf;
	struct state *state;
	struct identity *identity;
	struct loop *loop;
	struct worker *worker; /* writes to disk */
	struct worker *disk;   /* keeps the copy of the database, which takes longer */
	struct http *http;
	struct api_server *api;
	const struct commands_ops *commands_ops; /* what is done with: */
	struct commands *commands;
	struct api_resources *resources;
	struct database *database;
	struct restore *restore; /* of a backup that is being uploaded; NULL: none */
	struct renewal *renewal;
	struct signals *signals;
	struct member *member;	 /* NULL: standalone */
	struct keyring *keyring; /* likewise */
	struct rekeyer *rekeyer; /* likewise */
	struct orders *orders;	 /* likewise */
	struct history *history; /* likewise */
	struct mover *mover;	 /* likewise */
	struct events *events;
	struct hooks *hooks;
	struct door *door; /* NULL: standalone */
	char *address;	   /* what other members are told */
	bool stopping;
	int exit_status;
};

/* Runs until it is told to stop. The exit status. */
int agent_run(const struct agent_options *options);

/* Becomes a member with the bundle that the identity has. adopt: accept etcd as it is now. */
int agent_start_member(struct agent *agent, bool adopt, struct err *err) MUST_CHECK;
/* Ceases to be one; what is under way is dropped. */
void agent_stop_member(struct agent *agent);
/* The files of the identity have changed. The member must be stopped. */
int agent_reload_identity(struct agent *agent, struct err *err) MUST_CHECK;
/* Where the configuration is read from. */
const char *agent_config_path(const struct agent *agent);
/* The log is as the configuration says now. */
int agent_apply_log(const struct agent *agent, struct err *err) MUST_CHECK;
/* Something about the member may be different: state for systemd, waiting commands. */
void agent_changed(void *arg);

#endif
