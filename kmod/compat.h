/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What older kernels lack, and what a kernel must have.
 *
 * The rest of the module is written for the newest kernel that it is tested on
 * (6.12). This is the only file with version conditionals.
 */
#ifndef ARENA_COMPAT_H
#define ARENA_COMPAT_H

#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/version.h>

#include "uapi/linux/arena.h"

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 1, 0)
#error "arena: kernel 6.1 or later is needed"
#endif

#ifndef CONFIG_TRANSPARENT_HUGEPAGE
#error "arena: CONFIG_TRANSPARENT_HUGEPAGE is needed for 2 MiB entries"
#endif

/*
 * NUMA balancing leaves a mapping alone if its pages come from a zone below the
 * ones that policies apply to. On x86 that is sure of ZONE_DMA; elsewhere it can
 * be all memory.
 */
#if defined(CONFIG_NUMA_BALANCING) && \
	!(defined(CONFIG_X86_64) && defined(CONFIG_ZONE_DMA))
#error "arena: with CONFIG_NUMA_BALANCING, x86-64 and CONFIG_ZONE_DMA are needed"
#endif

static_assert(PMD_SIZE == ARENA_CHUNK_SIZE,
	      "arena: a chunk must be what one PMD entry maps");

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
static inline void vm_flags_set(struct vm_area_struct *vma, vm_flags_t flags)
{
	vma->vm_flags |= flags;
}

static inline void vm_flags_clear(struct vm_area_struct *vma, vm_flags_t flags)
{
	vma->vm_flags &= ~flags;
}
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 10, 0)
static inline unsigned long
mm_get_unmapped_area(struct mm_struct *mm, struct file *file,
		     unsigned long addr, unsigned long length,
		     unsigned long pgoff, unsigned long flags)
{
	return mm->get_unmapped_area(file, addr, length, pgoff, flags);
}
#endif

#endif /* ARENA_COMPAT_H */
