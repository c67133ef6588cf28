// SPDX-License-Identifier: GPL-2.0
/*
 * What ARENA_IOC_CREATE takes and ARENA_IOC_INFO tells.
 *
 * The boundaries of each field, refused with the errno that the header gives
 * it, and after each refusal a CREATE on the same file that must succeed: "on
 * failure the file is as it was before". abi_test.c has the rules that all
 * commands share.
 */
#include <limits.h>

#include "fault_utils.h"
#include "proc_utils.h"

FIXTURE(arena)
{
	int fd;
};

FIXTURE_SETUP(arena)
{
	need_arena();
	self->fd = must_open(O_RDWR);
}

FIXTURE_TEARDOWN(arena)
{
	close(self->fd);
}

/* After a refusal: no arena, and one can still be had. */
#define EXPECT_AS_BEFORE() do {						\
	fails_info(ENODATA, self->fd);					\
	EXPECT_EQ(0, try_create(self->fd, CHUNK, 0));			\
	EXPECT_EQ(CHUNK, must_info(self->fd).out_length);		\
} while (0)

TEST_F(arena, length_is_rounded_up_to_chunks)
{
	const struct { uint64_t asked, got; } table[] = {
		{ 1, CHUNK },
		{ PAGE, CHUNK },
		{ CHUNK - 1, CHUNK },
		{ CHUNK, CHUNK },
		{ CHUNK + 1, 2 * CHUNK },
		{ 3 * MIB, 2 * CHUNK },
		{ 64 * MIB, 64 * MIB },
	};
	struct arena_ioc_info info;
	size_t i;
	int fd;

	for (i = 0; i < ARRAY_SIZE(table); i++) {
		fd = must_open(O_RDWR);
		must_create(fd, table[i].asked, 0);
		info = must_info(fd);
		EXPECT_EQ(table[i].got, info.out_length);
		EXPECT_EQ(table[i].got,
			  info.out_huge_bytes + info.out_small_bytes);
		EXPECT_EQ(0, info.out_reserve_bytes);
		EXPECT_EQ(0, info.out_refaults);
		EXPECT_EQ(0, info.out_mappings);
		EXPECT_EQ(ARENA_NODE_ANY, info.out_node);
		close(fd);
	}
}

TEST_F(arena, length_0_is_einval)
{
	fails_create(EINVAL, self->fd, 0, 0);
	fails_create(EINVAL, self->fd, 0, ARENA_IOC_CREATE_HUGE);
	EXPECT_AS_BEFORE();
}

TEST_F(arena, length_larger_than_memory_is_enomem)
{
	const uint64_t ram = meminfo_kb("MemTotal") * 1024ull;

	fails_create(ENOMEM, self->fd, 2 * ram, 0);
	fails_create(ENOMEM, self->fd, 2 * ram, ARENA_IOC_CREATE_HUGE);
	fails_create(ENOMEM, self->fd, 1ull << 40, 0);
	fails_create(ENOMEM, self->fd, (1ull << 40) + 1, 0);
	fails_create(ENOMEM, self->fd, 1ull << 52, 0);
	EXPECT_AS_BEFORE();
}

/* Neither a size_t nor a file offset in the kernel can hold these. */
TEST_F(arena, length_that_cannot_be_represented_is_eoverflow)
{
	fails_create(EOVERFLOW, self->fd, UINT64_MAX, 0);
	fails_create(EOVERFLOW, self->fd, UINT64_MAX - 1, 0);
	fails_create(EOVERFLOW, self->fd, -CHUNK + 1, 0);
	fails_create(EOVERFLOW, self->fd, -CHUNK, 0);
	fails_create(EOVERFLOW, self->fd, 1ull << 63, 0);
	fails_create(EOVERFLOW, self->fd, (1ull << 63) - 1, 0);
	EXPECT_AS_BEFORE();
}

TEST_F(arena, node_that_is_not_there_is_einval)
{
	const int32_t nodes[] = {
		-2, -3, INT_MIN, INT_MAX, 64, 1023, 1024, 1025, 4096, 65536,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(nodes); i++) {
		EXPECT_EQ(-EINVAL, try_create_on(self->fd, CHUNK, 0, nodes[i]))
			TH_LOG("node %d", nodes[i]);
		EXPECT_EQ(-EINVAL,
			  try_create_on(self->fd, CHUNK,
					ARENA_IOC_CREATE_NODE_STRICT,
					nodes[i]));
	}
	EXPECT_AS_BEFORE();
}

TEST_F(arena, node_strict_without_a_node_is_einval)
{
	fails_create(EINVAL, self->fd, CHUNK, ARENA_IOC_CREATE_NODE_STRICT);
	EXPECT_AS_BEFORE();
}

static bool node_has_memory(int node)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/devices/system/node/node%d", node);
	return !access(path, F_OK) || node == 0;
}

/* move_pages(2) that moves nothing tells on which node each page is. */
static int node_of(void *p)
{
	int status = -ENODATA;

	if (syscall(SYS_move_pages, 0, 1ul, &p, NULL, &status, 0))
		return -errno;
	return status;
}

TEST_F(arena, memory_is_from_the_node_asked_for)
{
	const uint32_t flags[] = { 0, ARENA_IOC_CREATE_NODE_STRICT };
	int node, fd;
	size_t i, at;
	char *p;

	if (node_of(&node) < 0)
		SKIP(return, "move_pages: %s", strerror(-node_of(&node)));
	for (node = 0; node_has_memory(node); node++)
		for (i = 0; i < ARRAY_SIZE(flags); i++) {
			fd = must_open(O_RDWR);
			ASSERT_EQ(0, try_create_on(fd, 4 * CHUNK, flags[i],
						   node));
			EXPECT_EQ(node, must_info(fd).out_node);
			p = must_mmap(fd, 4 * CHUNK);
			for (at = 0; at < 4 * CHUNK; at += CHUNK / 2)
				EXPECT_EQ(node, node_of(p + at));
			must(munmap(p, 4 * CHUNK));
			close(fd);
		}
}

TEST_F(arena, without_a_node_the_memory_policy_decides)
{
	unsigned long nodes = 1ul << 1;
	char *p;

	if (!node_has_memory(1))
		SKIP(return, "one NUMA node");
	must(syscall(SYS_set_mempolicy, MPOL_BIND, &nodes, 64ul));
	must_create(self->fd, 4 * CHUNK, 0);
	EXPECT_EQ(ARENA_NODE_ANY, must_info(self->fd).out_node);
	p = must_mmap(self->fd, 4 * CHUNK);
	EXPECT_EQ(1, node_of(p));
	EXPECT_EQ(1, node_of(p + 3 * CHUNK));
}

/* Strict means strict: more than the node has cannot be had. */
TEST_F_TIMEOUT(arena, node_strict_does_not_take_from_another_node, 200)
{
	uint64_t ram = meminfo_kb("MemTotal") * 1024ull;

	if (!node_has_memory(1))
		SKIP(return, "one NUMA node");
	EXPECT_EQ(-ENOMEM,
		  try_create_on(self->fd, ram / 8 * 5,
				ARENA_IOC_CREATE_NODE_STRICT, 0));
	EXPECT_AS_BEFORE();
}

TEST_F(arena, second_create_is_ebusy)
{
	must_create(self->fd, CHUNK, 0);
	fails_create(EBUSY, self->fd, CHUNK, 0);
	fails_create(EBUSY, self->fd, 2 * CHUNK, ARENA_IOC_CREATE_HUGE);
	EXPECT_EQ(CHUNK, must_info(self->fd).out_length);
}

TEST_F(arena, create_after_mmap_is_ebusy)
{
	char *p = must_mmap(self->fd, CHUNK);

	fails_create(EBUSY, self->fd, CHUNK, 0);
	must(munmap(p, CHUNK));
	fails_create(EBUSY, self->fd, CHUNK, 0);
	EXPECT_EQ(CHUNK, must_info(self->fd).out_length);
}

TEST_F(arena, info_before_create_is_enodata)
{
	fails_info(ENODATA, self->fd);
	EXPECT_AS_BEFORE();
}

TEST_F(arena, huge_flag_gives_2_mib_entries_only)
{
	struct arena_ioc_info info;

	must_create(self->fd, 4 * CHUNK, ARENA_IOC_CREATE_HUGE);
	info = must_info(self->fd);
	EXPECT_EQ(4 * CHUNK, info.out_huge_bytes);
	EXPECT_EQ(0, info.out_small_bytes);
	must_mmap(self->fd, 4 * CHUNK);
	info = must_info(self->fd);
	EXPECT_EQ(4 * CHUNK, info.out_huge_bytes);
	EXPECT_EQ(0, info.out_small_bytes);
}

/* There is no reserve unless one was asked for at insmod. */
TEST_F(arena, reserved_flag_with_an_empty_reserve_is_enomem)
{
	must_create(self->fd, CHUNK, 0);
	if (must_info(self->fd).out_reserve_bytes)
		SKIP(return, "the reserve is not empty");
	close(self->fd);
	self->fd = must_open(O_RDWR);
	fails_create(ENOMEM, self->fd, CHUNK, ARENA_IOC_CREATE_RESERVED);
	fails_create(ENOMEM, self->fd, CHUNK,
		     ARENA_IOC_CREATE_RESERVED | ARENA_IOC_CREATE_HUGE);
	EXPECT_AS_BEFORE();
}

TEST_F(arena, info_needs_no_write_permission)
{
	struct arena_ioc_info info;
	int fd = must_open(O_RDONLY);

	fails_info(ENODATA, fd);
	must_mmap_at(NULL, CHUNK, PROT_READ, MAP_SHARED, fd, 0);
	info = must_info(fd);
	EXPECT_EQ(CHUNK, info.out_length);
	EXPECT_EQ(1, info.out_mappings);
	close(fd);
}

TEST_F(arena, two_files_are_two_arenas)
{
	int other = must_open(O_RDWR);
	char *p, *q;

	must_create(self->fd, CHUNK, 0);
	fails_info(ENODATA, other);
	must_create(other, 2 * CHUNK, 0);
	EXPECT_EQ(CHUNK, must_info(self->fd).out_length);
	EXPECT_EQ(2 * CHUNK, must_info(other).out_length);
	p = must_mmap(self->fd, CHUNK);
	q = must_mmap(other, CHUNK);
	fill(p, CHUNK, 0);
	EXPECT_TRUE(all_zero(q, CHUNK));
	close(other);
}

/* A descriptor that is opened again through /proc is a file of its own. */
TEST_F(arena, reopened_through_proc_is_a_fresh_file)
{
	char path[64];
	int fd;

	must_create(self->fd, CHUNK, 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", self->fd);
	fd = open(path, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, fd);
	fails_info(ENODATA, fd);
	close(fd);
	EXPECT_EQ(CHUNK, must_info(self->fd).out_length);
}

/* dup(2) gives another name of the same file. */
TEST_F(arena, duplicated_descriptor_is_the_same_arena)
{
	int fd = dup(self->fd);

	ASSERT_LE(0, fd);
	must_create(self->fd, CHUNK, 0);
	EXPECT_EQ(CHUNK, must_info(fd).out_length);
	fails_create(EBUSY, fd, CHUNK, 0);
	close(fd);
}

TEST_HARNESS_MAIN
