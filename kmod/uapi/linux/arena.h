/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * /dev/arena: physically pinned, populated memory through mmap.
 *
 * One open file is one arena. mmap() of a fresh file makes an arena of that
 * length; ARENA_IOC_CREATE makes one with more choice, to be mapped next. The
 * memory is zeroed, mapped MAP_SHARED, and present in the page table when
 * mmap() returns. It never moves and lives until the last descriptor, mapping
 * and I/O pin is gone.
 *
 * General rules of these ioctls
 *
 * Every command takes a struct whose first word is its size as the caller knows
 * it. A struct may grow at its end; what the caller does not know reads as
 * zero, and is not written back. The command numbers are plain _IO(), because
 * the size travels in the struct: a number never changes when a struct grows,
 * and is never used again. Fields that the kernel writes are called out_;
 * whatever is written in them by the caller is ignored. Reserved fields must be
 * zero. The layout is the same for 32-bit callers.
 *
 * Each errno has one meaning:
 *
 *  - ENOTTY: this kernel does not know the command.
 *  - EINVAL: the struct is smaller than its first published layout, or a field
 *    has a bad value.
 *  - E2BIG: the struct is larger than this kernel knows and not zero there, or
 *    larger than any will be: more than a page.
 *  - EOPNOTSUPP: an unknown flag, or a reserved field that is not zero.
 *  - EFAULT: a bad pointer.
 *  - EBUSY: the file has an arena already, or is just being given one.
 *  - ENODATA: the file has no arena yet.
 *  - ENOMEM: not enough memory.
 *  - EDQUOT: a limit is reached.
 *  - EPERM: not allowed.
 *  - EOVERFLOW: the length cannot be represented.
 *  - EINTR: a fatal signal arrived while memory was being gathered.
 *
 * mmap() fails with EINVAL for a mapping that is not MAP_SHARED, begins at an
 * offset or a fixed address that is no multiple of the chunk, or reaches beyond
 * the arena; with EPERM for PROT_EXEC; and as above for want of memory. Nothing
 * is mapped then, and a file that had no arena has none.
 */
#ifndef _UAPI_LINUX_ARENA_H
#define _UAPI_LINUX_ARENA_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define ARENA_IOC_TYPE 0xA7

enum {
	ARENA_IOC_NR_CREATE = 0x00,
	ARENA_IOC_NR_INFO = 0x01,
};

/*
 * A chunk, in bytes: arenas get their memory, and are mapped, in naturally
 * aligned units of this size.
 */
#define ARENA_CHUNK_SIZE (1UL << 21)

/* Value of a node field: no preference; the caller's memory policy decides. */
#define ARENA_NODE_ANY (-1)

/*
 * Flags of ARENA_IOC_CREATE.
 *
 * @ARENA_IOC_CREATE_HUGE: fail with ENOMEM rather than build a chunk from 4 KiB
 *	pages. mmap() of such an arena fails with EPERM if this process cannot
 *	have 2 MiB entries (PR_SET_THP_DISABLE, where the kernel heeds it for
 *	files: Linux 6.1 does not), and with EINVAL if its length is no multiple
 *	of the chunk.
 * @ARENA_IOC_CREATE_RESERVED: fail with ENOMEM rather than allocate memory that
 *	is not in the module's reserve.
 * @ARENA_IOC_CREATE_NODE_STRICT: fail with ENOMEM rather than take memory from
 *	another node than @node. EINVAL without a node.
 */
#define ARENA_IOC_CREATE_HUGE		(1U << 0)
#define ARENA_IOC_CREATE_RESERVED	(1U << 1)
#define ARENA_IOC_CREATE_NODE_STRICT	(1U << 2)

/**
 * struct arena_ioc_create - ioctl(ARENA_IOC_CREATE)
 * @size: sizeof(struct arena_ioc_create)
 * @flags: ARENA_IOC_CREATE_*, or 0
 * @length: length of the arena in bytes, rounded up to whole chunks
 * @node: NUMA node to take the memory from, or ARENA_NODE_ANY. Without
 *	ARENA_IOC_CREATE_NODE_STRICT it is a preference.
 * @__reserved: must be 0
 *
 * Give the file its arena: all memory is allocated and zeroed here, so that
 * mmap() has but to map it. On failure the file is as it was before. A descriptor
 * opened read-only may do this, as it may by mmap(); it can read the zeros.
 */
struct arena_ioc_create {
	__u32 size;
	__u32 flags;
	__aligned_u64 length;
	__s32 node;
	__u32 __reserved;
};

#define ARENA_IOC_CREATE _IO(ARENA_IOC_TYPE, ARENA_IOC_NR_CREATE)

/**
 * struct arena_ioc_info - ioctl(ARENA_IOC_INFO)
 * @size: sizeof(struct arena_ioc_info)
 * @flags: must be 0
 * @out_length: length of the arena in bytes, a multiple of the chunk
 * @out_huge_bytes: how much of it is in 2 MiB entries: chunks that are one
 *	compound page and that the last mapping of them mapped as such (or, not
 *	mapped yet, will be)
 * @out_small_bytes: how much of it is in 4 KiB entries; the two add up to
 *	@out_length
 * @out_reserve_bytes: how much of it came from the module's reserve
 * @out_refaults: page faults served after population, that is after fork,
 *	MADV_DONTNEED or soft-dirty tracking took page-table entries away: one
 *	for each chunk that was touched again. Entries of 4 KiB that soft-dirty
 *	tracking has write-protected are not counted here.
 * @out_mappings: mappings (VMAs) of the arena that are open, in any process
 * @out_node: the node asked for, or ARENA_NODE_ANY
 *
 * Tell what the file's arena is. A descriptor opened read-only may ask.
 */
struct arena_ioc_info {
	__u32 size;
	__u32 flags;
	__aligned_u64 out_length;
	__aligned_u64 out_huge_bytes;
	__aligned_u64 out_small_bytes;
	__aligned_u64 out_reserve_bytes;
	__aligned_u64 out_refaults;
	__u32 out_mappings;
	__s32 out_node;
};

#define ARENA_IOC_INFO _IO(ARENA_IOC_TYPE, ARENA_IOC_NR_INFO)

#endif /* _UAPI_LINUX_ARENA_H */
