/*
 * Telling systemd (sd_notify protocol, without its library): READY=1 once the socket answers, not
 * once there is quorum; STATUS= in words; WATCHDOG=1 from the loop that also renews the lease.
 */
#ifndef LOG_NOTIFY_H
#define LOG_NOTIFY_H

#include "base/macros.h"
#include "base/usec.h"

/* Nothing happens where NOTIFY_SOCKET is not set. One assignment a line. */
void notify_send(const char *fmt, ...) PRINTF_LIKE(1, 2);
/* How often WATCHDOG=1 is due (half of systemd's limit), USEC_NEVER where it is not wanted. */
usec_t notify_watchdog_period(void);

#endif
