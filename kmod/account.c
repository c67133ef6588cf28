// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who is charged for what.
 *
 * Arena memory is charged to the cgroup of the task that asks for it by the
 * page allocator itself (__GFP_ACCOUNT in pages.c). What is counted here is the
 * sum over all arenas, so that a length that no machine memory could ever back
 * is refused before the first page is taken, not after the last one is gone.
 * Chunks that outlive their arena because they are pinned for I/O do not count
 * any more.
 *
 * The counter changes only here, and a charge is for whole chunks.
 */
#include <linux/atomic.h>
#include <linux/errno.h>
#include <linux/mm.h>

#include "internal.h"

/* Chunks of all arenas, ready or being made. */
static atomic_long_t arena_account_nr_chunks = ATOMIC_LONG_INIT(0);

/**
 * arena_account_charge - Account for chunks before they are allocated
 * @nr_chunks: how many
 *
 * Return: 0, or -ENOMEM if all arenas together would be larger than the
 * machine's memory. Nothing is charged then.
 */
int arena_account_charge(unsigned long nr_chunks)
{
	unsigned long nr_chunks_max = totalram_pages() / ARENA_CHUNK_NR_PAGES;
	long nr_charged = atomic_long_read(&arena_account_nr_chunks);

	do {
		if (nr_chunks > nr_chunks_max ||
		    nr_charged > nr_chunks_max - nr_chunks)
			return -ENOMEM;
	} while (!atomic_long_try_cmpxchg(&arena_account_nr_chunks, &nr_charged,
					  nr_charged + nr_chunks));
	return 0;
}

/**
 * arena_account_uncharge - Take back what arena_account_charge() accounted for
 * @nr_chunks: how many
 */
void arena_account_uncharge(unsigned long nr_chunks)
{
	atomic_long_sub(nr_chunks, &arena_account_nr_chunks);
}
