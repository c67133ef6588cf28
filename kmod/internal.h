/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Private types of the module, its locks, and who offers which function.
 *
 * Calls go downward only: main -> ioctl, mmap, sysfs -> region -> pages,
 * reserve, account.
 *
 * Locks, outermost first:
 *
 *	mmap_lock			the core's; held in every arena_vma_*
 *					function and in arena_fops_mmap()
 *	  arena_region.lock		the state of a region
 *	  arena_region.fillers_lock	who is refilling
 *
 * The module's own two are leaves: nothing is allocated, no user memory touched
 * and no other lock taken under them, the other one included.
 */
#ifndef ARENA_INTERNAL_H
#define ARENA_INTERNAL_H

#include <linux/atomic.h>
#include <linux/fs.h>
#include <linux/list.h>
#include <linux/mm_types.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "compat.h"

#define ARENA_CHUNK_NR_PAGES (ARENA_CHUNK_SIZE / PAGE_SIZE)

/* For lists of pages: wanted when memory is short, and no reason to kill. */
#define ARENA_BOOKS_GFP \
	(GFP_KERNEL_ACCOUNT | __GFP_RETRY_MAYFAIL | __GFP_NOWARN)

/**
 * struct arena_chunk - 2 MiB of an arena
 * @head: the one compound page that the chunk is, or NULL
 * @pages: if @head is NULL, the ARENA_CHUNK_NR_PAGES single pages
 * @small_entries: the last population mapped the chunk by 4 KiB entries; a
 *	hint for INFO, written without a lock
 *
 * The chunk owns one reference of each page. Page tables and I/O pins own
 * others, so that pages outlive a chunk that is freed while they are in use.
 */
struct arena_chunk {
	struct page *head;
	struct page **pages;
	bool small_entries;
};

/**
 * enum arena_region_state - how far the arena of a file has come
 * @ARENA_REGION_EMPTY: the file has no arena; the next one may claim it
 * @ARENA_REGION_CREATING: one task is making it; nobody waits for it
 * @ARENA_REGION_READY: published; all of it but the counters is immutable
 */
enum arena_region_state {
	ARENA_REGION_EMPTY,
	ARENA_REGION_CREATING,
	ARENA_REGION_READY,
};

/**
 * struct arena_filler - a task that serves one trap by all entries of a chunk
 * @entry: in the region's fillers
 * @task: the task, on whose stack this lies
 */
struct arena_filler {
	struct list_head entry;
	struct task_struct *task;
};

/**
 * struct arena_region - the arena behind one open file
 * @inode: inode of its own on the pseudo mount; its mapping is the file's.
 *	Immutable.
 * @lock: guards @state, see above for the order
 * @state: written under @lock; READY is read with acquire semantics without it
 * @flags: ARENA_IOC_CREATE_*
 * @node: node asked for, or NUMA_NO_NODE
 * @nr_chunks: how many @chunks there are
 * @chunks: the memory. @flags to @chunks belong to the claimant while the
 *	state is CREATING, and are immutable once it is READY.
 * @fillers_lock: guards @fillers
 * @fillers: a struct arena_filler for each task that is refilling
 * @nr_refaults: traps that the fault handler has served after population
 * @nr_mappings: VMAs that exist, in any process
 *
 * Lives from open() to release(): each VMA holds the file.
 */
struct arena_region {
	struct inode *inode;

	struct mutex lock;		/* guards state */
	enum arena_region_state state;

	u32 flags;
	int node;
	unsigned long nr_chunks;
	struct arena_chunk *chunks;

	spinlock_t fillers_lock;	/* guards fillers */
	struct list_head fillers;

	atomic64_t nr_refaults;
	atomic_t nr_mappings;
};

/* account.c */
int arena_account_admit(unsigned long nr_chunks);

/* ioctl.c */
long arena_fops_ioctl(struct file *file, unsigned int cmd, unsigned long arg);

/* mmap.c */
int arena_fops_mmap(struct file *file, struct vm_area_struct *vma);
unsigned long arena_fops_get_unmapped_area(struct file *file,
					   unsigned long addr,
					   unsigned long length,
					   unsigned long pgoff,
					   unsigned long flags);

/* pages.c */
int arena_pages_alloc(struct arena_chunk *chunk, u32 flags, int node,
		      pgoff_t pgoff);
void arena_pages_free(struct arena_chunk *chunk);
struct page *arena_pages_get(const struct arena_chunk *chunk,
			     unsigned int index);

/* region.c */
struct arena_region *arena_region_open(void);
void arena_region_release(struct arena_region *region);
int arena_region_claim(struct arena_region *region);
int arena_region_gather(struct arena_region *region, u64 length, u32 flags,
			int node);
void arena_region_publish(struct arena_region *region);
void arena_region_abandon(struct arena_region *region);
bool arena_region_is_ready(struct arena_region *region);
struct arena_chunk *arena_region_chunk(struct arena_region *region,
				       pgoff_t pgoff);
void arena_region_info(struct arena_region *region,
		       struct arena_ioc_info *info);

/* reserve.c */
unsigned long arena_reserve_ready(int node);

/* sysfs.c */
void arena_fops_show_fdinfo(struct seq_file *seq, struct file *file);

#endif /* ARENA_INTERNAL_H */
