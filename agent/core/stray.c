/*
 * A leader key that is nobody's.
 */
#include "config.h"

#include "core/stray.h"

void stray_init(struct stray *s, struct prng *prng)
{
	*s = (struct stray){.prng = prng};
	attempt_init(&s->clear);
}

void stray_drop(struct stray *s)
{
	s->rev = 0;
	attempt_drop(&s->clear);
}

void stray_step(
	struct stray *s, usec_t now, const struct roster_key *key, bool may, usec_t patience)
{
	if (!may) {
		stray_drop(s);
		return;
	}
	if (key->mod_rev != s->rev) {
		attempt_drop(&s->clear);
		s->rev = key->mod_rev;
		s->at = now + patience + (usec_t)prng_below(s->prng, (uint64_t)patience / 2);
	}
	attempt_want(&s->clear, s->at);
}

void stray_reply(struct stray *s, const struct reply *reply, struct roster *r)
{
	static const struct key_info none;

	if (reply->outcome != OUTCOME_OK) {
		attempt_failed(&s->clear, s->prng);
		return;
	}
	attempt_done(&s->clear);
	(void)roster_leader(r, &none, reply->revision);
}
