// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Child arenas: an arena inside a block of another.
 *
 * The block holds what the child can allocate and, behind it, the child's
 * state. A child therefore ends with its parent's block and leaves nothing to
 * free. To its parent it is a block like any other, so the parent keeps no list
 * of children and threads that own parent and child share no byte.
 */
#include <errno.h>

#include "internal.h"

size_t arena_carve_size(size_t size)
{
	if (size > SIZE_MAX - ARENA_ALIGNMENT - arena__state_size())
		return SIZE_MAX;
	return arena__round_up(size, ARENA_ALIGNMENT) + arena__state_size();
}

int arena_carve(struct arena *arena, size_t size, struct arena **child)
{
	size_t whole = arena_carve_size(size);
	struct arena__memory memory;
	unsigned char *block;

	if (!size)
		return -EINVAL;
	if (whole == SIZE_MAX)
		return -EOVERFLOW;
	block = arena_alloc(arena, whole);
	if (!block)
		return -ENOMEM;
	memory = arena->state->memory;
	memory.base = NULL;
	memory.length = 0;
	memory.fd = -1;
	size = whole - arena__state_size();
	*child = arena__state_init(block + size, block, size, &memory);
	return 0;
}
