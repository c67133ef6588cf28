/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Random numbers that are the same on every machine, for one seed.
 *
 * SplitMix64: one 64-bit word of state, one addition and a mixing of it for
 * each number. libc's rand() differs between libraries; a training run that is
 * to be repeated bit by bit needs a generator of its own.
 */
#ifndef EXAMPLES_RANDOM_H
#define EXAMPLES_RANDOM_H

#include <stdint.h>

struct random {
	uint64_t state;
};

static inline uint64_t random_u64(struct random *random)
{
	uint64_t mix = random->state += 0x9e3779b97f4a7c15;

	mix = (mix ^ (mix >> 30)) * 0xbf58476d1ce4e5b9;
	mix = (mix ^ (mix >> 27)) * 0x94d049bb133111eb;
	return mix ^ (mix >> 31);
}

/* Uniform in [0, bound), free of bias: the high half of a 32 x 32 product. */
static inline uint32_t random_below(struct random *random, uint32_t bound)
{
	uint32_t reject = -bound % bound;
	uint64_t product;

	do {
		product = (random_u64(random) >> 32) * bound;
	} while ((uint32_t)product < reject);
	return product >> 32;
}

/* Uniform in [-1, 1): 24 bits, as many as a float holds. */
static inline float random_float(struct random *random)
{
	return (float)(random_u64(random) >> 40) * 0x1p-23f - 1.0f;
}

#endif
