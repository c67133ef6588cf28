// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Taking blocks and giving them back, in all ways but the inline one.
 *
 * Every movement of the position that is not the inline path's goes through
 * arena__alloc_at() or arena__alloc_cut(): they keep head.end where it belongs
 * and tell the checker. Sizes are compared with what is left before anything is
 * added to them, so no sum overflows.
 */
#include <errno.h>
#include <string.h>

#include "internal.h"

/* Here is the function for those who do not inline it. */
extern inline void *arena_alloc(struct arena *arena, size_t size);

static void arena__alloc_move(struct arena *arena, unsigned char *next)
{
	arena->next = next;
	if (arena->state->checked)
		arena->end = next;
}

/* Hand out @size bytes at @block; the caller has seen that there is room. */
void *arena__alloc_at(struct arena *arena, unsigned char *block, size_t size)
{
	arena__alloc_move(arena, block + arena__round_up(size, ARENA_ALIGNMENT));
	if (arena->state->checked)
		arena__unpoison(block, size);
	return block;
}

/* Go back to @offset. */
void arena__alloc_cut(struct arena *arena, size_t offset)
{
	struct arena_state *state = arena->state;
	size_t used = arena_used(arena);

	if (used > state->peak)
		state->peak = used;
	arena__alloc_move(arena, state->base + offset);
	if (state->checked)
		arena__poison(arena->next, used - offset);
}

void *arena_alloc_slow(struct arena *arena, size_t size)
{
	if (size > arena_left(arena))
		return NULL;
	return arena__alloc_at(arena, arena->next, size);
}

void *arena_calloc(struct arena *arena, size_t count, size_t size)
{
	size_t bytes;
	void *block;

	if (__builtin_mul_overflow(count, size, &bytes))
		return NULL;
	block = arena_alloc(arena, bytes);
	if (block)
		memset(block, 0, bytes);
	return block;
}

int arena_alloc_aligned(struct arena *arena, size_t size, size_t alignment,
			void **block)
{
	size_t left = arena_left(arena);
	size_t skip;

	if (!alignment || (alignment & (alignment - 1)))
		return -EINVAL;
	skip = -(uintptr_t)arena->next & (alignment - 1);
	if (skip > left || size > left - skip)
		return -ENOMEM;
	*block = arena__alloc_at(arena, arena->next + skip, size);
	return 0;
}
