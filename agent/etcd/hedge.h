/*
 * struct etcd_hedge: a keepalive for networks that lose packets.
 *
 * The happy path: one keepalive is sent and answered, and that is all. Where no answer has come within
 * the pause, another one is sent, to another endpoint where there is one, over another connection
 * in any case, and so on with each further pause, while those before are still waited for: what
 * TCP sends again may yet arrive. The first answer wins, and the others are cancelled. A lost
 * packet so costs a pause, not the time that TCP takes to notice (1 s for the first packet of a
 * connection) nor all that was done to get there. The endpoint of an attempt that was silent for a
 * pause while another one answered is asked at once whether it is there: nobody else may be about to,
 * and a watch at an etcd that hangs has to leave it.
 *
 * Failures. An attempt that fails leaves the others alone; the hedge fails with the last one of
 * them, at the latest after its timeout, and is UNKNOWN where any of them was. A first attempt that
 * fails at once (refused) is the last one, too: nothing is gained by sending more of them at a
 * cluster that is not there.
 *
 * Only keepalives are sent so, which change nothing when they come twice or late. Whoever lets a
 * lease count from the result's sent_at has that of the attempt which was answered.
 */
#ifndef ETCD_HEDGE_H
#define ETCD_HEDGE_H

#include <stdint.h>

#include "base/usec.h"
#include "etcd/client.h"

struct etcd_hedge;

#define ETCD_HEDGE_MAX 8 /* attempts of one hedge */

struct etcd_hedge_options {
	usec_t timeout; /* of the whole */
	usec_t pause;	/* above 0; between the beginnings of attempts */
	const char *lane;
};

/* Never fails itself. done is called exactly once, from the loop or from etcd_free(), unless
 * cancelled before. None may be begun from within etcd_free(). */
struct etcd_hedge *etcd_hedge_keepalive(struct etcd *etcd, int64_t lease,
	const struct etcd_hedge_options *options, etcd_done_fn *done, void *arg);
/* The callback is not called any more. NULL is fine. */
void etcd_hedge_cancel(struct etcd_hedge *hedge);

#endif
