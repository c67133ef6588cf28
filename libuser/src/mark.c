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
 * Serials start at the clock's nanoseconds. A mark of an arena that is gone,
 * whose address another arena has now, is therefore found out as well: making a
 * mark takes longer than a nanosecond, so serials of the older arena are all
 * behind. The clock is read once an arena; no counter is shared between arenas,
 * which may have different threads as owners.
 */
#include <errno.h>
#include <time.h>

#include "internal.h"

uint64_t arena__mark_first_serial(void)
{
	struct timespec now = { 0, 0 };

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec + 1;
}

static void arena__mark_fill(const struct arena_state *state, size_t index,
			     struct arena_mark *mark)
{
	mark->arena = &state->head;
	mark->serial = state->marks[index].serial;
	mark->index = index;
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
