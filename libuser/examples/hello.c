// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* The smallest use of an arena: a loop that takes no page fault. */
#include <arenauser.h>
#include <stdio.h>

int main(void)
{
	struct arena *arena;
	struct arena_mark mark;
	int error = arena_create(64 << 20, NULL, &arena);

	if (!error)
		error = arena_mark(arena, &mark);
	for (int step = 0; step < 1000 && !error; step++) {
		struct arena_matrix matrix;

		error = arena_carve_matrix_f32(arena, 2000, 2000, 0, &matrix);
		if (!error)
			*(float *)arena_matrix_row(&matrix, step) = 1.0f;
		arena_rewind(arena, &mark);
	}
	puts(error ? arena_strerror(error) : arena_backend_name(arena));
	return error != 0;
}
