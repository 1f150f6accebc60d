#include "config.h"
#include "member/setback.h"

#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "etcd/client.h"
#include "io/loop.h"

#define LOOK_AGAIN USEC_PER_SEC

struct setback {
	struct loop *loop;
	struct etcd *etcd;
	char *key;
	setback_fn *fn;
	void *arg;
	struct loop_timer *timer;
	struct etcd_call *call;
	int64_t from; /* the highest revision known */
	struct loop_defer *defer;
	char *proven;
};

char *setback_why(int64_t from, int64_t to)
{
	return xasprintf("etcd went back from revision %" PRId64 " to %" PRId64
			 ": it was restored from a backup",
		from, to);
}

static void on_looked(const struct etcd_result *result, void *arg)
{
	struct setback *s = arg;
	int64_t revision = result->reply->header.revision;

	s->call = NULL;
	if (result->outcome != ETCD_OK)
		loop_timer_after(s->timer, LOOK_AGAIN);
	else if (revision >= s->from)
		log_info("etcd", "a single answer was older than it should be; etcd itself is not");
	else
		s->fn(setback_why(s->from, revision), s->arg);
}

static void on_timer(void *arg)
{
	struct setback *s = arg;
	struct etcd_range_request range = {.key = s->key, .key_len = strlen(s->key)};

	etcd_cancel(s->call);
	s->call = etcd_range(s->etcd, &range, NULL, on_looked, s);
}

static void on_proven(void *arg)
{
	struct setback *s = arg;

	s->fn(TAKE(s->proven), s->arg);
}

struct setback *setback_new(
	struct loop *loop, struct etcd *etcd, const char *key, setback_fn *fn, void *arg)
{
	struct setback *s = xcalloc(1, sizeof(*s));

	s->loop = loop;
	s->etcd = etcd;
	s->key = xstrdup(key);
	s->fn = fn;
	s->arg = arg;
	s->timer = loop_timer_new(loop, "setback", on_timer, s);
	s->defer = loop_defer_new(loop, on_proven, s);
	return s;
}

void setback_free(struct setback *s)
{
	if (!s)
		return;
	etcd_cancel(s->call);
	loop_timer_free(s->timer);
	loop_defer_free(s->defer);
	free(s->proven);
	free(s->key);
	free(s);
}

void setback_suspect(struct setback *s, int64_t revision)
{
	s->from = MAX(s->from, revision);
	loop_timer_after(s->timer, 0);
}

void setback_prove(struct setback *s, const char *why)
{
	if (!s->proven)
		s->proven = xstrdup(why);
	loop_defer_schedule(s->defer);
}
