// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who is charged for what, and how much there may be.
 *
 * Arena memory is charged to the cgroup of the task that asks for it by the
 * page allocator itself (__GFP_ACCOUNT in pages.c). What is decided here is
 * whether a length is worth beginning with: taking the machine's last pages,
 * only to find that they do not suffice, would leave none to others meanwhile,
 * and it is them whom the OOM killer would then visit.
 */
#include <linux/errno.h>
#include <linux/mm.h>

#include "internal.h"

/**
 * arena_account_admit - Decide whether chunks may be allocated
 * @nr_chunks: how many
 *
 * Return: 0, or -ENOMEM if that is more than the machine has available
 * (MemAvailable in /proc/meminfo).
 */
int arena_account_admit(unsigned long nr_chunks)
{
	long nr_pages = si_mem_available();

	if (nr_pages < 0 || nr_chunks > nr_pages / ARENA_CHUNK_NR_PAGES)
		return -ENOMEM;
	return 0;
}
