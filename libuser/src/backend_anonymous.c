// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The anonymous backend: private memory, made as ready as this process may.
 *
 * A range on a chunk's border is reserved with a page without access on either
 * side: they catch overruns, and they keep the kernel from merging the mapping
 * with a neighbour, so that smaps can tell its huge pages exactly. Then, in
 * this order:
 *
 *  - MADV_HUGEPAGE, before the first page is there: a third of the CPU time or
 *    less that 4 KiB pages take.
 *  - MADV_DONTFORK. A fork would write-protect every page, and the first write
 *    to each, here in the parent, would fault and copy; the copy of a locked
 *    page is not even locked in the child. Sharing the mapping instead would
 *    make it shmem, which costs twice the time and has no huge pages by default.
 *  - mlock(), which populates what it locks. Only where that is not allowed
 *    MADV_POPULATE_WRITE does it: doing both walks 4 KiB pages twice.
 *
 * mlock is called without libc, because sanitizers replace libc's by one that
 * says yes and does nothing. It says ENOMEM both for its limit and for lack of
 * memory. They are told apart by what comes next: if populating works, it was
 * the limit.
 */
#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "internal.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

static size_t arena__page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

/* Map @length bytes on a chunk's border, one inaccessible page on each side. */
static unsigned char *arena__anonymous_reserve(size_t length)
{
	size_t page = arena__page_size();
	size_t whole = length + ARENA__CHUNK_SIZE + 2 * page;
	unsigned char *start, *base, *end;

	start = mmap(NULL, whole, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		     0);
	if (start == MAP_FAILED)
		return NULL;
	end = start + whole;
	base = (unsigned char *)arena__round_up((uintptr_t)start + page,
						ARENA__CHUNK_SIZE);
	if (base - page > start)
		munmap(start, (size_t)(base - page - start));
	if (base + length + page < end)
		munmap(base + length + page,
		       (size_t)(end - (base + length + page)));
	return base;
}

static void arena__anonymous_release(unsigned char *base, size_t length)
{
	size_t page = arena__page_size();

	munmap(base - page, length + 2 * page);
}

/* One write in each page, for kernels before 5.14. */
static void arena__anonymous_touch(unsigned char *base, size_t length)
{
	size_t page = arena__page_size();
	size_t offset;

	for (offset = 0; offset < length; offset += page)
		((volatile unsigned char *)base)[offset] = 0;
}

static int arena__anonymous_populate(unsigned char *base, size_t length)
{
	if (!madvise(base, length, MADV_POPULATE_WRITE))
		return 0;
	if (errno != EINVAL)
		return -ENOMEM;
	arena__anonymous_touch(base, length);
	return 0;
}

/* Populate, and lock if allowed; failing to lock is told in @lock_error. */
static int arena__anonymous_fill(struct arena__memory *memory)
{
	int error;

	if (!syscall(SYS_mlock, memory->base, memory->length)) {
		memory->guarantees |= ARENA_GUARANTEE_POPULATED |
				      ARENA_GUARANTEE_LOCKED;
		return 0;
	}
	error = arena__anonymous_populate(memory->base, memory->length);
	if (error)
		return error;
	memory->guarantees |= ARENA_GUARANTEE_POPULATED;
	memory->lock_error = -EDQUOT;
	return 0;
}

int arena__anonymous_map(size_t size, const struct arena_options *options,
			 struct arena__memory *memory)
{
	size_t length = arena__round_up(size, ARENA__CHUNK_SIZE);
	unsigned char *base;
	int error = -ENOMEM;

	if (options->require & ARENA_GUARANTEE_PINNED)
		return -EOPNOTSUPP;
	/* Populating more than there is would end in the OOM killer. */
	if (length > arena__proc_available())
		return -ENOMEM;
	base = arena__anonymous_reserve(length);
	if (!base)
		return -ENOMEM;
	*memory = (struct arena__memory) {
		.base = base,
		.length = length,
		.fd = -1,
		.backend = ARENA_BACKEND_ANONYMOUS,
		.guarantees = ARENA_GUARANTEE_DIRECT_IO,
	};
	if (mprotect(base, length, PROT_READ | PROT_WRITE))
		goto out_release;
	madvise(base, length, MADV_HUGEPAGE);
	madvise(base, length, MADV_DONTFORK);
	error = arena__anonymous_fill(memory);
	if (error)
		goto out_release;
	if (arena__proc_huge_bytes(base, length) == length)
		memory->guarantees |= ARENA_GUARANTEE_HUGE;
	return 0;

out_release:
	arena__anonymous_release(base, length);
	return error;
}

void arena__anonymous_unmap(struct arena__memory *memory)
{
	arena__anonymous_release(memory->base, memory->length);
}
