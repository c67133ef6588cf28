// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* The smallest use of an arena: a loop that takes no page fault. */
#include <arenauser.h>
#include <stdio.h>

int main(void)
{
	struct arena *arena;
	struct arena_mark mark;
	struct arena_matrix matrix;
	int error = arena_create(64 << 20, NULL, &arena);

	if (error) {
		fprintf(stderr, "hello: %s\n", arena_strerror(error));
		return 1;
	}
	arena_mark(arena, &mark);
	for (int step = 0; step < 1000; step++) {
		arena_carve_matrix_f32(arena, 2000, 2000, ARENA_MATRIX_ZEROED,
				       &matrix);
		arena_rewind(arena, &mark);
	}
	puts(arena_backend_name(arena));
	arena_destroy(arena);
	return 0;
}
