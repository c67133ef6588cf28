// SPDX-License-Identifier: GPL-2.0
/* The inline allocation as a function of its own, for fastpath_test. */
#include <arenauser.h>

void *fastpath(struct arena *arena, size_t size);

void *fastpath(struct arena *arena, size_t size)
{
	return arena_alloc(arena, size);
}
