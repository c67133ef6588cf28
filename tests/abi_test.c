// SPDX-License-Identifier: GPL-2.0
/*
 * The rules of the ioctls: struct sizes, unknown fields, pointers, layout.
 *
 * An ABI cannot be mended once programs use it. So these tests hold the rules
 * themselves, for each command by the same code: what happens one byte below
 * the smallest struct, at it, above it with zeros and above it with something
 * in it; whether any flag bit or reserved bit is swallowed unseen; whether a
 * struct that ends at an unmapped page is copied halfway. What the fields mean
 * is tested by create_test.c.
 */
#include <limits.h>
#include <stddef.h>

#include "arena_utils.h"

/* No holes: the sum of the members is the whole. */
_Static_assert(sizeof(struct arena_ioc_create) == 4 + 4 + 8 + 4 + 4, "");
_Static_assert(offsetof(struct arena_ioc_create, length) == 8, "");
_Static_assert(offsetof(struct arena_ioc_create, node) == 16, "");
_Static_assert(offsetof(struct arena_ioc_create, __reserved) == 20, "");
_Static_assert(sizeof(struct arena_ioc_info) == 4 + 4 + 5 * 8 + 4 + 4, "");
_Static_assert(offsetof(struct arena_ioc_info, out_length) == 8, "");
_Static_assert(offsetof(struct arena_ioc_info, out_refaults) == 40, "");
_Static_assert(offsetof(struct arena_ioc_info, out_mappings) == 48, "");
_Static_assert(offsetof(struct arena_ioc_info, out_node) == 52, "");
_Static_assert(_Alignof(struct arena_ioc_create) == 8, "");
_Static_assert(_Alignof(struct arena_ioc_info) == 8, "");
_Static_assert(ARENA_IOC_CREATE == 0xa700, "");
_Static_assert(ARENA_IOC_INFO == 0xa701, "");

#define SIZE_MAX_SWEPT 4096

/*
 * Each command on a file where it succeeds, so that what a test spoils is the
 * one thing wrong.
 */
FIXTURE(command)
{
	int fd;
	/* Two pages with struct room, then one that is not mapped. */
	char *room;
	uint32_t *size;
	uint32_t *flags;
};

FIXTURE_VARIANT(command)
{
	unsigned int cmd;
	uint32_t size_min;
	uint32_t size_known;
	uint32_t flags_known;
	bool has_output;
};

FIXTURE_VARIANT_ADD(command, create)
{
	.cmd = ARENA_IOC_CREATE,
	.size_min = 24,
	.size_known = sizeof(struct arena_ioc_create),
	.flags_known = 7,
};

FIXTURE_VARIANT_ADD(command, info)
{
	.cmd = ARENA_IOC_INFO,
	.size_min = 56,
	.size_known = sizeof(struct arena_ioc_info),
	.has_output = true,
};

/* A struct at @at with which the command succeeds. */
static void make_valid(void *at, unsigned int cmd, uint32_t size)
{
	struct arena_ioc_create create = {
		.length = 1,
		.node = ARENA_NODE_ANY,
	};

	memset(at, 0, size);
	if (cmd == ARENA_IOC_CREATE)
		memcpy(at, &create, size < sizeof(create) ? size :
							    sizeof(create));
	if (size >= 4)
		memcpy(at, &size, 4);
}

FIXTURE_SETUP(command)
{
	need_arena();
	self->fd = must_open(O_RDWR);
	if (variant->cmd == ARENA_IOC_INFO)
		must_create(self->fd, 1, 0);
	self->room = mmap(NULL, 3 * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			  0);
	ASSERT_NE(MAP_FAILED, (void *)self->room);
	must(munmap(self->room + 2 * PAGE, PAGE));
	make_valid(self->room, variant->cmd, SIZE_MAX_SWEPT);
	self->size = (void *)self->room;
	self->flags = self->size + 1;
}

FIXTURE_TEARDOWN(command)
{
	close(self->fd);
}

/* A refused command must not have done anything. */
#define EXPECT_STILL_VALID() do {					\
	make_valid(self->room, variant->cmd, variant->size_known);	\
	EXPECT_EQ(0, try_ioctl(self->fd, variant->cmd, self->room));	\
} while (0)

TEST_F(command, size_below_minimum_is_einval)
{
	uint32_t size;

	for (size = 0; size < variant->size_min; size++) {
		*self->size = size;
		fails_ioctl(EINVAL, self->fd, variant->cmd, self->room);
	}
	EXPECT_STILL_VALID();
}

/* An unknown flag is looked at only once the size has been accepted. */
TEST_F(command, any_size_from_minimum_is_accepted)
{
	uint32_t size;

	*self->flags = 1U << 31;
	for (size = variant->size_min; size <= SIZE_MAX_SWEPT; size++) {
		*self->size = size;
		fails_ioctl(EOPNOTSUPP, self->fd, variant->cmd, self->room);
	}
	EXPECT_STILL_VALID();
}

TEST_F(command, larger_with_zeros_succeeds)
{
	const uint32_t over[] = {
		1, 2, 4, 8, PAGE - variant->size_known - 1,
		PAGE - variant->size_known,
	};
	size_t i;
	int fd;

	for (i = 0; i < ARRAY_SIZE(over); i++) {
		memset(self->room, 0, 2 * PAGE);
		make_valid(self->room, variant->cmd, variant->size_known);
		*self->size = variant->size_known + over[i];
		fd = must_open(O_RDWR);
		if (variant->cmd == ARENA_IOC_INFO)
			must_create(fd, 1, 0);
		must_ioctl(fd, variant->cmd, self->room);
		close(fd);
	}
}

TEST_F(command, larger_with_any_byte_set_is_e2big)
{
	uint32_t at;

	*self->size = SIZE_MAX_SWEPT;
	for (at = variant->size_known; at < SIZE_MAX_SWEPT; at++) {
		self->room[at] = 1;
		fails_ioctl(E2BIG, self->fd, variant->cmd, self->room);
		self->room[at] = 0;
	}
	*self->size = variant->size_known + 1;
	self->room[variant->size_known] = -128;
	fails_ioctl(E2BIG, self->fd, variant->cmd, self->room);
	EXPECT_STILL_VALID();
}

/* The kernel does not look for gigabytes whether they are zero. */
TEST_F(command, larger_than_a_page_is_e2big)
{
	const uint32_t sizes[] = { PAGE + 1, 2 * PAGE, 1U << 31, UINT_MAX };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		*self->size = sizes[i];
		fails_ioctl(E2BIG, self->fd, variant->cmd, self->room);
	}
	EXPECT_STILL_VALID();
}

/* What lies behind the struct that the caller named is not the kernel's. */
TEST_F(command, bytes_behind_the_struct_are_not_touched)
{
	memset(self->room, 0x5a, 2 * PAGE);
	make_valid(self->room + 64, variant->cmd, variant->size_known);
	must_ioctl(self->fd, variant->cmd, self->room + 64);
	EXPECT_EQ(0x5a, self->room[63]);
	EXPECT_EQ(0x5a, self->room[64 + variant->size_known]);
}

TEST_F(command, bad_pointer_is_efault)
{
	char *end = self->room + 2 * PAGE;
	uint32_t left;

	fails_ioctl(EFAULT, self->fd, variant->cmd, NULL);
	fails_ioctl(EFAULT, self->fd, variant->cmd, (void *)-1ul);
	fails_ioctl(EFAULT, self->fd, variant->cmd, (void *)(1ul << 63));
	fails_ioctl(EFAULT, self->fd, variant->cmd, end);
	for (left = 1; left < variant->size_known; left++) {
		memset(end - left, 0, left);
		if (left >= 4)
			memcpy(end - left, &variant->size_known, 4);
		fails_ioctl(EFAULT, self->fd, variant->cmd, end - left);
	}
	EXPECT_STILL_VALID();
}

TEST_F(command, struct_that_ends_at_an_unmapped_page_succeeds)
{
	char *at = self->room + 2 * PAGE - variant->size_known;

	make_valid(at, variant->cmd, variant->size_known);
	must_ioctl(self->fd, variant->cmd, at);
}

/* A command without out_ fields only reads its struct. */
TEST_F(command, read_only_struct)
{
	must(mprotect(self->room, PAGE, PROT_READ));
	make_valid(self->room + PAGE, variant->cmd, variant->size_known);
	EXPECT_EQ(variant->has_output ? -EFAULT : 0,
		  try_ioctl(self->fd, variant->cmd, self->room));
}

TEST_F(command, each_unknown_flag_is_eopnotsupp)
{
	int bit;

	for (bit = 0; bit < 32; bit++) {
		if (variant->flags_known & 1U << bit)
			continue;
		*self->flags = 1U << bit;
		fails_ioctl(EOPNOTSUPP, self->fd, variant->cmd, self->room);
		*self->flags |= variant->flags_known;
		fails_ioctl(EOPNOTSUPP, self->fd, variant->cmd, self->room);
	}
	EXPECT_STILL_VALID();
}

FIXTURE(device)
{
	int fd;
};

FIXTURE_SETUP(device)
{
	need_arena();
	self->fd = must_open(O_RDWR);
}

FIXTURE_TEARDOWN(device)
{
	close(self->fd);
}

TEST_F(device, reserved_bits_are_eopnotsupp)
{
	struct arena_ioc_create create = {
		.size = sizeof(create),
		.length = 1,
		.node = ARENA_NODE_ANY,
	};
	int bit;

	for (bit = 0; bit < 32; bit++) {
		create.__reserved = 1U << bit;
		fails_ioctl(EOPNOTSUPP, self->fd, ARENA_IOC_CREATE, &create);
	}
	fails_info(ENODATA, self->fd);
	create.__reserved = 0;
	must_ioctl(self->fd, ARENA_IOC_CREATE, &create);
}

TEST_F(device, what_is_written_in_out_fields_is_ignored)
{
	struct arena_ioc_info info;

	must_create(self->fd, CHUNK, 0);
	memset(&info, 0xff, sizeof(info));
	info.size = sizeof(info);
	info.flags = 0;
	must_ioctl(self->fd, ARENA_IOC_INFO, &info);
	EXPECT_EQ(CHUNK, info.out_length);
	EXPECT_EQ(0, info.out_refaults);
	EXPECT_EQ(0, info.out_mappings);
}

TEST_F(device, unknown_command_is_enotty)
{
	char room[256] = {};
	int nr;

	for (nr = 2; nr < 256; nr++)
		fails_ioctl(ENOTTY, self->fd, _IO(ARENA_IOC_TYPE, nr), room);
	for (nr = 0; nr < 2; nr++) {
		fails_ioctl(ENOTTY, self->fd, _IOR(ARENA_IOC_TYPE, nr, int),
			    room);
		fails_ioctl(ENOTTY, self->fd, _IOW(ARENA_IOC_TYPE, nr, int),
			    room);
		fails_ioctl(ENOTTY, self->fd,
			    _IOWR(ARENA_IOC_TYPE, nr, struct arena_ioc_info),
			    room);
		fails_ioctl(ENOTTY, self->fd, _IO(ARENA_IOC_TYPE - 1, nr),
			    room);
	}
	fails_ioctl(ENOTTY, self->fd, 0, room);
	fails_ioctl(ENOTTY, self->fd, 0xffffffff, room);
	fails_info(ENODATA, self->fd);
}

TEST_F(device, read_write_and_seek_are_refused)
{
	char byte = 0;

	must_create(self->fd, CHUNK, 0);
	EXPECT_EQ(-1, read(self->fd, &byte, 1));
	EXPECT_EQ(-1, write(self->fd, &byte, 1));
	EXPECT_EQ(-1, pread(self->fd, &byte, 1, 0));
	EXPECT_EQ(-1, ftruncate(self->fd, 0));
	EXPECT_EQ(CHUNK, must_info(self->fd).out_length);
}

/* abi32 lies beside this program; its exit status is the line that failed. */
TEST_F(device, layout_is_the_same_for_32_bit_callers)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 16);
	int status;

	ASSERT_LT(0, n);
	path[n] = '\0';
	strcpy(strrchr(path, '/') + 1, "abi32");
	if (access(path, X_OK))
		SKIP(return, "no abi32 beside me: the compiler lacks -m32");
	status = in_child((execl(path, path, arena_path(), NULL),
			   errno == ENOEXEC ? 126 : 127));
	if (status == 126)
		SKIP(return, "kernel runs no 32-bit programs");
	EXPECT_EQ(0, status) TH_LOG("abi32 stopped at its step %d", status);
}

TEST_HARNESS_MAIN
