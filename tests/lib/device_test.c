// SPDX-License-Identifier: GPL-2.0
/*
 * The library on the real /dev/arena; skipped where the module is not loaded.
 *
 * Here is what only the device does. The other programs ask the same of it as
 * of anonymous memory, with ARENA_TEST_BACKEND=device.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "lib_utils.h"

#define SIZE (8 * MIB)

static int try_backend(unsigned int backend, unsigned int require,
		       struct arena **arena)
{
	struct arena_options options = ARENA_OPTIONS_INIT;

	options.backend = backend;
	options.require = require;
	return arena_create(SIZE, &options, arena);
}

FIXTURE(device)
{
	struct arena *arena;
};

FIXTURE_SETUP(device)
{
	struct stat stat_buf;

	if (stat("/dev/arena", &stat_buf))
		SKIP(return, "no /dev/arena: the module is not loaded");
	ASSERT_EQ(0, try_backend(ARENA_BACKEND_DEVICE, 0, &self->arena));
}

FIXTURE_TEARDOWN(device)
{
	arena_destroy(self->arena);
}

TEST_F(device, is_taken_without_being_asked_for)
{
	struct arena *arena = NULL;

	ASSERT_EQ(0, try_backend(ARENA_BACKEND_ANY, 0, &arena));
	EXPECT_EQ(ARENA_BACKEND_DEVICE, arena_backend(arena));
	EXPECT_STREQ("device", arena_backend_name(arena));
	arena_destroy(arena);
}

TEST_F(device, keeps_its_guarantees)
{
	unsigned int always = ARENA_GUARANTEE_POPULATED |
			      ARENA_GUARANTEE_LOCKED | ARENA_GUARANTEE_PINNED |
			      ARENA_GUARANTEE_DIRECT_IO;

	EXPECT_EQ(always, arena_guarantees(self->arena) & always);
	TH_LOG("huge: %s", arena_guarantees(self->arena) &
			   ARENA_GUARANTEE_HUGE ? "yes" : "no");
}

TEST_F(device, pinned_can_be_required)
{
	struct arena *arena = NULL;

	ASSERT_EQ(0, try_backend(ARENA_BACKEND_ANY, ARENA_GUARANTEE_PINNED,
				 &arena));
	EXPECT_EQ(ARENA_BACKEND_DEVICE, arena_backend(arena));
	arena_destroy(arena);
}

TEST_F(device, huge_that_is_required_is_there_or_fails)
{
	struct arena *arena = NULL;
	int error;

	error = try_backend(ARENA_BACKEND_DEVICE, ARENA_GUARANTEE_HUGE, &arena);
	if (error) {
		EXPECT_EQ(-ENOMEM, error);
		return;
	}
	EXPECT_NE(0, arena_guarantees(arena) & ARENA_GUARANTEE_HUGE);
	arena_destroy(arena);
}

/* Kernels differ in what PR_SET_THP_DISABLE stops: it works, or it is EPERM. */
TEST_F(device, huge_where_it_is_disabled_is_there_or_eperm)
{
	struct arena *arena = NULL;
	int error;

	ASSERT_EQ(0, prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0));
	error = try_backend(ARENA_BACKEND_DEVICE, ARENA_GUARANTEE_HUGE, &arena);
	if (error == -ENOMEM)
		SKIP(return, "no compound page to be had");
	if (!error) {
		EXPECT_NE(0, arena_guarantees(arena) & ARENA_GUARANTEE_HUGE);
		arena_destroy(arena);
		return;
	}
	EXPECT_EQ(-EPERM, error);
	EXPECT_EQ(NULL, arena);
}

/* HUGE is reported if and only if the page table has it. */
TEST_F(device, huge_is_what_smaps_says)
{
	const char *rollup = "/proc/self/smaps_rollup";
	int disabled;

	for (disabled = 0; disabled < 2; disabled++) {
		long before = proc_number(rollup, "FilePmdMapped:");
		struct arena *arena = NULL;
		bool mapped, reported;

		ASSERT_EQ(0, prctl(PR_SET_THP_DISABLE, disabled, 0, 0, 0));
		ASSERT_EQ(0, try_backend(ARENA_BACKEND_DEVICE, 0, &arena));
		mapped = proc_number(rollup, "FilePmdMapped:") - before >=
			 (long)(SIZE >> 10);
		reported = arena_guarantees(arena) & ARENA_GUARANTEE_HUGE;
		EXPECT_EQ(mapped, reported);
		arena_destroy(arena);
	}
}

TEST_F(device, whole_arena_is_zero_and_without_faults)
{
	struct arena_fault_counter *counter;
	struct arena_faults faults;
	unsigned char *block = must_alloc(self->arena, SIZE);
	size_t i, nonzero = 0;

	ASSERT_EQ(0, arena_fault_counter_open(&counter));
	arena_fault_counter_start(counter);
	for (i = 0; i < SIZE; i++)
		nonzero += block[i] != 0;
	touch_pages(block, SIZE);
	arena_fault_counter_stop(counter, &faults, NULL);
	EXPECT_EQ(0, nonzero);
	EXPECT_EQ(0, faults.minor);
	EXPECT_EQ(0, faults.major);
	EXPECT_EQ(0, faults.traps);
	arena_fault_counter_close(counter);
}

TEST_F(device, is_shared_with_a_forked_child)
{
	volatile unsigned char *block = must_alloc(self->arena, 4096);
	pid_t pid;

	block[0] = 1;
	pid = fork();
	if (!pid) {
		block[4095] = block[0] + 1;
		_exit(0);
	}
	EXPECT_EQ(0, wait_for(pid));
	EXPECT_EQ(2, block[4095]);
}

TEST_F(device, larger_than_memory_is_enomem)
{
	struct arena_options options = ARENA_OPTIONS_INIT;
	struct arena *arena = NULL;

	options.backend = ARENA_BACKEND_DEVICE;
	EXPECT_EQ(-ENOMEM, arena_create((size_t)1 << 46, &options, &arena));
	EXPECT_EQ(NULL, arena);
}

/* Permission denied is an error, never a reason to fall back. */
TEST_F(device, not_permitted_is_eacces)
{
	struct arena *arena;
	pid_t pid;

	if (getuid())
		SKIP(return, "needs root, to become somebody else");
	pid = fork();
	if (!pid) {
		if (setgid(65534) || setuid(65534))
			_exit(255);
		if (!access("/dev/arena", R_OK | W_OK))
			_exit(254);
		_exit(-try_backend(ARENA_BACKEND_ANY, 0, &arena));
	}
	EXPECT_EQ(EACCES, wait_for(pid));
}

TEST_F(device, create_and_destroy_leave_nothing)
{
	long size = proc_number("/proc/self/status", "VmSize:");
	int fd = dup(0), i;

	close(fd);
	for (i = 0; i < 20; i++) {
		struct arena *arena;

		ASSERT_EQ(0, try_backend(ARENA_BACKEND_DEVICE, 0, &arena));
		arena_destroy(arena);
	}
	EXPECT_EQ(size, proc_number("/proc/self/status", "VmSize:"));
	EXPECT_EQ(fd, dup(0));
}

TEST_HARNESS_MAIN
