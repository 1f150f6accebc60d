#include "config.h"
#include "app/renewal.h"

#include <stdbool.h>

#include "app/agent.h"
#include "app/door.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "conf/conf.h"
#include "identity/address.h"
#include "identity/certmaker.h"
#include "identity/identity.h"
#include "io/clock.h"
#include "io/loop.h"
#include "member/member.h"

#define CHECK_PERIOD (3600 * USEC_PER_SEC)
#define SOON	     (60 * USEC_PER_SEC)
#define DAY	     (86400 * USEC_PER_SEC)

struct renewal {
	struct agent *agent;
	struct loop_timer *timer;
	struct certmaker *maker; /* one is being made */
	const char *why;	 /* it is due */
	bool tried;		 /* and failed: not again at once */
	int warned_days;	 /* the last warning was for so many; 0: none yet */
};

static void warn_of_end(struct renewal *r, usec_t left)
{
	static const int days[] = {1, 7, 30};
	char text[NUM_DURATION_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(days); i++) {
		if (left > days[i] * DAY)
			continue;
		if (r->warned_days == days[i])
			return;
		r->warned_days = days[i];
		if (left <= 0)
			log_error("certificate", "it has expired: run collective gencert");
		else
			log_warning("certificate", "it expires in %s: run collective gencert",
				num_format_duration(left, text));
		return;
	}
	r->warned_days = 0;
}

static bool member_is_active(const struct agent *agent)
{
	return agent->member && text_eq(member_state(agent->member), "active");
}

static bool due(const struct agent *agent, usec_t now, const char **ret_why)
{
	const struct identity *id = agent->identity;

	if (!id->bundle)
		return false;
	/* a key that the registry does not know gets no certificate over the one that is there */
	if (!id->certificate && !member_is_active(agent))
		return false;
	if (!id->certificate)
		*ret_why = "there was none that fits the key";
	else if (cert_check_issuer(id->certificate, id->bundle->ca_certificate, NULL) < 0)
		*ret_why = "it was not the collective's";
	else if (cert_renewal_due(id->facts, now))
		*ret_why = "two thirds of its life were over";
	else
		return false;
	return true;
}

static void renewed(struct renewal *r, int rc, const char *error)
{
	struct agent *agent = r->agent;

	r->tried = rc < 0;
	if (rc < 0) {
		log_error("certificate", "it is due for renewal (%s), but: %s", r->why, error);
		return;
	}
	log_info("certificate", "renewed (%s), serial %s", r->why, agent->identity->facts->serial);
	if (agent->door)
		door_certificate_changed(agent->door);
}

static void on_made(int rc, const char *error, void *arg)
{
	struct renewal *r = arg;

	r->maker = NULL;
	renewed(r, rc, error);
}

/* at_once: no loop runs yet. */
static void renew(struct renewal *r, usec_t now, bool at_once)
{
	struct agent *agent = r->agent;
	struct certmaker_config config = {
		.worker = agent->worker,
		.identity = agent->identity,
		.config_dir = agent->conf->paths.config_dir,
		.now = now,
	};
	struct address_list addresses;
	struct err err = {""};

	address_list_init(&addresses, agent->address, NULL, 0);
	config.addresses = (const char *const *)addresses.at;
	config.address_count = addresses.n;
	if (at_once)
		renewed(r, certmaker_run(&config, &err), err.text);
	else
		r->maker = certmaker_new(&config, on_made, r);
	address_list_done(&addresses);
}

static void check(struct renewal *r, bool at_once)
{
	struct agent *agent = r->agent;
	usec_t now = clock_wall();

	loop_timer_after(r->timer, CHECK_PERIOD);
	if (r->maker)
		return;
	if (!due(agent, now, &r->why)) {
		if (agent->identity->facts)
			warn_of_end(r, agent->identity->facts->not_after - now);
		return;
	}
	/* a join may be about to replace the certificate */
	if (agent->commands_ops->busy(agent->commands))
		loop_timer_after(r->timer, SOON);
	else
		renew(r, now, at_once);
}

void renewal_check(struct renewal *r)
{
	check(r, false);
}

void renewal_consider(struct renewal *r)
{
	const char *why;

	if (due(r->agent, clock_wall(), &why) &&
		loop_timer_due(r->timer) > loop_now(r->agent->loop) + SOON)
		loop_timer_after(r->timer, r->tried ? SOON : 0);
}

static void on_timer(void *arg)
{
	renewal_check(arg);
}

struct renewal *renewal_new(struct agent *agent)
{
	struct renewal *r = xcalloc(1, sizeof(*r));

	r->agent = agent;
	r->timer = loop_timer_new(agent->loop, "certificate", on_timer, r);
	check(r, true);
	return r;
}

void renewal_free(struct renewal *r)
{
	if (!r)
		return;
	certmaker_free(r->maker);
	loop_timer_free(r->timer);
	free(r);
}
