// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The anonymous backend: private memory, made as ready as this process may.
 *
 * A range on a chunk's border is reserved with a page without access on either
 * side: they catch overruns, and they keep the kernel from merging the mapping
 * with a neighbour, so that smaps can tell its huge pages exactly. It is made
 * writable only after both madvise calls: in a process that called
 * mlockall(MCL_FUTURE), that populates it. In this order:
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
 * the limit. EPERM is the limit if that is 0, else somebody's policy. In a
 * process that locks all it maps, mmap() and mprotect() say EAGAIN for the limit.
 */
#include <errno.h>
#include <sys/mman.h>
#include <sys/resource.h>
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

/* The error of a call that maps. */
static int arena__anonymous_errno(void)
{
	return errno == EAGAIN ? -EDQUOT : -errno;
}

/* Map @length bytes on a chunk's border, one inaccessible page on each side. */
static int arena__anonymous_reserve(size_t length, unsigned char **reserved)
{
	size_t page = arena__page_size();
	size_t whole = length + ARENA__CHUNK_SIZE + 2 * page;
	unsigned char *start, *base, *end;

	start = mmap(NULL, whole, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		     0);
	if (start == MAP_FAILED)
		return arena__anonymous_errno();
	end = start + whole;
	base = (unsigned char *)arena__round_up((uintptr_t)start + page,
						ARENA__CHUNK_SIZE);
	if (base - page > start)
		munmap(start, (size_t)(base - page - start));
	if (base + length + page < end)
		munmap(base + length + page,
		       (size_t)(end - (base + length + page)));
	*reserved = base;
	return 0;
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

/* What it means that mlock() failed with @error, though there is memory. */
static int arena__anonymous_lock_error(int error)
{
	struct rlimit limit;

	if (error == EPERM && !getrlimit(RLIMIT_MEMLOCK, &limit) &&
	    limit.rlim_cur)
		return -EPERM;
	return -EDQUOT;
}

/* Populate, and lock if allowed; failing to lock is told in @lock_error. */
static int arena__anonymous_fill(struct arena__memory *memory)
{
	int error, lock_errno;

	if (!syscall(SYS_mlock, memory->base, memory->length)) {
		memory->guarantees |= ARENA_GUARANTEE_POPULATED |
				      ARENA_GUARANTEE_LOCKED;
		return 0;
	}
	lock_errno = errno;
	error = arena__anonymous_populate(memory->base, memory->length);
	if (error)
		return error;
	memory->guarantees |= ARENA_GUARANTEE_POPULATED;
	memory->lock_error = arena__anonymous_lock_error(lock_errno);
	return 0;
}

int arena__anonymous_map(size_t size, const struct arena_options *options,
			 struct arena__memory *memory)
{
	size_t length = arena__round_up(size, ARENA__CHUNK_SIZE);
	unsigned char *base = NULL;
	size_t available, huge;
	int error;

	if (options->require & ARENA_GUARANTEE_PINNED)
		return -EOPNOTSUPP;
	/*
	 * Populating more than there is would end in the OOM killer. Page tables
	 * of small pages take 1/512 of it.
	 */
	error = arena__proc_available(&available);
	if (error)
		return error;
	if (length + length / 512 > available)
		return -ENOMEM;
	error = arena__anonymous_reserve(length, &base);
	if (error)
		return error;
	*memory = (struct arena__memory) {
		.base = base,
		.length = length,
		.fd = -1,
		.backend = ARENA_BACKEND_ANONYMOUS,
		.guarantees = ARENA_GUARANTEE_DIRECT_IO,
	};
	madvise(base, length, MADV_HUGEPAGE);
	madvise(base, length, MADV_DONTFORK);
	if (mprotect(base, length, PROT_READ | PROT_WRITE)) {
		error = arena__anonymous_errno();
		goto out_release;
	}
	error = arena__anonymous_fill(memory);
	if (error)
		goto out_release;
	memory->huge_error = arena__proc_huge_bytes(base, length, &huge);
	if (huge == length)
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
