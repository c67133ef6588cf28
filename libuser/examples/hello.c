// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* The smallest use of an arena: a loop, and the page faults that it took. */
#include <arenauser.h>
#include <stdio.h>

static int loop(struct arena *arena, int steps)
{
	struct arena_matrix matrix;
	struct arena_mark mark;
	int error = arena_mark(arena, &mark);

	for (int step = 0; step < steps && !error; step++) {
		error = arena_carve_matrix_f32(arena, 500, 500,
					       ARENA_MATRIX_ZEROED, &matrix);
		if (!error)
			error = arena_rewind(arena, &mark);
	}
	return error;
}

static int run(struct arena *arena, struct arena_fault_counter *counter)
{
	struct arena_faults faults;
	int error = loop(arena, 1);	/* brings the code in, too */

	arena_fault_counter_start(counter);
	if (!error)
		error = loop(arena, 1000);
	arena_fault_counter_stop(counter, &faults, NULL);
	if (!error)
		printf("%s memory, %llu page faults in the loop\n",
		       arena_backend_name(arena),
		       (unsigned long long)(faults.minor + faults.major));
	return error;
}

int main(void)
{
	struct arena_fault_counter *counter = NULL;
	struct arena *arena = NULL;
	int error = arena_create(64 << 20, NULL, &arena);

	if (!error)
		error = arena_fault_counter_open(&counter);
	if (!error)
		error = run(arena, counter);
	if (error)
		fprintf(stderr, "hello: %s\n", arena_strerror(error));
	arena_fault_counter_close(counter);
	arena_destroy(arena);
	return error ? 1 : 0;
}
