/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * What the files of the library share: the state behind an arena, and the
 * prototypes grouped by file.
 *
 * An arena's state lies at the end of the memory that it keeps the books of,
 * behind what can be allocated:
 *
 *	base               limit                   state
 *	| what is allocated | slack of chunks ...   | head, numbers, marks |
 *
 * So the pointers that the fast path moves are as well pinned as the blocks,
 * a child arena needs no memory but its parent's, and the first block starts on
 * a chunk's border. The public struct arena is the state's first member.
 *
 * Under a checker (AddressSanitizer, Valgrind) head.end follows head.next, so
 * that each allocation finds no room in the inline path and comes to
 * arena_alloc_slow(), which tells the checker. The true end is always limit.
 */
#ifndef ARENA_INTERNAL_H
#define ARENA_INTERNAL_H

#include <stdbool.h>

#include "arenauser.h"

#define ARENA__CHUNK_SIZE ((size_t)1 << 21)

#define arena__hidden __attribute__((visibility("hidden")))

/*
 * A backend's memory: @length bytes from @base, both multiples of the chunk; the
 * errors say why a guarantee is lacking.
 */
struct arena__memory {
	unsigned char *base;
	size_t length;
	int fd;
	unsigned int backend;
	unsigned int guarantees;
	int lock_error;
	int huge_error;
};

struct arena__mark_slot {
	size_t offset;
	uint64_t serial;
};

/*
 * @head: what the user sees
 * @base: the first byte that can be allocated; 64-byte aligned, like @limit
 * @limit: the end of what can be allocated
 * @peak: the most bytes taken at a time, as of the last rewind
 * @memory: the backend's memory; base is NULL in a carved arena, which has none
 *	of its own
 * @serial: of the next mark; no other arena starts with the same, see mark.c
 * @nr_marks: how many of @marks are valid, offsets rising strictly
 * @checked: a checker runs
 */
struct arena_state {
	struct arena head;
	unsigned char *base;
	unsigned char *limit;
	size_t peak;
	struct arena__memory memory;
	uint64_t serial;
	size_t nr_marks;
	bool checked;
	struct arena__mark_slot marks[ARENA_MARKS_MAX];
};

static inline size_t arena__round_up(size_t size, size_t alignment)
{
	return (size + alignment - 1) & ~(alignment - 1);
}

/* arena.c */
arena__hidden size_t arena__state_size(void);
arena__hidden struct arena *arena__state_init(void *where, unsigned char *base,
					      size_t size,
					      const struct arena__memory *memory);

/* alloc.c */
arena__hidden void *arena__alloc_at(struct arena *arena, unsigned char *block,
				    size_t size);
arena__hidden void arena__alloc_cut(struct arena *arena, size_t offset);

/* mark.c */
arena__hidden uint64_t arena__mark_first_serial(void);

/* backend_device.c */
arena__hidden int arena__device_open(const char *path);
arena__hidden int arena__device_map(int fd, size_t size,
				    const struct arena_options *options,
				    struct arena__memory *memory);
arena__hidden void arena__device_unmap(struct arena__memory *memory);

/* backend_anonymous.c */
arena__hidden int arena__anonymous_map(size_t size,
				       const struct arena_options *options,
				       struct arena__memory *memory);
arena__hidden void arena__anonymous_unmap(struct arena__memory *memory);

/* proc.c */
arena__hidden int arena__proc_available(size_t *available);
arena__hidden int arena__proc_huge_bytes(const void *base, size_t length,
					 size_t *bytes);

/* poison.c */
arena__hidden bool arena__poison_active(void);
arena__hidden void arena__poison(const void *start, size_t size);
arena__hidden void arena__unpoison(const void *start, size_t size);
arena__hidden void arena__poison_root(const void *start, size_t size);
arena__hidden void arena__poison_forget(const void *start, size_t size);

#endif /* ARENA_INTERNAL_H */
