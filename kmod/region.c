// SPDX-License-Identifier: GPL-2.0-only
/*
 * Regions: the object behind an open file of /dev/arena.
 *
 * A region is made empty by open() and gets its memory once: somebody claims
 * it, gathers the chunks without holding any lock, and publishes it, or
 * abandons it so that it is as empty as before. While one task does that,
 * others are told to come back (EBUSY) rather than made to wait, since one of
 * them may hold the mmap_lock of a whole process. Once published a region does
 * not change until the file is released; each VMA holds the file.
 *
 * Each region has an inode of its own on a pseudo mount, whose mapping becomes
 * the file's in open(). The inode has a size, or the core would not map 2 MiB
 * at once, and a mapping whose pages the core believes to come from ZONE_DMA,
 * which is how it knows not to scan or migrate them for NUMA placement.
 */
#include <linux/fs_context.h>
#include <linux/module.h>
#include <linux/mount.h>
#include <linux/pagemap.h>
#include <linux/pseudo_fs.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "internal.h"

#define ARENA_REGION_FS_MAGIC 0x6172656e	/* "aren" */

static struct vfsmount *arena_region_mount;
static int arena_region_mount_count;

static int arena_region_init_fs_context(struct fs_context *fc)
{
	return init_pseudo(fc, ARENA_REGION_FS_MAGIC) ? 0 : -ENOMEM;
}

static struct file_system_type arena_region_fs = {
	.name = "arena",
	.owner = THIS_MODULE,
	.init_fs_context = arena_region_init_fs_context,
	.kill_sb = kill_anon_super,
};

/*
 * The mount exists only while a file is open: it holds the module, which could
 * never be unloaded otherwise.
 */
static struct inode *arena_region_inode_create(void)
{
	struct inode *inode;
	int ret;

	ret = simple_pin_fs(&arena_region_fs, &arena_region_mount,
			    &arena_region_mount_count);
	if (ret)
		return ERR_PTR(ret);
	inode = alloc_anon_inode(arena_region_mount->mnt_sb);
	if (IS_ERR(inode)) {
		simple_release_fs(&arena_region_mount,
				  &arena_region_mount_count);
		return inode;
	}
	mapping_set_gfp_mask(inode->i_mapping, GFP_KERNEL | __GFP_DMA);
	return inode;
}

static void arena_region_inode_destroy(struct inode *inode)
{
	iput(inode);
	simple_release_fs(&arena_region_mount, &arena_region_mount_count);
}

/**
 * arena_region_open - Make an empty region
 *
 * Return: the region, to be given to arena_region_release(), or an ERR_PTR.
 */
struct arena_region *arena_region_open(void)
{
	struct arena_region *region;
	struct inode *inode;

	region = kzalloc(sizeof(*region), GFP_KERNEL_ACCOUNT);
	if (!region)
		return ERR_PTR(-ENOMEM);
	inode = arena_region_inode_create();
	if (IS_ERR(inode)) {
		kfree(region);
		return ERR_CAST(inode);
	}
	region->inode = inode;
	region->state = ARENA_REGION_EMPTY;
	region->node = NUMA_NO_NODE;
	mutex_init(&region->lock);
	spin_lock_init(&region->fillers_lock);
	INIT_LIST_HEAD(&region->fillers);
	return region;
}

/* Also the undoing of a half-done arena_region_gather(). */
static void arena_region_free_chunks(struct arena_region *region)
{
	unsigned long i;

	for (i = 0; i < region->nr_chunks; i++) {
		arena_pages_free(&region->chunks[i]);
		cond_resched();
	}
	kvfree(region->chunks);
	region->chunks = NULL;
	region->nr_chunks = 0;
	i_size_write(region->inode, 0);
}

/**
 * arena_region_release - End a region
 * @region: no file and so no VMA refers to it any more
 */
void arena_region_release(struct arena_region *region)
{
	WARN_ON_ONCE(atomic_read(&region->nr_mappings));
	arena_region_free_chunks(region);
	arena_region_inode_destroy(region->inode);
	mutex_destroy(&region->lock);
	kfree(region);
}

/**
 * arena_region_claim - Become the one who makes the region's arena
 * @region: any region
 *
 * Return: 0, and the caller calls arena_region_publish() or
 * arena_region_abandon() next; -EEXIST if the region has its arena; -EBUSY if
 * somebody else is just making it.
 */
int arena_region_claim(struct arena_region *region)
{
	int ret = 0;

	mutex_lock(&region->lock);
	if (region->state == ARENA_REGION_READY)
		ret = -EEXIST;
	else if (region->state == ARENA_REGION_CREATING)
		ret = -EBUSY;
	else
		WRITE_ONCE(region->state, ARENA_REGION_CREATING);
	mutex_unlock(&region->lock);
	return ret;
}

static void arena_region_leave(struct arena_region *region,
			       enum arena_region_state state)
{
	mutex_lock(&region->lock);
	WARN_ON_ONCE(region->state != ARENA_REGION_CREATING);
	/* Pairs with arena_region_is_ready(): contents before state. */
	smp_store_release(&region->state, state);
	mutex_unlock(&region->lock);
}

static int arena_region_fill_chunks(struct arena_region *region)
{
	unsigned long i;
	int ret;

	for (i = 0; i < region->nr_chunks; i++) {
		if (fatal_signal_pending(current))
			return -EINTR;
		ret = arena_pages_alloc(&region->chunks[i], region->flags,
					region->node, i * ARENA_CHUNK_NR_PAGES);
		if (ret)
			return ret;
		cond_resched();
	}
	return 0;
}

/**
 * arena_region_gather - Get the memory of a claimed region
 * @region: claimed by the caller
 * @length: bytes, more than 0; rounded up to whole chunks
 * @flags: ARENA_IOC_CREATE_*, checked
 * @node: a node, or NUMA_NO_NODE
 *
 * Context: may sleep, for long. Holds no lock of the module.
 *
 * Return: 0; -EOVERFLOW if no file can be so long; -ENOMEM; -EINTR if a fatal
 * signal arrived. On failure nothing is kept, and the caller abandons the
 * region.
 */
int arena_region_gather(struct arena_region *region, u64 length, u32 flags,
			int node)
{
	unsigned long nr_chunks;
	int ret;

	if (length > MAX_LFS_FILESIZE - ARENA_CHUNK_SIZE)
		return -EOVERFLOW;
	nr_chunks = DIV_ROUND_UP_ULL(length, ARENA_CHUNK_SIZE);
	if (flags & ARENA_IOC_CREATE_RESERVED &&
	    nr_chunks > arena_reserve_ready(node))
		return -ENOMEM;
	ret = arena_account_admit(nr_chunks);
	if (ret)
		return ret;
	region->chunks = kvcalloc(nr_chunks, sizeof(*region->chunks),
				  ARENA_BOOKS_GFP);
	if (!region->chunks)
		return -ENOMEM;
	region->nr_chunks = nr_chunks;
	region->flags = flags;
	region->node = node;
	ret = arena_region_fill_chunks(region);
	if (ret)
		goto out_free_chunks;
	i_size_write(region->inode, (loff_t)nr_chunks * ARENA_CHUNK_SIZE);
	return 0;

out_free_chunks:
	arena_region_free_chunks(region);
	return ret;
}

/**
 * arena_region_publish - Let others see a region's arena
 * @region: claimed by the caller, gathered with success
 */
void arena_region_publish(struct arena_region *region)
{
	arena_region_leave(region, ARENA_REGION_READY);
}

/**
 * arena_region_abandon - Make a claimed region empty again
 * @region: claimed by the caller, gathered or not
 *
 * Page-table entries that a failing mmap() has made hold the pages until the
 * core takes the entries away.
 */
void arena_region_abandon(struct arena_region *region)
{
	arena_region_free_chunks(region);
	region->flags = 0;
	region->node = NUMA_NO_NODE;
	arena_region_leave(region, ARENA_REGION_EMPTY);
}

/**
 * arena_region_is_ready - Tell whether a region has its arena
 * @region: any region
 *
 * Return: true if it has; it stays so, and its fields may be read.
 */
bool arena_region_is_ready(struct arena_region *region)
{
	/* Pairs with arena_region_leave(). */
	return smp_load_acquire(&region->state) == ARENA_REGION_READY;
}

/**
 * arena_region_chunk - Find the chunk of an offset
 * @region: a ready one, or one that the caller has claimed and gathered
 * @pgoff: offset in the arena, in pages
 *
 * Return: the chunk, or NULL beyond the end.
 */
struct arena_chunk *arena_region_chunk(struct arena_region *region,
				       pgoff_t pgoff)
{
	unsigned long index = pgoff / ARENA_CHUNK_NR_PAGES;

	return index < region->nr_chunks ? &region->chunks[index] : NULL;
}

/**
 * arena_region_info - Describe a region
 * @region: a ready one
 * @info: its out_ fields are written
 *
 * Context: may sleep.
 */
void arena_region_info(struct arena_region *region,
		       struct arena_ioc_info *info)
{
	unsigned long nr_small = 0;
	unsigned long i;

	for (i = 0; i < region->nr_chunks; i++) {
		nr_small += READ_ONCE(region->chunks[i].small_entries);
		cond_resched();
	}

	info->out_length = (u64)region->nr_chunks * ARENA_CHUNK_SIZE;
	info->out_small_bytes = (u64)nr_small * ARENA_CHUNK_SIZE;
	info->out_huge_bytes = info->out_length - info->out_small_bytes;
	info->out_reserve_bytes = 0;
	info->out_refaults = atomic64_read(&region->nr_refaults);
	info->out_mappings = atomic_read(&region->nr_mappings);
	info->out_node = region->node;
}
