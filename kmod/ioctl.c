// SPDX-License-Identifier: GPL-2.0-only
/*
 * The commands of /dev/arena.
 *
 * One table says for each command how large its struct was when first
 * published, how large it is now, and whether it has a reply. The copying in
 * and out is done once, here, and only here is user memory touched; a handler
 * gets a struct that is complete and has zeros where the caller knew less.
 */
#include <linux/build_bug.h>
#include <linux/nodemask.h>
#include <linux/nospec.h>
#include <linux/uaccess.h>

#include "internal.h"

#define ARENA_IOCTL_CREATE_FLAGS \
	(ARENA_IOC_CREATE_HUGE | ARENA_IOC_CREATE_RESERVED | \
	 ARENA_IOC_CREATE_NODE_STRICT)

union arena_ioctl_cmd {
	struct arena_ioc_create create;
	struct arena_ioc_info info;
};

/* The layout is the same for every caller: fixed sizes, no holes. */
static_assert(sizeof(struct arena_ioc_create) == 24);
static_assert(offsetof(struct arena_ioc_create, length) == 8);
static_assert(offsetof(struct arena_ioc_create, node) == 16);
static_assert(sizeof(struct arena_ioc_info) == 56);
static_assert(offsetof(struct arena_ioc_info, out_length) == 8);
static_assert(offsetof(struct arena_ioc_info, out_mappings) == 48);

/* *node may be any number that a user can write. */
static int arena_ioctl_check_node(s32 *node, u32 flags)
{
	bool strict = flags & ARENA_IOC_CREATE_NODE_STRICT;

	if (*node == ARENA_NODE_ANY)
		return strict ? -EINVAL : 0;
	if (*node < 0 || *node >= MAX_NUMNODES)
		return -EINVAL;
	*node = array_index_nospec(*node, MAX_NUMNODES);
	return node_online(*node) ? 0 : -EINVAL;
}

static int arena_ioctl_create(struct arena_region *region,
			      union arena_ioctl_cmd *cmd)
{
	struct arena_ioc_create *create = &cmd->create;
	int ret;

	if (create->flags & ~ARENA_IOCTL_CREATE_FLAGS || create->__reserved)
		return -EOPNOTSUPP;
	if (!create->length)
		return -EINVAL;
	ret = arena_ioctl_check_node(&create->node, create->flags);
	if (ret)
		return ret;
	ret = arena_region_claim(region);
	if (ret)
		return -EBUSY;
	ret = arena_region_gather(region, create->length, create->flags,
				  create->node);
	if (ret) {
		arena_region_abandon(region);
		return ret;
	}
	arena_region_publish(region);
	return 0;
}

static int arena_ioctl_info(struct arena_region *region,
			    union arena_ioctl_cmd *cmd)
{
	if (cmd->info.flags)
		return -EOPNOTSUPP;
	if (!arena_region_is_ready(region))
		return -ENODATA;
	arena_region_info(region, &cmd->info);
	return 0;
}

/**
 * struct arena_ioctl_op - a command
 * @size_min: bytes of the struct's first published layout
 * @size: bytes of the struct as this kernel knows it
 * @has_reply: the struct is copied back on success
 * @execute: does it; 0 or a negative errno. A command without reply cannot fail
 *	after this, and so may publish in it.
 */
struct arena_ioctl_op {
	u32 size_min;
	u32 size;
	bool has_reply;
	int (*execute)(struct arena_region *region, union arena_ioctl_cmd *cmd);
};

#define ARENA_IOCTL_OP(_nr, _execute, _struct, _last, _has_reply)	\
	[_nr] = {							\
		.size_min = offsetofend(_struct, _last),		\
		.size = sizeof(_struct),				\
		.has_reply = _has_reply,				\
		.execute = _execute,					\
	}

static const struct arena_ioctl_op arena_ioctl_ops[] = {
	ARENA_IOCTL_OP(ARENA_IOC_NR_CREATE, arena_ioctl_create,
		       struct arena_ioc_create, __reserved, false),
	ARENA_IOCTL_OP(ARENA_IOC_NR_INFO, arena_ioctl_info,
		       struct arena_ioc_info, out_node, true),
};

static const struct arena_ioctl_op *arena_ioctl_find(unsigned int cmd)
{
	unsigned int nr = _IOC_NR(cmd);

	if (nr >= ARRAY_SIZE(arena_ioctl_ops))
		return NULL;
	nr = array_index_nospec(nr, ARRAY_SIZE(arena_ioctl_ops));
	return cmd == _IO(ARENA_IOC_TYPE, nr) ? &arena_ioctl_ops[nr] : NULL;
}

/**
 * arena_fops_ioctl - Dispatch a command
 * @file: of /dev/arena
 * @cmd: ARENA_IOC_*
 * @arg: user address of the command's struct
 *
 * Return: 0 or a negative errno, see uapi/linux/arena.h.
 */
long arena_fops_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	void __user *uptr = (void __user *)arg;
	const struct arena_ioctl_op *op = arena_ioctl_find(cmd);
	union arena_ioctl_cmd kcmd;
	u32 usize;
	int ret;

	if (!op)
		return -ENOTTY;
	if (get_user(usize, (u32 __user *)uptr))
		return -EFAULT;
	if (usize < op->size_min)
		return -EINVAL;
	/* Nobody waits for gigabytes to be found zero. */
	if (usize > PAGE_SIZE)
		return -E2BIG;
	ret = copy_struct_from_user(&kcmd, op->size, uptr, usize);
	if (ret)
		return ret;
	ret = op->execute(file->private_data, &kcmd);
	if (ret || !op->has_reply)
		return ret;
	if (copy_to_user(uptr, &kcmd, min(usize, op->size)))
		return -EFAULT;
	return 0;
}
