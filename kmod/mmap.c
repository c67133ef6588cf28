// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mapping rules, population and page faults; only here a VMA is named.
 *
 * The fault handler does no more than name the page of an address, with a
 * reference. The core then maps it: all 2 MiB at once if the page is part of a
 * compound page and the VMA covers it, else 4 KiB. References, rmap and RSS are
 * the core's and so balance on every path, a failing mmap() included.
 *
 * mmap() drives that handler over the whole range before it returns. What the
 * core then mapped is looked up in the page table, not assumed: it may not have
 * used a 2 MiB entry (PR_SET_THP_DISABLE, a chunk of single pages, a mapping
 * that ends within a chunk), and the other 511 pages are populated one by one.
 *
 * Entries that are taken away later (fork, MADV_DONTNEED) come back by the same
 * handler, one trap a chunk, from the same pages. Soft-dirty tracking takes 2 MiB
 * entries away, too, but write-protects those of 4 KiB: the core takes a trap for
 * each of these without asking here.
 */
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/pagemap.h>
#include <linux/pgtable.h>
#include <linux/sched/coredump.h>
#include <linux/sched/signal.h>

#include "internal.h"

static struct arena_region *arena_vma_region(struct vm_area_struct *vma)
{
	return vma->vm_file->private_data;
}

/* NULL as long as mmap() populates: a fault in that time is no refault. */
static bool arena_vma_is_populated(struct vm_area_struct *vma)
{
	return vma->vm_private_data;
}

/*
 * Whether one entry maps the chunk at @address. The caller keeps the page table
 * in place: the VMA is not visible to others yet, or mmap_lock is held.
 */
static bool arena_mmap_is_huge(struct vm_area_struct *vma,
			       unsigned long address)
{
	pgd_t *pgd = pgd_offset(vma->vm_mm, address);
	p4d_t *p4d;
	pud_t *pud;

	mmap_assert_locked(vma->vm_mm);
	if (pgd_none(READ_ONCE(*pgd)))
		return false;
	p4d = p4d_offset(pgd, address);
	if (p4d_none(READ_ONCE(*p4d)))
		return false;
	pud = pud_offset(p4d, address);
	if (pud_none(READ_ONCE(*pud)))
		return false;
	return pmd_trans_huge(READ_ONCE(*pmd_offset(pud, address)));
}

/*
 * FAULT_FLAG_REMOTE, although it is the caller's own memory: whether the caller's
 * protection key allows a write is the hardware's business at the time of the
 * write, not ours.
 */
static int arena_mmap_populate_address(struct vm_area_struct *vma,
				       unsigned long address)
{
	unsigned int flags = FAULT_FLAG_REMOTE;

	if (vma->vm_flags & VM_WRITE)
		flags |= FAULT_FLAG_WRITE;
	return vm_fault_to_errno(handle_mm_fault(vma, address, flags, NULL),
				 FOLL_HWPOISON);
}

/* Map a chunk, or as much of it as lies in the VMA, @address being its start */
static int arena_mmap_populate_chunk(struct vm_area_struct *vma,
				     unsigned long address, bool huge_only)
{
	unsigned long end = min(address + ARENA_CHUNK_SIZE, vma->vm_end);
	struct arena_chunk *chunk;
	bool is_huge;
	int ret;

	ret = arena_mmap_populate_address(vma, address);
	if (ret)
		return ret;
	is_huge = arena_mmap_is_huge(vma, address);
	if (huge_only && !is_huge)
		return -EPERM;
	chunk = arena_region_chunk(arena_vma_region(vma),
				   linear_page_index(vma, address));
	WRITE_ONCE(chunk->small_entries, !is_huge);
	if (is_huge)
		return 0;
	for (address += PAGE_SIZE; address < end; address += PAGE_SIZE) {
		ret = arena_mmap_populate_address(vma, address);
		if (ret)
			return ret;
	}
	return 0;
}

static int arena_mmap_populate(struct vm_area_struct *vma)
{
	bool huge_only = arena_vma_region(vma)->flags & ARENA_IOC_CREATE_HUGE;
	unsigned long address;
	int ret;

	for (address = vma->vm_start; address < vma->vm_end;
	     address += ARENA_CHUNK_SIZE) {
		if (fatal_signal_pending(current))
			return -EINTR;
		ret = arena_mmap_populate_chunk(vma, address, huge_only);
		if (ret)
			return ret;
		cond_resched();
	}
	return 0;
}

/*
 * Whether the core will map all of the chunk for one fault. If it does not
 * although this says so, each of its pages takes a fault of its own; nothing
 * worse.
 */
static bool arena_vma_fault_is_huge(struct vm_fault *vmf,
				    const struct arena_chunk *chunk)
{
	unsigned long start = ALIGN_DOWN(vmf->address, ARENA_CHUNK_SIZE);
	struct vm_area_struct *vma = vmf->vma;

	return chunk->head && pmd_none(READ_ONCE(*vmf->pmd)) &&
	       start + ARENA_CHUNK_SIZE <= vma->vm_end &&
	       !(vma->vm_flags & VM_NOHUGEPAGE) &&
	       !test_bit(MMF_DISABLE_THP, &vma->vm_mm->flags);
}

/*
 * Serve one trap by all entries of the chunk, where the core would make but one
 * of 4 KiB. What cannot be had here is left to faults to come.
 *
 * Each page comes back to arena_vma_fault(), which must know that it is called
 * by itself. Two tasks may refill one chunk at a time: the core sorts it out,
 * and a lock would make the tasks of one process wait for another's cgroup.
 */
static void arena_vma_refill(struct vm_fault *vmf)
{
	struct arena_region *region = arena_vma_region(vmf->vma);
	struct arena_filler filler = { .task = current };

	spin_lock(&region->fillers_lock);
	list_add(&filler.entry, &region->fillers);
	spin_unlock(&region->fillers_lock);

	arena_mmap_populate_chunk(vmf->vma,
				  ALIGN_DOWN(vmf->address, ARENA_CHUNK_SIZE),
				  false);

	spin_lock(&region->fillers_lock);
	list_del(&filler.entry);
	spin_unlock(&region->fillers_lock);
}

static bool arena_vma_is_refilling(struct arena_region *region)
{
	struct arena_filler *filler;
	bool is_refilling = false;

	spin_lock(&region->fillers_lock);
	list_for_each_entry(filler, &region->fillers, entry)
		is_refilling |= filler->task == current;
	spin_unlock(&region->fillers_lock);
	return is_refilling;
}

/*
 * The core calls this with mmap_lock held, for read at least: it takes per-VMA
 * locks only for VMAs that have a map_pages operation.
 */
static vm_fault_t arena_vma_fault(struct vm_fault *vmf)
{
	struct arena_region *region = arena_vma_region(vmf->vma);
	struct arena_chunk *chunk = arena_region_chunk(region, vmf->pgoff);

	mmap_assert_locked(vmf->vma->vm_mm);
	if (!chunk)
		return VM_FAULT_SIGBUS;
	if (arena_vma_is_populated(vmf->vma) &&
	    !arena_vma_is_refilling(region)) {
		atomic64_inc(&region->nr_refaults);
		if (arena_vma_fault_is_huge(vmf, chunk))
			WRITE_ONCE(chunk->small_entries, false);
		else
			arena_vma_refill(vmf);
	}
	vmf->page = arena_pages_get(chunk, vmf->pgoff % ARENA_CHUNK_NR_PAGES);
	return vmf->page ? 0 : VM_FAULT_SIGBUS;
}

static void arena_vma_open(struct vm_area_struct *vma)
{
	atomic_inc(&arena_vma_region(vma)->nr_mappings);
}

static void arena_vma_close(struct vm_area_struct *vma)
{
	atomic_dec(&arena_vma_region(vma)->nr_mappings);
}

/* A border within a chunk would cost 511 faults. */
static int arena_vma_may_split(struct vm_area_struct *vma,
			       unsigned long address)
{
	return IS_ALIGNED(address, ARENA_CHUNK_SIZE) ? 0 : -EINVAL;
}

static const struct vm_operations_struct arena_vma_ops = {
	.open = arena_vma_open,
	.close = arena_vma_close,
	.may_split = arena_vma_may_split,
	.fault = arena_vma_fault,
};

/*
 * What can be mapped. VM_MAYSHARE rather than VM_SHARED, which a mapping of a
 * read-only descriptor lacks; but never a private one, whose write faults would
 * look for neighbours of a VMA that is not in the tree yet.
 */
static int arena_mmap_check_vma(struct vm_area_struct *vma)
{
	if (!(vma->vm_flags & VM_MAYSHARE))
		return -EINVAL;
	if (vma->vm_flags & VM_EXEC)
		return -EPERM;
	if (!IS_ALIGNED(vma->vm_start, ARENA_CHUNK_SIZE) ||
	    vma->vm_pgoff % ARENA_CHUNK_NR_PAGES)
		return -EINVAL;
	return 0;
}

static int arena_mmap_check_range(struct arena_region *region,
				  unsigned long pgoff, unsigned long length)
{
	unsigned long nr_pages = region->nr_chunks * ARENA_CHUNK_NR_PAGES;

	if (pgoff >= nr_pages || length >> PAGE_SHIFT > nr_pages - pgoff)
		return -EINVAL;
	if (region->flags & ARENA_IOC_CREATE_HUGE &&
	    !IS_ALIGNED(length, ARENA_CHUNK_SIZE))
		return -EINVAL;
	return 0;
}

/* Map a region that is ready, or that the caller has claimed and gathered. */
static int arena_mmap_map(struct arena_region *region,
			  struct vm_area_struct *vma)
{
	int ret;

	ret = arena_mmap_check_range(region, vma->vm_pgoff,
				     vma->vm_end - vma->vm_start);
	if (ret)
		return ret;
	vm_flags_set(vma, VM_DONTEXPAND | VM_DONTDUMP);
	vm_flags_clear(vma, VM_MAYEXEC);
	vma->vm_ops = &arena_vma_ops;
	vma->vm_private_data = NULL;
	ret = arena_mmap_populate(vma);
	if (ret)
		return ret;
	vma->vm_private_data = region;
	arena_vma_open(vma);
	return 0;
}

/* Make an arena of the mapping's length; nothing stays of it on failure. */
static int arena_mmap_create(struct arena_region *region,
			     struct vm_area_struct *vma)
{
	int ret = -EINVAL;

	/* An arena of this length ends before this offset and this length. */
	if (vma->vm_pgoff)
		goto out_abandon;
	ret = arena_region_gather(region, vma->vm_end - vma->vm_start, 0,
				  NUMA_NO_NODE);
	if (ret)
		goto out_abandon;
	ret = arena_mmap_map(region, vma);
	if (ret)
		goto out_abandon;
	arena_region_publish(region);
	return 0;

out_abandon:
	arena_region_abandon(region);
	return ret;
}

/**
 * arena_fops_mmap - Map an arena, and make it first if the file has none
 * @file: of /dev/arena
 * @vma: not yet visible to others
 *
 * Context: mmap_lock held for writing.
 *
 * Return: 0, with all of @vma populated; -EINVAL for a mapping that is private,
 * not aligned to chunks or beyond the arena; -EPERM for an executable one, or
 * if 2 MiB entries must be but cannot; -EBUSY while somebody else makes the
 * arena; -ENOMEM; -EINTR. On failure the file is as before.
 */
int arena_fops_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct arena_region *region = file->private_data;
	int ret;

	mmap_assert_write_locked(vma->vm_mm);
	ret = arena_mmap_check_vma(vma);
	if (ret)
		return ret;
	if (arena_region_is_ready(region))
		return arena_mmap_map(region, vma);
	ret = arena_region_claim(region);
	if (ret == -EEXIST)
		return arena_mmap_map(region, vma);
	if (ret)
		return ret;
	return arena_mmap_create(region, vma);
}

/* Leave room to align, since the core aligns to pages only. */
static unsigned long arena_mmap_find_address(unsigned long hint,
					     unsigned long length,
					     unsigned long flags)
{
	unsigned long padded = length + ARENA_CHUNK_SIZE - PAGE_SIZE;
	unsigned long address;

	hint = ALIGN(hint, ARENA_CHUNK_SIZE);
	if (hint) {
		address = mm_get_unmapped_area(current->mm, NULL, hint, length,
					       0, flags);
		if (address == hint)
			return address;
	}
	if (padded < length)
		return -ENOMEM;
	address = mm_get_unmapped_area(current->mm, NULL, hint, padded, 0,
				       flags);
	if (IS_ERR_VALUE(address))
		return address;
	return ALIGN(address, ARENA_CHUNK_SIZE);
}

/**
 * arena_fops_get_unmapped_area - Choose an address that is aligned to chunks
 * @file: of /dev/arena
 * @address: fixed address or hint
 * @length: bytes
 * @pgoff: offset in the arena, in pages
 * @flags: MAP_*
 *
 * The core asks here before it tears down what is at a MAP_FIXED address, so
 * all that can be known to fail is refused now. It asks for mremap(), too.
 *
 * Return: an address, or a negative errno.
 */
unsigned long arena_fops_get_unmapped_area(struct file *file,
					   unsigned long address,
					   unsigned long length,
					   unsigned long pgoff,
					   unsigned long flags)
{
	struct arena_region *region = file->private_data;
	int ret;

	if (!(flags & MAP_SHARED) || pgoff % ARENA_CHUNK_NR_PAGES)
		return -EINVAL;
	if (arena_region_is_ready(region)) {
		ret = arena_mmap_check_range(region, pgoff, length);
		if (ret)
			return ret;
	} else if (pgoff) {
		return -EINVAL;
	}
	if (flags & MAP_FIXED)
		return IS_ALIGNED(address, ARENA_CHUNK_SIZE) ? address :
							       -EINVAL;
	return arena_mmap_find_address(address, length, flags);
}
