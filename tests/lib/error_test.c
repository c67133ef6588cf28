// SPDX-License-Identifier: GPL-2.0
/*
 * Errors of creating an arena, but for those of the device (fallback_test), and
 * the texts for all.
 */
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "error_utils.h"
#include "seccomp_utils.h"

TEST(size_zero_is_einval)
{
	fails_create(EINVAL, 0, NULL);
}

TEST(size_that_cannot_be_is_eoverflow)
{
	fails_create(EOVERFLOW, SIZE_MAX, NULL);
	fails_create(EOVERFLOW, SIZE_MAX - 63, NULL);
	fails_create(EOVERFLOW, PTRDIFF_MAX, NULL);
}

TEST(larger_than_memory_is_enomem)
{
	struct arena_options options = ARENA_OPTIONS_INIT;
	long vm_kib = proc_number("/proc/self/status", "VmSize:");

	options.backend = ARENA_BACKEND_ANONYMOUS;
	fails_create(ENOMEM, (size_t)1 << 46, &options);
	fails_create(ENOMEM, (size_t)sysconf(_SC_PHYS_PAGES) *
			     (size_t)sysconf(_SC_PAGESIZE), &options);
	EXPECT_EQ(vm_kib, proc_number("/proc/self/status", "VmSize:"));
}

/*
 * Less than the machine has, more than is free: the kernel would promise it, and
 * send the OOM killer when it is populated.
 */
TEST(more_than_is_free_is_enomem)
{
	struct arena_options options = ARENA_OPTIONS_INIT;
	long total_kib = proc_number("/proc/meminfo", "MemTotal:");
	FILE *file;

	options.backend = ARENA_BACKEND_ANONYMOUS;
	/* Should it come to that, this process goes first. */
	file = fopen("/proc/self/oom_score_adj", "we");
	if (file) {
		fputs("1000", file);
		fclose(file);
	}
	ASSERT_LT(0, total_kib);
	fails_create(ENOMEM, ((size_t)total_kib << 10) - 8 * MIB, &options);
}

TEST(options_too_small_are_einval)
{
	struct arena_options options = ARENA_OPTIONS_INIT;

	options.size = 0;
	fails_create(EINVAL, MIB, &options);
	options.size = sizeof(options) - 1;
	fails_create(EINVAL, MIB, &options);
}

struct newer_options {
	struct arena_options known;
	unsigned long unknown;
};

TEST(options_of_a_newer_program_are_e2big_if_used)
{
	struct newer_options options = {
		.known = { .size = sizeof(options),
			   .backend = ARENA_BACKEND_ANONYMOUS },
	};
	struct arena *arena = NULL;

	EXPECT_EQ(0, arena_create(MIB, &options.known, &arena));
	arena_destroy(arena);
	options.unknown = 1UL << 56;
	fails_create(E2BIG, MIB, &options.known);
}

/* A size that was never set must not be walked along. */
TEST(options_larger_than_a_page_are_e2big)
{
	struct arena_options *options = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
					     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct arena *arena = NULL;

	ASSERT_NE(MAP_FAILED, options);
	ASSERT_EQ(0, munmap((char *)options + 4096, 4096));
	options->backend = ARENA_BACKEND_ANONYMOUS;
	options->size = 4097;
	fails_create(E2BIG, MIB, options);
	options->size = SIZE_MAX;
	fails_create(E2BIG, MIB, options);
	options->size = 4096;
	EXPECT_EQ(0, arena_create(MIB, options, &arena));
	arena_destroy(arena);
}

TEST(unknown_backend_or_guarantee_is_eopnotsupp)
{
	struct arena_options options = ARENA_OPTIONS_INIT;

	options.backend = 3;
	fails_create(EOPNOTSUPP, MIB, &options);
	options.backend = ARENA_BACKEND_ANY;
	options.require = 1U << 5;
	fails_create(EOPNOTSUPP, MIB, &options);
}

TEST(anonymous_and_pinned_is_eopnotsupp)
{
	fails_device(EOPNOTSUPP, NULL, ARENA_BACKEND_ANONYMOUS,
		     ARENA_GUARANTEE_PINNED);
}

TEST(huge_where_it_is_disabled_is_eopnotsupp)
{
	struct arena *arena = NULL;

	ASSERT_EQ(0, prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0));
	fails_device(EOPNOTSUPP, NULL, ARENA_BACKEND_ANONYMOUS,
		     ARENA_GUARANTEE_HUGE);
	ASSERT_EQ(0, try_device(NULL, ARENA_BACKEND_ANONYMOUS, 0, &arena));
	EXPECT_EQ(0, arena_guarantees(arena) & ARENA_GUARANTEE_HUGE);
	EXPECT_NE(0, arena_guarantees(arena) & ARENA_GUARANTEE_POPULATED);
	arena_destroy(arena);
}

/* As nobody with a limit of @limit: first required, then not. */
static int lock_limit_child(rlim_t limit)
{
	struct rlimit limits = { limit, limit };
	struct arena *arena;
	unsigned int guarantees;

	if (setrlimit(RLIMIT_MEMLOCK, &limits) ||
	    (!getuid() && (setgid(NOBODY) || setuid(NOBODY))))
		return 255;
	if (try_device(NULL, ARENA_BACKEND_ANONYMOUS, ARENA_GUARANTEE_LOCKED,
		       &arena) != -EDQUOT)
		return 1;
	if (try_device(NULL, ARENA_BACKEND_ANONYMOUS, 0, &arena))
		return 2;
	guarantees = arena_guarantees(arena);
	if (guarantees & ARENA_GUARANTEE_LOCKED)
		return 3;
	if (!(guarantees & ARENA_GUARANTEE_POPULATED))
		return 4;
	if (proc_number("/proc/self/status", "VmLck:"))
		return 5;
	return 0;
}

TEST(memlock_limit_is_edquot_if_required)
{
	static const rlim_t limits[] = { 0, 65536 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(limits); i++) {
		pid_t pid = fork();

		if (!pid)
			_exit(lock_limit_child(limits[i]));
		EXPECT_EQ(0, wait_for(pid));
	}
	EXPECT_NE(NULL, strstr(arena_strerror(-EDQUOT), "ulimit -l"));
}

/* A process that locks all that it maps, as nobody with a limit. */
static int lock_all_child(void)
{
	struct rlimit limits = { 6 * MIB, 6 * MIB };
	struct arena_options options = ARENA_OPTIONS_INIT;
	struct arena *arena;

	if (setrlimit(RLIMIT_MEMLOCK, &limits) ||
	    (!getuid() && (setgid(NOBODY) || setuid(NOBODY))) ||
	    mlockall(MCL_FUTURE))
		return 255;
	options.backend = ARENA_BACKEND_ANONYMOUS;
	if (arena_create(64 * MIB, &options, &arena) != -EDQUOT)
		return 1;
	return arena_create(MIB, &options, &arena) ? 2 : 0;
}

TEST(limit_of_a_process_that_locks_all_is_edquot)
{
	int status;
	pid_t pid;

	if (is_sanitized())
		SKIP(return, "sanitizers make mlockall() do nothing");
	pid = fork();
	if (!pid)
		_exit(lock_all_child());
	status = wait_for(pid);
	if (status == 255)
		SKIP(return, "mlockall() is not to be had here");
	EXPECT_EQ(0, status);
}

/* A policy that forbids mlock() is not the limit. */
TEST(mlock_forbidden_is_eperm_if_required)
{
	struct rlimit limits;
	struct arena *arena = NULL;

	ASSERT_EQ(0, getrlimit(RLIMIT_MEMLOCK, &limits));
	if (!limits.rlim_cur)
		SKIP(return, "the limit is 0");
	must_fail_syscall(SYS_mlock, 0, 0, 0, EPERM);
	fails_device(EPERM, NULL, ARENA_BACKEND_ANONYMOUS,
		     ARENA_GUARANTEE_LOCKED);
	ASSERT_EQ(0, try_device(NULL, ARENA_BACKEND_ANONYMOUS, 0, &arena));
	EXPECT_EQ(0, arena_guarantees(arena) & ARENA_GUARANTEE_LOCKED);
	arena_destroy(arena);
}

/* ESTALE, ENOSPC and the errors of matrices and carving: see their tests. */
TEST(every_error_has_a_text_of_its_own)
{
	static const int errors[] = {
		E2BIG, EACCES, EBUSY, EDQUOT, EINVAL, EMFILE, ENFILE, ENODEV,
		ENOENT, ENOMEM, ENOSPC, ENOTTY, ENXIO, EOPNOTSUPP, EOVERFLOW,
		EPERM, ESTALE,
	};
	size_t i, nr_texts = 0;
	int error;

	for (i = 0; i < ARRAY_SIZE(errors); i++)
		EXPECT_TRUE(has_text(-errors[i]));
	for (error = 1; error < 4096; error++)
		nr_texts += has_text(-error);
	EXPECT_EQ(ARRAY_SIZE(errors), nr_texts);
	EXPECT_STREQ("no error", arena_strerror(0));
	/* No remedy that is none. */
	EXPECT_EQ(NULL, strstr(arena_strerror(-EDQUOT), "/sys/"));
	EXPECT_NE(NULL, strstr(arena_strerror(-EPERM), "container"));
	EXPECT_NE(NULL, strstr(arena_strerror(-ENOMEM), "2 MiB"));
	EXPECT_NE(NULL, arena_strerror(1));
	EXPECT_NE(NULL, arena_strerror(INT32_MIN));
}

TEST(errno_is_left_as_it_was)
{
	struct arena_fault_counter *counter;
	struct arena *arena;

	errno = 4711;
	ASSERT_EQ(-ENOENT, try_device("/nonexistent/arena",
				      ARENA_BACKEND_DEVICE, 0, &arena));
	EXPECT_EQ(4711, errno);
	ASSERT_EQ(0, try_device(NULL, ARENA_BACKEND_ANONYMOUS, 0, &arena));
	arena_destroy(arena);
	arena_destroy(NULL);
	ASSERT_EQ(0, arena_fault_counter_open(&counter));
	arena_fault_counter_close(counter);
	arena_fault_counter_close(NULL);
	EXPECT_EQ(4711, errno);
}

TEST_HARNESS_MAIN
