/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * libarenauser: memory that is ready before the loop and stays ready in it.
 *
 * An arena is one range of memory that is populated when arena_create()
 * returns. arena_alloc() takes blocks from its front, arena_mark() remembers a
 * position, arena_rewind() gives everything after it back; nothing is freed
 * singly. Where the memory came from is the backend: /dev/arena (physically
 * pinned), or anonymous memory (populated and locked, as far as this process
 * may). What the backend really keeps is told by arena_guarantees().
 *
 * Rules that hold for every call
 *
 * Calls return 0 or a negative errno and give new objects through their last
 * parameter, which they leave alone on failure; arena_strerror() has the remedy
 * for each. NULL has one meaning where it is returned at all: from arena_alloc()
 * and arena_calloc() no room, from arena_fault_counter_why() nothing to explain.
 * errno is not part of the interface and is left as it was.
 *
 * One arena has one owner thread; nothing here locks. Threads get arenas of
 * their own by arena_carve(). Apart from arena_create(), arena_destroy() and
 * the arena_fault_counter calls no call enters the kernel or allocates
 * elsewhere: the arena's own bookkeeping lies in its own memory, so that it
 * cannot fault either.
 *
 * Sizes are in bytes and exact. Blocks start on 64-byte borders (a cache line,
 * a vector register), so what a block leaves of its last line is not used.
 *
 * After fork() an arena belongs to the parent. One of the anonymous backend
 * does not exist in the child; one of the device is shared, bookkeeping
 * included, so the child may use its memory but must leave the arena alone.
 *
 * Under AddressSanitizer or Valgrind whatever is not in a block is poisoned, to
 * the byte. The inline allocation then always takes its slow path, which does
 * that work; so it makes no difference how library and callers were compiled.
 * LeakSanitizer looks for pointers in arenas.
 */
#ifndef ARENAUSER_H
#define ARENAUSER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
/* arena_mark() stands beside struct arena_mark, as stat() beside its struct. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#endif

#pragma GCC visibility push(default)

#ifdef __GNUC__
#define ARENA__UNLIKELY(condition) __builtin_expect(condition, 0)
#define ARENA__MUST_CHECK __attribute__((warn_unused_result))
#else
#define ARENA__UNLIKELY(condition) (condition)
#define ARENA__MUST_CHECK
#endif

/* In GNU's dialect of C89 the other way round: inline is what defines. */
#ifdef __GNUC_GNU_INLINE__
#define ARENA__INLINE extern inline
#else
#define ARENA__INLINE inline
#endif

/* Every block starts on a border of this many bytes, or of more if asked. */
#define ARENA_ALIGNMENT 64

/*
 * Where the memory comes from.
 *
 * @ARENA_BACKEND_ANY: the device; if there is none (the module is not loaded),
 *	anonymous memory. A device that is there but cannot be used is an error,
 *	and so is one that was named in the options and is not there.
 * @ARENA_BACKEND_DEVICE: /dev/arena or failure.
 * @ARENA_BACKEND_ANONYMOUS: anonymous memory, the device is not looked at.
 */
enum {
	ARENA_BACKEND_ANY = 0,
	ARENA_BACKEND_DEVICE = 1,
	ARENA_BACKEND_ANONYMOUS = 2,
};

/*
 * What a backend promises. HUGE is read back from the kernel; the others follow
 * from calls that succeeded, and for the device from its contract. Reading HUGE
 * back of anonymous memory means reading /proc/self/smaps, once: it takes the
 * longer the more mappings and populated pages the process has.
 *
 * @ARENA_GUARANTEE_POPULATED: all of it is in the page table, writable, so that
 *	the first touch of a page takes no fault.
 * @ARENA_GUARANTEE_LOCKED: it is never swapped out or reclaimed. The kernel may
 *	still move it, and a moved page costs a fault.
 * @ARENA_GUARANTEE_PINNED: the kernel does not move it either. Device only.
 * @ARENA_GUARANTEE_HUGE: all of it is in 2 MiB page-table entries.
 * @ARENA_GUARANTEE_DIRECT_IO: it can be the buffer of O_DIRECT reads and writes.
 *	That is said of the memory; the alignment that a file wants (statx() with
 *	STATX_DIOALIGN, often 512 and never more than 4096) is the caller's to
 *	keep, by arena_alloc_aligned(arena, size, 4096, &block).
 */
#define ARENA_GUARANTEE_POPULATED	(1U << 0)
#define ARENA_GUARANTEE_LOCKED		(1U << 1)
#define ARENA_GUARANTEE_PINNED		(1U << 2)
#define ARENA_GUARANTEE_HUGE		(1U << 3)
#define ARENA_GUARANTEE_DIRECT_IO	(1U << 4)

/**
 * struct arena - an arena, made by arena_create() or arena_carve()
 *
 * Opaque: the two pointers are here for arena_alloc() alone. Both are always
 * 64-byte aligned. @end is not where the memory ends when every allocation has
 * to take the slow path; ask arena_left().
 */
struct arena {
	unsigned char *next;
	unsigned char *end;
	struct arena_state *state;
	void *reserved[5];
};

/**
 * struct arena_options - what arena_create() is to do
 * @size: sizeof(struct arena_options), 4096 at most; the struct may grow at its
 *	end, and what an older caller does not know reads as zero
 * @backend: ARENA_BACKEND_*
 * @require: ARENA_GUARANTEE_*, any number of them: fail rather than lack one
 * @device: path of the device node, which has to be there; NULL for /dev/arena
 *
 * Set all else to zero: struct arena_options options = ARENA_OPTIONS_INIT;
 */
struct arena_options {
	size_t size;
	unsigned int backend;
	unsigned int require;
	const char *device;
};
#define ARENA_OPTIONS_INIT \
	{ sizeof(struct arena_options), ARENA_BACKEND_ANY, 0, NULL }

/*
 * Make an arena of @size bytes, @options NULL for defaults. All memory is
 * gathered, zeroed and mapped here. @size is what can be allocated, rounded up
 * to 64. The bookkeeping comes on top of it, and the sum is rounded up to whole
 * chunks of 2 MiB; so a @size that is a multiple of 2 MiB costs one chunk more.
 * Ends with arena_destroy().
 */
ARENA__MUST_CHECK
int arena_create(size_t size, const struct arena_options *options,
		 struct arena **arena);

/*
 * Give the arena and everything in it back, child arenas included. Cannot fail.
 * NULL is allowed. For a carved arena see arena_carve().
 */
void arena_destroy(struct arena *arena);

/* The backend that it got, ARENA_BACKEND_DEVICE or ARENA_BACKEND_ANONYMOUS. */
unsigned int arena_backend(const struct arena *arena);

/* The same in a word: "device" or "anonymous". */
const char *arena_backend_name(const struct arena *arena);

/* ARENA_GUARANTEE_* that hold. A carved arena has those of its parent. */
unsigned int arena_guarantees(const struct arena *arena);

/*
 * Bytes that the arena can hold, that are taken, that are left, and the most
 * that were ever taken at a time. Taken counts what alignment skipped.
 */
size_t arena_size(const struct arena *arena);
size_t arena_used(const struct arena *arena);
size_t arena_left(const struct arena *arena);
size_t arena_peak(const struct arena *arena);

/* What arena_alloc() does when the fast path cannot; not to be called. */
void *arena_alloc_slow(struct arena *arena, size_t size);

/*
 * Take @size bytes, 64-byte aligned, contents undefined. NULL if there is no
 * room. @size 0 gives a pointer that is not NULL and not to be dereferenced.
 *
 * The path that succeeds is 10 instructions on x86-64 with gcc 12 at -O2, 9 with
 * clang 14, plus the ret where it is not inlined; it touches *arena alone.
 * No sum can overflow: next and end are 64-byte aligned, so what is no larger
 * than their distance is so after rounding, too. The library has it as a function
 * as well, for languages that cannot inline it.
 */
#ifdef __GNUC__
__attribute__((alloc_size(2), assume_aligned(64), warn_unused_result))
#endif
ARENA__INLINE void *arena_alloc(struct arena *arena, size_t size)
{
	unsigned char *block = arena->next;

	if (ARENA__UNLIKELY(size > (size_t)(arena->end - block)))
		return arena_alloc_slow(arena, size);
	arena->next = block + ((size + ARENA_ALIGNMENT - 1) &
			       ~(size_t)(ARENA_ALIGNMENT - 1));
	return block;
}

/*
 * Take @count items of @size bytes and zero them. NULL if there is no room; a
 * product that overflows has room nowhere.
 */
#ifdef __GNUC__
__attribute__((alloc_size(2, 3), assume_aligned(64), warn_unused_result))
#endif
void *arena_calloc(struct arena *arena, size_t count, size_t size);

/*
 * Take @size bytes on a border of @alignment bytes, a power of two; less than
 * 64 gives 64. -EINVAL: @alignment is no power of two. -ENOMEM: no room.
 */
ARENA__MUST_CHECK
int arena_alloc_aligned(struct arena *arena, size_t size, size_t alignment,
			void **block);

/* How many marks an arena remembers at different positions. */
#define ARENA_MARKS_MAX 256

/**
 * struct arena_mark - a position, for arena_rewind(); opaque, to be copied freely
 */
struct arena_mark {
	const struct arena *arena;
	uint64_t serial;
	size_t index;
	size_t reserved;
};

/*
 * Remember the position. A second mark at one position is the same mark. A mark
 * is valid until the arena is rewound to an earlier one or reset.
 * -ENOSPC: ARENA_MARKS_MAX marks are valid already.
 */
ARENA__MUST_CHECK
int arena_mark(struct arena *arena, struct arena_mark *mark);

/*
 * Give back everything that was taken since @mark. It stays valid (one mark
 * before a loop serves each step); those made after it do not.
 * -EINVAL: a mark of another arena. -ESTALE: no longer valid; the arena is as
 * it was in both cases.
 */
ARENA__MUST_CHECK
int arena_rewind(struct arena *arena, const struct arena_mark *mark);

/* Give back everything. No mark is valid after it. */
void arena_reset(struct arena *arena);

/**
 * struct arena_matrix - a matrix, row after row
 * @data: its first element, 64-byte aligned
 * @rows: number of rows
 * @cols: number of elements in a row
 * @stride: bytes from one row to the next, a multiple of 64
 * @elem_size: bytes of an element
 *
 * rows * stride bytes belong to it: what lies between the end of a row and the
 * next may be read and written, for kernels that work in whole vectors. The
 * struct is frozen: no member will ever be added.
 */
struct arena_matrix {
	void *data;
	size_t rows;
	size_t cols;
	size_t stride;
	size_t elem_size;
};

/*
 * Flags of arena_carve_matrix().
 *
 * @ARENA_MATRIX_PADDED: make the stride an odd number of 64-byte lines, at the
 *	price of at most one line a row. Walking down a column of a matrix whose
 *	stride has a large power of two in it uses a few cache sets only; with an
 *	odd number it uses all.
 * @ARENA_MATRIX_ZEROED: zero it, padding included; without, its contents are
 *	undefined.
 */
#define ARENA_MATRIX_PADDED	(1U << 0)
#define ARENA_MATRIX_ZEROED	(1U << 1)

/*
 * Take a matrix of @rows times @cols elements of @elem_size bytes.
 * -EINVAL: one of them is 0. -EOPNOTSUPP: unknown flag. -EOVERFLOW: its size
 * cannot be represented. -ENOMEM: no room. Nothing is taken on failure.
 */
ARENA__MUST_CHECK
int arena_carve_matrix(struct arena *arena, size_t rows, size_t cols,
		       size_t elem_size, unsigned int flags,
		       struct arena_matrix *matrix);

ARENA__MUST_CHECK
static inline int arena_carve_matrix_f32(struct arena *arena, size_t rows,
					 size_t cols, unsigned int flags,
					 struct arena_matrix *matrix)
{
	return arena_carve_matrix(arena, rows, cols, sizeof(float), flags,
				  matrix);
}

ARENA__MUST_CHECK
static inline int arena_carve_matrix_f64(struct arena *arena, size_t rows,
					 size_t cols, unsigned int flags,
					 struct arena_matrix *matrix)
{
	return arena_carve_matrix(arena, rows, cols, sizeof(double), flags,
				  matrix);
}

/* The start of a row; @row is not checked. */
static inline void *arena_matrix_row(const struct arena_matrix *matrix,
				     size_t row)
{
	return (unsigned char *)matrix->data + row * matrix->stride;
}

/*
 * The stride in elements, which BLAS calls the leading dimension.
 * -EINVAL: the element's size is 0, or the stride is no multiple of it.
 */
int arena_matrix_ld(const struct arena_matrix *matrix, size_t *ld);

/*
 * Take an arena of @size bytes (rounded up to 64) out of @arena, for instance
 * for another thread to own: making it is the business of @arena's owner, from
 * then on the two are independent. It has marks of its own. It costs @arena
 * arena_carve_size(@size) bytes.
 *
 * It ends when its parent gives its memory back, by being rewound to before it,
 * reset or destroyed; nobody may use it then, not even to destroy it.
 * arena_destroy() of it before that says that nobody will use it any more, and
 * gives the parent nothing back.
 *
 * -EINVAL: @size is 0. -EOVERFLOW: @size cannot be represented. -ENOMEM: no
 * room.
 */
ARENA__MUST_CHECK
int arena_carve(struct arena *arena, size_t size, struct arena **child);

/* Bytes that arena_carve() of @size takes; SIZE_MAX if it cannot be had. */
size_t arena_carve_size(size_t size);

/**
 * struct arena_faults - page faults between start and stop
 * @minor: faults handled without I/O, also those that the kernel handled for
 *	this task inside a system call (getrusage); one can map up to 512 pages
 * @major: the same, with I/O
 * @traps: faults that the code itself took, 0 where they are not counted, which
 *	arena_fault_counter_has_traps() tells
 * @reserved: zero
 */
struct arena_faults {
	uint64_t minor;
	uint64_t major;
	uint64_t traps;
	uint64_t reserved[5];
};

struct arena_fault_counter;

/*
 * Make a counter of the page faults of the calling thread and of its process.
 * Only this thread may start and stop it. It takes two descriptors, and one more
 * for each other thread. That traps cannot be counted is no error, see
 * arena_fault_counter_why(); they never are before Linux 5.13, nor if threads
 * are being made all the while that this call lists them (10 attempts).
 * -ENOMEM: no memory. -EMFILE, -ENFILE: too many open files.
 *
 * After fork() the child must make a counter of its own; of its parent's it may
 * only close its copy. In a child, in a wrong thread, or when its descriptors
 * were closed, a counter counts no traps any more and says so.
 */
ARENA__MUST_CHECK
int arena_fault_counter_open(struct arena_fault_counter **counter);

/* End it. NULL is allowed. */
void arena_fault_counter_close(struct arena_fault_counter *counter);

/* Count from here. Neither this nor stop takes a fault itself. */
void arena_fault_counter_start(struct arena_fault_counter *counter);

/*
 * Tell what was counted since the start, of the thread and of the whole
 * process; either may be NULL. May be called again for a later reading.
 */
void arena_fault_counter_stop(struct arena_fault_counter *counter,
			      struct arena_faults *thread,
			      struct arena_faults *process);

/* Why traps are not counted, or not all of them, and the remedy; or NULL. */
const char *arena_fault_counter_why(const struct arena_fault_counter *counter);

/*
 * Whether the member traps means anything. To be asked after stop: a counter
 * that broke in between is found out by reading it.
 */
bool arena_fault_counter_has_traps(const struct arena_fault_counter *counter);

/* The cause and the remedy for what a call returned. A constant; never NULL. */
const char *arena_strerror(int error);

#pragma GCC visibility pop

#ifdef __cplusplus
#pragma GCC diagnostic pop
}
#endif

#endif /* ARENAUSER_H */
