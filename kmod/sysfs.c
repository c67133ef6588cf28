// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an administrator sees: /proc/<pid>/fdinfo of an arena's descriptor.
 */
#include "internal.h"

/**
 * arena_fops_show_fdinfo - Describe the arena of a descriptor, a value a line
 * @seq: /proc/<pid>/fdinfo/<fd>
 * @file: of /dev/arena
 *
 * A file without an arena has no lines of its own. The values are those of struct
 * arena_ioc_info; sizes are in kB, as elsewhere in /proc.
 */
void arena_fops_show_fdinfo(struct seq_file *seq, struct file *file)
{
	struct arena_region *region = file->private_data;
	struct arena_ioc_info info = {};

	if (!arena_region_is_ready(region))
		return;
	arena_region_info(region, &info);
	seq_printf(seq, "arena-length:\t%llu kB\n", info.out_length >> 10);
	seq_printf(seq, "arena-huge:\t%llu kB\n", info.out_huge_bytes >> 10);
	seq_printf(seq, "arena-small:\t%llu kB\n", info.out_small_bytes >> 10);
	seq_printf(seq, "arena-reserve:\t%llu kB\n",
		   info.out_reserve_bytes >> 10);
	seq_printf(seq, "arena-refaults:\t%llu\n", info.out_refaults);
	seq_printf(seq, "arena-mappings:\t%u\n", info.out_mappings);
	seq_printf(seq, "arena-node:\t%d\n", info.out_node);
}
