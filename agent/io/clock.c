#include "config.h"
#include "io/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

static usec_t clock_read(clockid_t id)
{
	struct timespec ts;

	if (clock_gettime(id, &ts) < 0)
		abort();
	return (usec_t)ts.tv_sec * USEC_PER_SEC + ts.tv_nsec / 1000;
}

usec_t clock_boot(void)
{
	return clock_read(CLOCK_BOOTTIME);
}

usec_t clock_thread(void)
{
	return clock_read(CLOCK_THREAD_CPUTIME_ID);
}

usec_t clock_wall(void)
{
	return clock_read(CLOCK_REALTIME);
}

void random_bytes(void *dst, size_t len)
{
	unsigned char *p = dst;

	while (len) {
		ssize_t n = getrandom(p, len, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			abort();
		p += n;
		len -= (size_t)n;
	}
}

uint64_t random_u64(void)
{
	uint64_t value;

	random_bytes(&value, sizeof(value));
	return value;
}
