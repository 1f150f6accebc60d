/*
 * Pseudo-random numbers for jitter and for the choice of lease ids: splitmix64 (Steele, Lea and
 * Flood, "Fast splittable pseudorandom number generators", 2014). The caller seeds it, from the
 * system's random source in the agent and from the seed of the run in the simulation. Not for
 * secrets.
 */
#ifndef CORE_PRNG_H
#define CORE_PRNG_H

#include <stdint.h>

struct prng {
	uint64_t state;
};

static inline uint64_t prng_next(struct prng *p)
{
	uint64_t z = p->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* 0 <= result < n; n > 0. The bias is below n / 2^64. */
static inline uint64_t prng_below(struct prng *p, uint64_t n)
{
	return prng_next(p) % n;
}

/* A positive 63-bit number: what etcd takes as a lease id. */
static inline int64_t prng_id(struct prng *p)
{
	int64_t id;

	do
		id = (int64_t)(prng_next(p) >> 1);
	while (id == 0);
	return id;
}

/* d, 10 % more or less. */
static inline int64_t prng_jitter(struct prng *p, int64_t d)
{
	return d < 10 ? d : d - d / 10 + (int64_t)prng_below(p, (uint64_t)(d / 5 + 1));
}

#endif
