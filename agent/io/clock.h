/*
 * The clocks and the source of randomness: nothing below io/ reads them, and core/ and
 * model/ have the values passed.
 */
#ifndef IO_CLOCK_H
#define IO_CLOCK_H

#include <stddef.h>
#include <stdint.h>

#include "base/usec.h"

/* CLOCK_BOOTTIME: goes on during suspend, never steps. For every decision. */
usec_t clock_boot(void);
/* Processor time of this thread: to tell work from waiting. */
usec_t clock_thread(void);
/* CLOCK_REALTIME since 1970: for people, certificates and invitations. */
usec_t clock_wall(void);
/* From the kernel's generator; never fails (aborts where the kernel has none). */
void random_bytes(void *dst, size_t len);
uint64_t random_u64(void);

#endif
