// SPDX-License-Identifier: GPL-2.0
/*
 * The fault counter: it counts what happens, where it happens, and nothing of
 * its own.
 *
 * Faults are made to order: N pages of plain memory touched are N faults and N
 * traps; N pages populated by the kernel are N faults and no trap.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>

#include "lib_utils.h"
#include "seccomp_utils.h"

#define NR_PAGES 500

FIXTURE(counter)
{
	struct arena_fault_counter *counter;
	struct arena_faults thread;
	struct arena_faults process;
};

FIXTURE_SETUP(counter)
{
	ASSERT_EQ(0, arena_fault_counter_open(&self->counter));
}

FIXTURE_TEARDOWN(counter)
{
	arena_fault_counter_close(self->counter);
}

static unsigned char *map_plain(int flags)
{
	unsigned char *plain;

	plain = mmap(NULL, NR_PAGES * 4096, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
	if (plain == MAP_FAILED)
		return NULL;
	madvise(plain, NR_PAGES * 4096, MADV_NOHUGEPAGE);
	return plain;
}

static void touch(unsigned char *plain)
{
	touch_pages(plain, NR_PAGES * 4096);
}

#define stop() \
	arena_fault_counter_stop(self->counter, &self->thread, &self->process)

#define must_have_traps() do {						\
	if (!arena_fault_counter_has_traps(self->counter))		\
		SKIP(return, "%s",					\
		     arena_fault_counter_why(self->counter));		\
} while (0)

TEST_F(counter, touched_pages_are_faults_and_traps)
{
	unsigned char *plain = map_plain(0);

	ASSERT_NE(NULL, plain);
	arena_fault_counter_start(self->counter);
	touch(plain);
	stop();
	EXPECT_EQ(NR_PAGES, self->thread.minor);
	EXPECT_EQ(NR_PAGES, self->process.minor);
	EXPECT_EQ(0, self->thread.major);
	must_have_traps();
	EXPECT_EQ(NR_PAGES, self->thread.traps);
	EXPECT_EQ(NR_PAGES, self->process.traps);
}

TEST_F(counter, populated_pages_are_faults_but_no_traps)
{
	unsigned char *plain = map_plain(0);

	ASSERT_NE(NULL, plain);
	arena_fault_counter_start(self->counter);
	madvise(plain, NR_PAGES * 4096, 23 /* POPULATE_WRITE */);
	touch(plain);
	stop();
	EXPECT_EQ(NR_PAGES, self->thread.minor);
	must_have_traps();
	EXPECT_EQ(0, self->thread.traps);
	EXPECT_EQ(0, self->process.traps);
}

TEST_F(counter, takes_no_fault_itself)
{
	int i;

	for (i = 0; i < 1000; i++) {
		arena_fault_counter_start(self->counter);
		stop();
		ASSERT_EQ(0, self->thread.minor);
		ASSERT_EQ(0, self->thread.traps);
		ASSERT_EQ(0, self->process.minor);
		ASSERT_EQ(0, self->process.traps);
	}
}

TEST_F(counter, may_be_read_again_and_started_again)
{
	unsigned char *first = map_plain(0), *second = map_plain(0);

	ASSERT_NE(NULL, first);
	ASSERT_NE(NULL, second);
	arena_fault_counter_start(self->counter);
	touch(first);
	stop();
	touch(second);
	stop();
	EXPECT_EQ(2 * NR_PAGES, self->thread.minor);
	arena_fault_counter_start(self->counter);
	arena_fault_counter_stop(self->counter, NULL, NULL);
	stop();
	EXPECT_EQ(0, self->thread.minor);
}

static pthread_barrier_t barrier;

/*
 * Be there, then touch what is passed between two meetings with the counting
 * thread.
 */
static void *touch_thread(void *plain)
{
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	touch(plain);
	pthread_barrier_wait(&barrier);
	return NULL;
}

/* Another thread's faults are the process's; a few are the barrier's own. */
#define expect_faults_of_process() do {					\
	EXPECT_GE(8, self->thread.minor);				\
	EXPECT_LE(NR_PAGES, self->process.minor);			\
	EXPECT_GE(NR_PAGES + 32, self->process.minor);			\
	must_have_traps();						\
	EXPECT_GE(8, self->thread.traps);				\
	EXPECT_LE(NR_PAGES, self->process.traps);			\
	EXPECT_GE(NR_PAGES + 32, self->process.traps);			\
} while (0)

TEST_F(counter, thread_made_after_open_counts_for_the_process)
{
	unsigned char *plain = map_plain(0);
	pthread_t thread;

	ASSERT_NE(NULL, plain);
	ASSERT_EQ(0, pthread_barrier_init(&barrier, NULL, 2));
	ASSERT_EQ(0, pthread_create(&thread, NULL, touch_thread, plain));
	pthread_barrier_wait(&barrier);
	arena_fault_counter_start(self->counter);
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	stop();
	pthread_join(thread, NULL);
	expect_faults_of_process();
}

TEST_F(counter, thread_made_before_open_counts_for_the_process)
{
	unsigned char *plain = map_plain(0);
	pthread_t thread;

	ASSERT_NE(NULL, plain);
	ASSERT_EQ(0, pthread_barrier_init(&barrier, NULL, 2));
	ASSERT_EQ(0, pthread_create(&thread, NULL, touch_thread, plain));
	pthread_barrier_wait(&barrier);
	arena_fault_counter_close(self->counter);
	ASSERT_EQ(0, arena_fault_counter_open(&self->counter));
	arena_fault_counter_start(self->counter);
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	stop();
	pthread_join(thread, NULL);
	expect_faults_of_process();
}

FIXTURE(forbidden)
{
};

FIXTURE_VARIANT(forbidden)
{
	int error;
	const char *word;
};

FIXTURE_VARIANT_ADD(forbidden, eacces)
{
	.error = EACCES, .word = "perf_event_paranoid",
};

FIXTURE_VARIANT_ADD(forbidden, eperm)
{
	.error = EPERM, .word = "perf_event_paranoid",
};

FIXTURE_VARIANT_ADD(forbidden, enosys)
{
	.error = ENOSYS, .word = "no perf events",
};

FIXTURE_VARIANT_ADD(forbidden, einval)
{
	.error = EINVAL, .word = "5.13",
};

FIXTURE_VARIANT_ADD(forbidden, eio)
{
	.error = EIO, .word = "perf_event_open",
};

FIXTURE_SETUP(forbidden)
{
	(void)variant;
}

FIXTURE_TEARDOWN(forbidden)
{
}

TEST_F(forbidden, pages_are_counted_and_the_reason_is_told)
{
	struct arena_fault_counter *counter;
	struct arena_faults thread, process;
	unsigned char *plain = map_plain(0);
	const char *why;

	ASSERT_NE(NULL, plain);
	must_fail_syscall(SYS_perf_event_open, 0, 0, 0, variant->error);
	ASSERT_EQ(0, arena_fault_counter_open(&counter));
	EXPECT_EQ(0, arena_fault_counter_has_traps(counter));
	why = arena_fault_counter_why(counter);
	ASSERT_NE(NULL, why);
	EXPECT_NE(NULL, strstr(why, variant->word));
	arena_fault_counter_start(counter);
	touch(plain);
	arena_fault_counter_stop(counter, &thread, &process);
	EXPECT_EQ(NR_PAGES, thread.minor);
	EXPECT_EQ(0, thread.traps);
	EXPECT_EQ(0, process.traps);
	arena_fault_counter_close(counter);
}

/* Nobody, under the usual perf_event_paranoid=2, gets traps in user mode. */
TEST(unprivileged_counts_user_traps_or_says_why)
{
	struct arena_fault_counter *counter;
	struct arena_faults thread;
	unsigned char *plain = map_plain(0);
	long paranoid;
	bool allowed;

	ASSERT_NE(NULL, plain);
	paranoid = proc_number("/proc/sys/kernel/perf_event_paranoid", "");
	ASSERT_EQ(0, arena_fault_counter_open(&counter));
	allowed = arena_fault_counter_has_traps(counter) && paranoid <= 2;
	arena_fault_counter_close(counter);
	if (!getuid()) {
		ASSERT_EQ(0, setuid(65534));
	}
	ASSERT_EQ(0, arena_fault_counter_open(&counter));
	if (allowed) {
		EXPECT_NE(0, arena_fault_counter_has_traps(counter));
	}
	arena_fault_counter_start(counter);
	touch(plain);
	arena_fault_counter_stop(counter, &thread, NULL);
	EXPECT_EQ(NR_PAGES, thread.minor);
	if (arena_fault_counter_has_traps(counter)) {
		EXPECT_EQ(NR_PAGES, thread.traps);
	}
	if (paranoid >= 2) {
		EXPECT_NE(NULL, strstr(arena_fault_counter_why(counter),
				       "perf_event_paranoid"));
	}
	arena_fault_counter_close(counter);
}

TEST_HARNESS_MAIN
