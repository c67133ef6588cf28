// SPDX-License-Identifier: GPL-2.0
/*
 * A program that uses an arena well or badly, as its argument says; checker_test
 * runs it under AddressSanitizer and Valgrind and expects that they notice.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <arenauser.h>

static volatile unsigned char sink;

static void use_well(struct arena *arena)
{
	struct arena_matrix matrix;
	struct arena_mark mark;
	struct arena *child;
	void *block;
	size_t size;
	int i;

	if (arena_mark(arena, &mark))
		return;
	for (i = 0; i < 3; i++) {
		for (size = 0; size < 300; size++)
			memset(arena_alloc(arena, size), 1, size);
		if (arena_alloc_aligned(arena, 100, 4096, &block) ||
		    arena_carve_matrix_f32(arena, 10, 10, 0, &matrix) ||
		    arena_carve(arena, 1000, &child))
			return;
		memset(block, 1, 100);
		memset(matrix.data, 1, matrix.rows * matrix.stride);
		memset(arena_calloc(child, 10, 100), 1, 1000);
		arena_destroy(child);
		if (arena_rewind(arena, &mark))
			return;
	}
}

/* What is mapped where an arena was is no arena. */
static void use_place_again(void *place)
{
	void *again = mmap(place, 4096, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	if (again != MAP_FAILED)
		memset(again, 1, 4096);
}

static void use_badly(struct arena *arena, const char *how)
{
	unsigned char *block = arena_alloc(arena, 100);
	struct arena_mark mark;
	struct arena *child;

	memset(block, 1, 100);
	if (!strcmp(how, "overrun")) {
		sink = block[100];
	} else if (!strcmp(how, "never")) {
		sink = arena->next[64];
	} else if (!strcmp(how, "reset")) {
		arena_reset(arena);
		sink = block[0];
	} else if (!strcmp(how, "rewound")) {
		if (!arena_mark(arena, &mark))
			block = arena_alloc(arena, 100);
		if (!arena_rewind(arena, &mark))
			sink = block[99];
	} else if (!strcmp(how, "child")) {
		if (!arena_carve(arena, 1000, &child))
			block = arena_alloc(child, 100);
		arena_destroy(child);
		sink = block[0];
	}
}

/* Make something whose only pointer is the arena's, or that has none. */
__attribute__((noinline))
static void keep_elsewhere(struct arena *arena, const char *how)
{
	void * volatile *block = arena_alloc(arena, sizeof(void *));

	*block = malloc(12345);
	if (!strcmp(how, "leaks"))
		*block = NULL;
}

/* Registers and the stack hold no old pointer after this. */
__attribute__((noinline))
static void forget(void)
{
	volatile unsigned char bytes[8192];

	memset((void *)bytes, 0, sizeof(bytes));
}

int main(int argc, char **argv)
{
	struct arena_options options = ARENA_OPTIONS_INIT;
	struct arena *arena;
	void *place;

	if (argc != 2)
		return 2;
	options.backend = ARENA_BACKEND_ANONYMOUS;
	if (arena_create(1 << 20, &options, &arena))
		return 2;
	place = arena->next;
	if (!strcmp(argv[1], "keeps") || !strcmp(argv[1], "leaks")) {
		keep_elsewhere(arena, argv[1]);
		forget();
		puts("ended");
		return 0;
	}
	if (!strcmp(argv[1], "well"))
		use_well(arena);
	else
		use_badly(arena, argv[1]);
	arena_destroy(arena);
	use_place_again(place);
	puts("ended");
	return 0;
}
