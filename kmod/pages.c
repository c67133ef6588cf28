// SPDX-License-Identifier: GPL-2.0-only
/*
 * Chunks from and to the page allocator.
 *
 * A chunk is one compound page of 2 MiB, or, where the system has none and the
 * arena may do without, 512 single pages. Neither kind is movable: the pages
 * are not on an LRU list and have no owner that could migrate them, so that
 * compaction, KSM and reclaim pass by.
 *
 * The allocator is asked politely. A compound page is tried once, with one round
 * of reclaim and compaction, unless the arena must have them; then, and for
 * single pages, it tries hard. Chunks and their books never call the OOM killer:
 * memory that lives for long is no reason to kill somebody. Page tables that
 * map them do, as all page tables may.
 */
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "internal.h"

#define ARENA_PAGES_GFP (GFP_USER | __GFP_ACCOUNT | __GFP_ZERO | __GFP_NOWARN)

static gfp_t arena_pages_gfp(u32 flags)
{
	if (flags & ARENA_IOC_CREATE_NODE_STRICT)
		return ARENA_PAGES_GFP | __GFP_THISNODE;
	return ARENA_PAGES_GFP;
}

/*
 * Without a node it is the caller's memory policy that decides, as it does for
 * malloc() under numactl.
 */
static struct page *arena_pages_alloc_order(gfp_t gfp, int node,
					    unsigned int order)
{
	if (node == NUMA_NO_NODE)
		return alloc_pages(gfp, order);
	/* It may have gone since it was asked for. */
	if (!node_online(node))
		return NULL;
	return alloc_pages_node(node, gfp, order);
}

/*
 * The core maps a large folio by one entry only if the folio lies inside the
 * file. The index is what it computes that from, and a page fresh from the
 * allocator carries the one of its last user.
 */
static void arena_pages_set_index(struct page *page, pgoff_t pgoff)
{
	page_folio(page)->index = pgoff;
}

static int arena_pages_alloc_single(struct arena_chunk *chunk, u32 flags,
				    int node, pgoff_t pgoff)
{
	gfp_t gfp = arena_pages_gfp(flags) | __GFP_RETRY_MAYFAIL;
	unsigned int i;

	int ret = -ENOMEM;

	chunk->pages = kcalloc(ARENA_CHUNK_NR_PAGES, sizeof(*chunk->pages),
			       ARENA_BOOKS_GFP);
	if (!chunk->pages)
		return ret;
	for (i = 0; i < ARENA_CHUNK_NR_PAGES; i++) {
		if (fatal_signal_pending(current)) {
			ret = -EINTR;
			goto out_free_pages;
		}
		chunk->pages[i] = arena_pages_alloc_order(gfp, node, 0);
		if (!chunk->pages[i])
			goto out_free_pages;
		arena_pages_set_index(chunk->pages[i], pgoff + i);
	}
	chunk->small_entries = true;
	return 0;

out_free_pages:
	arena_pages_free(chunk);
	return ret;
}

/**
 * arena_pages_alloc - Fill a chunk with zeroed memory
 * @chunk: all zero
 * @flags: ARENA_IOC_CREATE_* of its arena
 * @node: node to take it from, or NUMA_NO_NODE
 * @pgoff: where the chunk lies in its arena, in pages
 *
 * Context: may sleep; charges the cgroup of the current task.
 *
 * Return: 0; -ENOMEM; -EINTR if a fatal signal arrived. On failure @chunk is all
 * zero.
 */
int arena_pages_alloc(struct arena_chunk *chunk, u32 flags, int node,
		      pgoff_t pgoff)
{
	gfp_t gfp = arena_pages_gfp(flags) | __GFP_COMP;

	gfp |= flags & ARENA_IOC_CREATE_HUGE ? __GFP_RETRY_MAYFAIL :
					       __GFP_NORETRY;
	chunk->head = arena_pages_alloc_order(gfp, node, HPAGE_PMD_ORDER);
	if (chunk->head) {
		arena_pages_set_index(chunk->head, pgoff);
		return 0;
	}
	if (flags & ARENA_IOC_CREATE_HUGE)
		return -ENOMEM;
	return arena_pages_alloc_single(chunk, flags, node, pgoff);
}

/*
 * The page allocator takes a poisoned single page out of use, but not one inside
 * a compound page: its next user would zero it, and die of that.
 */
static bool arena_pages_is_poisoned(struct page *head)
{
	unsigned int i;

	for (i = 0; i < ARENA_CHUNK_NR_PAGES; i++)
		if (PageHWPoison(head + i))
			return true;
	return false;
}

/**
 * arena_pages_free - Give up the chunk's references of its pages
 * @chunk: filled in whole, in part or not at all; all zero afterwards
 *
 * A page that is still mapped or pinned for I/O goes back to the system when
 * the last of those has gone.
 */
void arena_pages_free(struct arena_chunk *chunk)
{
	unsigned int i;

	if (chunk->head && arena_pages_is_poisoned(chunk->head))
		pr_warn_once("arena: 2 MiB with bad memory stay out of use\n");
	else if (chunk->head)
		put_page(chunk->head);
	for (i = 0; chunk->pages && i < ARENA_CHUNK_NR_PAGES; i++)
		if (chunk->pages[i])
			put_page(chunk->pages[i]);
	kfree(chunk->pages);
	memset(chunk, 0, sizeof(*chunk));
}

/**
 * arena_pages_get - Get a page of a chunk
 * @chunk: a filled one
 * @index: which of its 4 KiB pages
 *
 * Return: the page with a reference more; or NULL if it has so many that one
 * more could wrap, as four million mappings of a chunk by 4 KiB entries make.
 */
struct page *arena_pages_get(const struct arena_chunk *chunk,
			     unsigned int index)
{
	struct page *page = chunk->head ? chunk->head + index :
					  chunk->pages[index];

	if (page_ref_count(compound_head(page)) < 0)
		return NULL;
	get_page(page);
	return page;
}
