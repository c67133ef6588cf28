// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Marks, rewind and reset.
 *
 * The arena keeps the valid marks as a stack, lowest position first. What the
 * user holds is the place in that stack and the serial found there; it is valid
 * if that serial is still there. Rewinding drops what lies above the mark from
 * the stack, so a mark cannot come back to life when the position passes by
 * again: the next mark in that place has another serial.
 *
 * A mark of an arena that is gone, whose address another arena has now, is found
 * out as well: each arena's serials start where no other arena's do. That takes
 * the one counter that all arenas of the process share, advanced once an arena.
 * A clock would need no sharing, but reading it may enter the kernel, and a loop
 * may carve. The starts come again after 2^24 arenas; the serials of one arena
 * reach those of the next after 2^40 marks.
 */
#include <errno.h>

#include "internal.h"

uint64_t arena__mark_first_serial(void)
{
	static unsigned long arenas;

	return (uint64_t)__atomic_add_fetch(&arenas, 1, __ATOMIC_RELAXED)
	       << 40;
}

static void arena__mark_fill(const struct arena_state *state, size_t index,
			     struct arena_mark *mark)
{
	mark->arena = &state->head;
	mark->serial = state->marks[index].serial;
	mark->index = index;
	mark->reserved = 0;
}

int arena_mark(struct arena *arena, struct arena_mark *mark)
{
	struct arena_state *state = arena->state;
	size_t offset = arena_used(arena);
	size_t top = state->nr_marks;

	if (top && state->marks[top - 1].offset == offset) {
		arena__mark_fill(state, top - 1, mark);
		return 0;
	}
	if (top == ARENA_MARKS_MAX)
		return -ENOSPC;
	state->marks[top].offset = offset;
	state->marks[top].serial = state->serial++;
	state->nr_marks = top + 1;
	arena__mark_fill(state, top, mark);
	return 0;
}

int arena_rewind(struct arena *arena, const struct arena_mark *mark)
{
	struct arena_state *state = arena->state;

	if (!mark || mark->arena != arena)
		return -EINVAL;
	if (mark->index >= state->nr_marks ||
	    state->marks[mark->index].serial != mark->serial)
		return -ESTALE;
	state->nr_marks = mark->index + 1;
	arena__alloc_cut(arena, state->marks[mark->index].offset);
	return 0;
}

void arena_reset(struct arena *arena)
{
	arena->state->nr_marks = 0;
	arena__alloc_cut(arena, 0);
}
