// SPDX-License-Identifier: GPL-2.0
/*
 * The memories under test: the arena and its rivals.
 *
 * Each is shared or private, small or huge, locked or not, as its user would
 * have made it, fully present before it is handed over, with the same word at
 * the start of each page: the walker checks it, and pages that are equal are
 * what KSM merges. The control is a single shared page, to be used where faults
 * cannot be told apart by their address: what its loop suffers is the noise of
 * the program itself.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/arena.h>
#include <linux/memfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "disturb.h"

#define PATTERN 0x5ca1ab1e0ddba11dULL

#ifndef MAP_HUGE_SHIFT
#define MAP_HUGE_SHIFT 26
#endif
#define MAP_HUGE_2MIB (21 << MAP_HUGE_SHIFT)

static const char *const names[NR_MEMORIES] = {
	[MEMORY_CONTROL] = "control",
	[MEMORY_ARENA] = "arena",
	[MEMORY_ARENA_4K] = "arena-4k",
	[MEMORY_ANON] = "anon",
	[MEMORY_ANON_MLOCK] = "anon+mlock",
	[MEMORY_THP_MLOCK] = "thp+mlock",
	[MEMORY_HUGETLB_SHARED] = "hugetlb-sh",
	[MEMORY_HUGETLB_PRIVATE] = "hugetlb-pr",
	[MEMORY_MEMFD_MLOCK] = "memfd+mlock",
};

const char *memory_name(enum memory_id id)
{
	return names[id];
}

/* Made of single pages, and movable? */
bool memory_is_small(enum memory_id id)
{
	return id == MEMORY_ANON || id == MEMORY_ANON_MLOCK ||
	       id == MEMORY_MEMFD_MLOCK;
}

/* Can arenas be made here? 0, or why not. */
int memory_arena_probe(void)
{
	int fd = open("/dev/arena", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

static int map_arena(struct memory *memory)
{
	memory->fd = open("/dev/arena", O_RDWR | O_CLOEXEC);
	if (memory->fd < 0)
		return -errno;
	memory->base = mmap(NULL, memory->length, PROT_READ | PROT_WRITE,
			    MAP_SHARED, memory->fd, 0);
	return memory->base == MAP_FAILED ? -errno : 0;
}

/*
 * An arena in 4 KiB entries. A process without huge pages gets them; before
 * 6.12 the kernel does not ask for that when it maps a file's huge page. There
 * only a range that is too short has them: one chunk but for a page.
 */
static int map_small_arena(struct memory *memory)
{
	struct suffering info = { 0 };
	int ret;

	if (prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0))
		return -errno;
	ret = map_arena(memory);
	if (prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0))
		return -errno;
	if (!ret)
		ret = memory_arena_info(memory, &info);
	if (ret || !info.huge_bytes)
		return ret;
	munmap(memory->base, memory->length);
	close(memory->fd);
	memory->length = CHUNK_BYTES - PAGE_BYTES;
	return map_arena(memory);
}

/*
 * Twice the length, to find an aligned address in it: whether an anonymous
 * range gets huge pages must not depend on where mmap() happened to put it.
 */
static int map_anon(struct memory *memory, int advice)
{
	uintptr_t address;
	char *base;

	base = mmap(NULL, memory->length + CHUNK_BYTES, PROT_NONE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (base == MAP_FAILED)
		return -errno;
	address = ((uintptr_t)base + CHUNK_BYTES - 1) & ~(CHUNK_BYTES - 1);
	memory->base = mmap((void *)address, memory->length,
			    PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	if (memory->base == MAP_FAILED)
		return -errno;
	if (madvise(memory->base, memory->length, advice))
		return -errno;
	return 0;
}

static int map_shared(struct memory *memory, int flags)
{
	memory->base = mmap(NULL, memory->length, PROT_READ | PROT_WRITE,
			    flags, memory->fd, 0);
	return memory->base == MAP_FAILED ? -errno : 0;
}

static int map_memfd(struct memory *memory)
{
	memory->fd = memfd_create("disturb", MFD_CLOEXEC);
	if (memory->fd < 0)
		return -errno;
	if (ftruncate(memory->fd, memory->length))
		return -errno;
	return map_shared(memory, MAP_SHARED);
}

static int memory_map(enum memory_id id, struct memory *memory)
{
	int huge = MAP_ANONYMOUS | MAP_HUGETLB | MAP_HUGE_2MIB;

	switch (id) {
	case MEMORY_CONTROL:
		memory->length = PAGE_BYTES;
		return map_shared(memory, MAP_SHARED | MAP_ANONYMOUS);
	case MEMORY_ARENA:
	case MEMORY_ARENA_4K:
		if (options.sabotage == SABOTAGE_SUBSTITUTE)
			return map_anon(memory, MADV_NOHUGEPAGE);
		return id == MEMORY_ARENA ? map_arena(memory) :
					    map_small_arena(memory);
	case MEMORY_ANON:
	case MEMORY_ANON_MLOCK:
		return map_anon(memory, MADV_NOHUGEPAGE);
	case MEMORY_THP_MLOCK:
		return map_anon(memory, MADV_HUGEPAGE);
	case MEMORY_HUGETLB_SHARED:
		return map_shared(memory, MAP_SHARED | huge);
	case MEMORY_HUGETLB_PRIVATE:
		return map_shared(memory, MAP_PRIVATE | huge);
	case MEMORY_MEMFD_MLOCK:
		return map_memfd(memory);
	default:
		return -EINVAL;
	}
}

static bool is_locked(enum memory_id id)
{
	return id == MEMORY_ANON_MLOCK || id == MEMORY_THP_MLOCK ||
	       id == MEMORY_MEMFD_MLOCK;
}

/*
 * 0 or a negative errno. What is half made goes with the process.
 *
 * @holes, of the same length, or NULL, is touched page by page in turn with the
 * memory: once the caller unmaps it, there is a free page beside each page.
 */
int memory_create(enum memory_id id, size_t length, char *holes,
		  struct memory *memory)
{
	size_t offset;
	int ret;

	memory->length = length;
	memory->fd = -1;
	ret = memory_map(id, memory);
	if (ret)
		return ret;
	for (offset = 0; offset < memory->length; offset += PAGE_BYTES) {
		*(volatile uint64_t *)(memory->base + offset) = PATTERN;
		if (holes)
			holes[offset] = 1;
	}
	if (is_locked(id) && mlock(memory->base, memory->length))
		return -errno;
	return 0;
}

int memory_arena_info(const struct memory *memory, struct suffering *out)
{
	struct arena_ioc_info info = { .size = sizeof(info) };

	if (memory->fd < 0)
		return 0;
	if (ioctl(memory->fd, ARENA_IOC_INFO, &info))
		return -errno;
	out->refaults = info.out_refaults;
	out->huge_bytes = info.out_huge_bytes;
	/* What is mapped may be less than there is. */
	out->nr_entries = out->huge_bytes / CHUNK_BYTES +
			  (memory->length - out->huge_bytes) / PAGE_BYTES;
	return 0;
}

/*
 * Read and write each page. What is written is what was there, so that a page
 * stays mergeable. Return how many pages did not hold what was put there.
 */
unsigned long memory_touch(const struct memory *memory)
{
	unsigned long damaged = 0;
	size_t offset;

	for (offset = 0; offset < memory->length; offset += PAGE_BYTES) {
		volatile uint64_t *word = (void *)(memory->base + offset);

		damaged += *word != PATTERN;
		*word = PATTERN;
	}
	return damaged;
}
