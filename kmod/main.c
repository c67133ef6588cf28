// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/arena: physically pinned, populated memory through mmap.
 *
 * Each open file is an arena of its own (region.c); without open files the module
 * holds no memory.
 */
#include <linux/miscdevice.h>
#include <linux/module.h>

#include "internal.h"

/*
 * The file's mapping is replaced in open(), not in mmap(): the core counts
 * writable mappings of f_mapping before and after it calls mmap().
 */
static int arena_fops_open(struct inode *inode, struct file *file)
{
	struct arena_region *region = arena_region_open();

	if (IS_ERR(region))
		return PTR_ERR(region);
	file->private_data = region;
	file->f_mapping = region->inode->i_mapping;
	return nonseekable_open(inode, file);
}

static int arena_fops_release(struct inode *inode, struct file *file)
{
	arena_region_release(file->private_data);
	return 0;
}

static const struct file_operations arena_fops = {
	.owner = THIS_MODULE,
	.open = arena_fops_open,
	.release = arena_fops_release,
	.unlocked_ioctl = arena_fops_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.mmap = arena_fops_mmap,
	.get_unmapped_area = arena_fops_get_unmapped_area,
	.show_fdinfo = arena_fops_show_fdinfo,
};

static struct miscdevice arena_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "arena",
	.mode = 0660,
	.fops = &arena_fops,
};

/*
 * Without 2 MiB entries there is nothing to offer, and Linux 6.1 would make
 * them all the same where the hardware has none (a Xen PV guest).
 */
static int __init arena_init(void)
{
	if (!has_transparent_hugepage()) {
		pr_err("arena: this machine has no 2 MiB pages\n");
		return -ENODEV;
	}
	return misc_register(&arena_misc);
}
module_init(arena_init);

static void __exit arena_exit(void)
{
	misc_deregister(&arena_misc);
}
module_exit(arena_exit);

MODULE_DESCRIPTION("Pinned, populated memory for loops with deadlines");
MODULE_AUTHOR("The arena maintainers");
MODULE_LICENSE("GPL");
MODULE_VERSION("0.1.0");
