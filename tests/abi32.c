// SPDX-License-Identifier: GPL-2.0
/*
 * A 32-bit caller of /dev/arena; abi_test runs it.
 *
 * It is built with -m32 but without a libc, because machines that build 64-bit
 * programs seldom have a 32-bit one. The exit status is 0, or the step that
 * went wrong.
 */
#include <linux/arena.h>

#define NR_EXIT 1
#define NR_OPEN 5
#define NR_IOCTL 54
#define NR_MMAP2 192

#define O_RDWR 2
#define PROT_RW 3
#define MAP_SHARED 1
#define EINVAL 22
#define EBUSY 16

_Static_assert(sizeof(void *) == 4, "not a 32-bit program");
_Static_assert(sizeof(struct arena_ioc_create) == 24, "");
_Static_assert(sizeof(struct arena_ioc_info) == 56, "");

static long call(long nr, long a, long b, long c, long d, long e)
{
	long ret;

	/* The sixth argument, in ebp, is 0: only mmap2 looks at it. */
	asm volatile("push %%ebp\n\txor %%ebp, %%ebp\n\tint $0x80\n\tpop %%ebp"
		     : "=a"(ret)
		     : "a"(nr), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e)
		     : "memory");
	return ret;
}

static int steps(const char *path)
{
	static struct arena_ioc_create create = {
		.size = sizeof(create) - 1,
		.length = 2 * ARENA_CHUNK_SIZE,
		.node = ARENA_NODE_ANY,
	};
	static struct arena_ioc_info info = { .size = sizeof(info) };
	long fd = call(NR_OPEN, (long)path, O_RDWR, 0, 0, 0);
	volatile char *p;
	unsigned long at;

	if (fd < 0)
		return 1;
	if (call(NR_IOCTL, fd, ARENA_IOC_CREATE, (long)&create, 0, 0) !=
	    -EINVAL)
		return 2;
	create.size = sizeof(create);
	if (call(NR_IOCTL, fd, ARENA_IOC_CREATE, (long)&create, 0, 0))
		return 3;
	if (call(NR_IOCTL, fd, ARENA_IOC_CREATE, (long)&create, 0, 0) != -EBUSY)
		return 4;
	p = (void *)call(NR_MMAP2, 0, 2 * ARENA_CHUNK_SIZE, PROT_RW,
			 MAP_SHARED, fd);
	if ((unsigned long)p > -4096ul)
		return 5;
	if ((unsigned long)p % ARENA_CHUNK_SIZE)
		return 6;
	for (at = 0; at < 2 * ARENA_CHUNK_SIZE; at += 4096)
		if (p[at]++)
			return 7;
	if (call(NR_IOCTL, fd, ARENA_IOC_INFO, (long)&info, 0, 0))
		return 8;
	if (info.out_length != 2 * ARENA_CHUNK_SIZE || info.out_refaults ||
	    info.out_mappings != 1 || info.out_node != ARENA_NODE_ANY)
		return 9;
	if (info.out_huge_bytes + info.out_small_bytes != info.out_length)
		return 10;
	return 0;
}

/* The stack at entry: argc, then argv. */
__attribute__((used)) static void start(long *stack)
{
	char **argv = (char **)(stack + 1);

	call(NR_EXIT, stack[0] < 2 ? 11 : steps(argv[1]), 0, 0, 0, 0);
}

asm(".globl _start\n_start:\n\tmov %esp, %eax\n\tpush %eax\n\tcall start\n");
