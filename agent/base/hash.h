/*
 * SipHash-2-4 (Aumasson, Bernstein): a fast keyed hash. With a random key it keeps whoever chooses
 * the names from choosing collisions in a hash table; with a fixed one it is a checksum of what a
 * disk may damage. It authenticates nothing against who knows the key.
 */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

struct hash_key {
	uint64_t k0, k1;
};

uint64_t hash_bytes(const struct hash_key *key, const void *data, size_t len);

#endif
