// SPDX-License-Identifier: GPL-2.0-only
/*
 * The reserve: zeroed chunks kept ready for arenas to come, per NUMA node.
 *
 * It cannot be filled yet: a chunk that ends is freed to the system, which
 * keeps a page that is still pinned for I/O away from everybody until the last
 * pin has gone. A reserve must do that itself, with chunks in limbo.
 */
#include "internal.h"

/**
 * arena_reserve_ready - Chunks that the reserve could hand out now
 * @node: NUMA node, or NUMA_NO_NODE for all of them
 *
 * Return: their number; 0, as the reserve cannot be filled yet.
 */
unsigned long arena_reserve_ready(int node)
{
	return 0;
}
