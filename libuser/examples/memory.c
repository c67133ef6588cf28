// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The backends of the training loop.
 *
 * The malloc backend does what an engine does that owns each matrix singly:
 * one allocation when it is made, zeroed as std::vector would, one free when
 * the step is over. It keeps alignment and row stride of the arena's matrices,
 * so that OpenBLAS meets the same operands and every loss is the same bit by
 * bit; only where the memory comes from differs.
 */
#include "memory.h"

#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

const char *backend_name(enum backend backend)
{
	static const char *const names[] = {
		[BACKEND_AUTO] = "auto",
		[BACKEND_DEVICE] = "device",
		[BACKEND_ANONYMOUS] = "anonymous",
		[BACKEND_MALLOC] = "malloc",
		[BACKEND_RULER] = "ruler",
	};

	return names[backend];
}

static size_t round_up(size_t size)
{
	return (size + ARENA_ALIGNMENT - 1) & ~(size_t)(ARENA_ALIGNMENT - 1);
}

static double seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec * 1e-9;
}

int memory_open(struct memory *memory, enum backend backend, size_t size)
{
	static const unsigned int backends[] = {
		[BACKEND_AUTO] = ARENA_BACKEND_ANY,
		[BACKEND_DEVICE] = ARENA_BACKEND_DEVICE,
		[BACKEND_ANONYMOUS] = ARENA_BACKEND_ANONYMOUS,
	};
	struct arena_options options = ARENA_OPTIONS_INIT;
	double start;
	int error;

	*memory = (struct memory) { .backend = backend };
	if (backend == BACKEND_MALLOC || backend == BACKEND_RULER)
		return 0;

	options.backend = backends[backend];
	start = seconds_now();
	error = arena_create(size, &options, &memory->arena);
	memory->ready_seconds = seconds_now() - start;
	if (error) {
		warnx("no arena of %zu bytes from backend %s: %s", size,
		      backend_name(backend), arena_strerror(error));
		return error;
	}
	memory->backend = arena_backend(memory->arena) == ARENA_BACKEND_DEVICE ?
			  BACKEND_DEVICE : BACKEND_ANONYMOUS;
	return 0;
}

static void memory_free_to(struct memory *memory, size_t nr_blocks)
{
	while (memory->nr_blocks > nr_blocks) {
		memory->nr_blocks--;
		memory->used -= memory->sizes[memory->nr_blocks];
		free(memory->blocks[memory->nr_blocks]);
	}
}

void memory_close(struct memory *memory)
{
	memory_free_to(memory, 0);
	arena_destroy(memory->arena);
	memory->arena = NULL;
}

/*
 * aligned_alloc and not malloc: gcc makes one calloc of malloc and memset, and
 * fresh pages then stay untouched until much later.
 */
static int memory_malloc(struct memory *memory, size_t size, void **block)
{
	void *new = NULL;

	if (memory->nr_blocks == MEMORY_BLOCKS_MAX)
		return -ENOMEM;
	size = round_up(size);
	if (memory->backend == BACKEND_MALLOC) {
		new = aligned_alloc(ARENA_ALIGNMENT, size);
		if (!new)
			return -ENOMEM;
	}
	memory->blocks[memory->nr_blocks] = new;
	memory->sizes[memory->nr_blocks] = size;
	memory->nr_blocks++;
	memory->used += size;
	*block = new;
	return 0;
}

int memory_block(struct memory *memory, size_t size, void **block)
{
	if (!memory->arena)
		return memory_malloc(memory, size, block);
	*block = arena_alloc(memory->arena, size);
	return *block ? 0 : -ENOMEM;
}

int memory_matrix(struct memory *memory, size_t rows, size_t cols,
		  struct arena_matrix *matrix)
{
	int error;

	if (memory->arena)
		return arena_carve_matrix_f32(memory->arena, rows, cols,
					      ARENA_MATRIX_ZEROED, matrix);

	*matrix = (struct arena_matrix) {
		.rows = rows,
		.cols = cols,
		.stride = round_up(cols * sizeof(float)),
		.elem_size = sizeof(float),
	};
	error = memory_malloc(memory, rows * matrix->stride, &matrix->data);
	if (!error && matrix->data)
		memset(matrix->data, 0, rows * matrix->stride);
	return error;
}

int memory_mark(struct memory *memory, struct memory_mark *mark)
{
	mark->nr_blocks = memory->nr_blocks;
	return memory->arena ? arena_mark(memory->arena, &mark->arena) : 0;
}

int memory_rewind(struct memory *memory, const struct memory_mark *mark)
{
	if (memory->arena)
		return arena_rewind(memory->arena, &mark->arena);
	memory_free_to(memory, mark->nr_blocks);
	return 0;
}

size_t memory_used(const struct memory *memory)
{
	return memory->arena ? arena_used(memory->arena) : memory->used;
}
