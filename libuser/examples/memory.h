/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Where the training loop's memory comes from: an arena, or malloc for
 * comparison, behind one set of calls, so that the very same step code runs on
 * either.
 *
 * A program that does not compare needs none of this: memory_matrix() is
 * arena_carve_matrix(), memory_mark() is arena_mark(), memory_rewind() is
 * arena_rewind(). With malloc each block is a call of its own, and rewinding
 * frees each block made since the mark. A ruler is a third kind: it hands out
 * nothing and adds up sizes, so that an arena can be made as large as the
 * program's own allocations say, and no larger.
 */
#ifndef EXAMPLES_MEMORY_H
#define EXAMPLES_MEMORY_H

#include <stddef.h>

#include "arenauser.h"

enum backend {
	BACKEND_AUTO,		/* device if there is one, else anonymous */
	BACKEND_DEVICE,
	BACKEND_ANONYMOUS,
	BACKEND_MALLOC,
	BACKEND_RULER,
};

#define MEMORY_BLOCKS_MAX 64

struct memory {
	enum backend backend;		/* never BACKEND_AUTO once open */
	struct arena *arena;		/* NULL without one */
	double ready_seconds;		/* what making the arena took */
	size_t used;			/* ruler and malloc: bytes in blocks */
	size_t nr_blocks;
	void *blocks[MEMORY_BLOCKS_MAX];	/* malloc: to be freed */
	size_t sizes[MEMORY_BLOCKS_MAX];
};

struct memory_mark {
	struct arena_mark arena;
	size_t nr_blocks;
};

const char *backend_name(enum backend backend);

/*
 * @size counts for arenas alone. 0 or a negative errno; what is wrong and what
 * to do has been printed then.
 */
int memory_open(struct memory *memory, enum backend backend, size_t size);

/* Gives all blocks back. Allowed on a zeroed struct, and twice. */
void memory_close(struct memory *memory);

/* A block of @size bytes, 64-byte aligned, not zeroed. 0 or -ENOMEM. */
int memory_block(struct memory *memory, size_t size, void **block);

/* A matrix of floats, each row 64-byte aligned, zeroed. 0 or -ENOMEM. */
int memory_matrix(struct memory *memory, size_t rows, size_t cols,
		  struct arena_matrix *matrix);

int memory_mark(struct memory *memory, struct memory_mark *mark);
int memory_rewind(struct memory *memory, const struct memory_mark *mark);

/* Bytes in use now. */
size_t memory_used(const struct memory *memory);

#endif
