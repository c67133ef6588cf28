// SPDX-License-Identifier: GPL-2.0
/*
 * Traps that cannot be counted rightly: a counter whose descriptors were closed,
 * one that a forked child or another thread reads, one opened while threads are
 * being made. A zero that is not one is the worst answer; a doubled count is
 * next. The counter must say that it does not know.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>

#include "lib_utils.h"
#include "seccomp_utils.h"

#define NR_PAGES 100

static unsigned char *map_plain(void)
{
	unsigned char *plain;

	plain = mmap(NULL, NR_PAGES * 4096, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (plain == MAP_FAILED)
		return NULL;
	madvise(plain, NR_PAGES * 4096, MADV_NOHUGEPAGE);
	return plain;
}

static void touch(void *plain)
{
	touch_pages(plain, NR_PAGES * 4096);
}

FIXTURE(counter)
{
	struct arena_fault_counter *counter;
	struct arena_faults thread;
	struct arena_faults process;
	unsigned char *plain;
};

FIXTURE_SETUP(counter)
{
	self->plain = map_plain();
	ASSERT_NE(NULL, self->plain);
	ASSERT_EQ(0, arena_fault_counter_open(&self->counter));
	if (!arena_fault_counter_has_traps(self->counter))
		SKIP(return, "%s", arena_fault_counter_why(self->counter));
}

FIXTURE_TEARDOWN(counter)
{
	arena_fault_counter_close(self->counter);
}

static bool has_reason(const struct arena_fault_counter *counter,
		       const char *word)
{
	const char *why = arena_fault_counter_why(counter);

	return !arena_fault_counter_has_traps(counter) && why &&
	       strstr(why, word);
}

static void close_all(int above)
{
	int fd;

	for (fd = above; fd < 256; fd++)
		close(fd);
}

TEST_F(counter, closed_behind_its_back_is_no_zero)
{
	arena_fault_counter_start(self->counter);
	close_all(3);
	touch(self->plain);
	errno = 4711;
	arena_fault_counter_stop(self->counter, &self->thread, &self->process);
	EXPECT_EQ(4711, errno);
	EXPECT_TRUE(has_reason(self->counter, "closed"));
	EXPECT_EQ(0, self->thread.traps);
	EXPECT_EQ(0, self->process.traps);
	EXPECT_EQ(NR_PAGES, self->thread.minor);
	arena_fault_counter_start(self->counter);
	EXPECT_EQ(4711, errno);
	EXPECT_TRUE(has_reason(self->counter, "closed"));
}

/* /dev/zero reads as a count of zero, however much is asked for. */
TEST_F(counter, descriptor_that_is_another_file_is_no_zero)
{
	int fd, zero = open("/dev/zero", O_RDONLY);

	ASSERT_LE(0, zero);
	arena_fault_counter_start(self->counter);
	for (fd = 3; fd < zero; fd++)
		dup2(zero, fd);
	touch(self->plain);
	arena_fault_counter_stop(self->counter, &self->thread, NULL);
	EXPECT_TRUE(has_reason(self->counter, "closed"));
	arena_fault_counter_close(self->counter);
	self->counter = NULL;
	EXPECT_EQ(1, read(3, &fd, 1)) TH_LOG("not its own file was closed");
}

/* What the child of a fork finds; 0 if it is told what is the case. */
static int read_in_child(struct arena_fault_counter *counter, void *plain)
{
	struct arena_faults faults;

	if (!has_reason(counter, "fork"))
		return 1;
	arena_fault_counter_start(counter);
	touch(plain);
	arena_fault_counter_stop(counter, &faults, NULL);
	if (!has_reason(counter, "fork") || faults.traps)
		return 2;
	arena_fault_counter_close(counter);
	if (arena_fault_counter_open(&counter))
		return 3;
	return arena_fault_counter_has_traps(counter) ? 0 : 4;
}

TEST_F(counter, in_a_forked_child_is_no_zero)
{
	pid_t pid = fork();

	if (!pid)
		_exit(read_in_child(self->counter, self->plain));
	EXPECT_EQ(0, wait_for(pid));
	arena_fault_counter_start(self->counter);
	touch(self->plain);
	arena_fault_counter_stop(self->counter, &self->thread, NULL);
	EXPECT_TRUE(arena_fault_counter_has_traps(self->counter));
	/* What the fork has write-protected costs a few more. */
	EXPECT_LE(NR_PAGES, self->thread.traps);
	EXPECT_GE(NR_PAGES + 32, self->thread.traps);
}

static void *stop_elsewhere(void *counter)
{
	struct arena_faults faults;

	arena_fault_counter_stop(counter, &faults, NULL);
	return NULL;
}

TEST_F(counter, read_by_another_thread_is_no_count)
{
	pthread_t thread;

	arena_fault_counter_start(self->counter);
	touch(self->plain);
	ASSERT_EQ(0, pthread_create(&thread, NULL, stop_elsewhere,
				    self->counter));
	pthread_join(thread, NULL);
	EXPECT_TRUE(has_reason(self->counter, "thread"));
}

#define NR_BORN 200
/* A counter that counts twice is found out in every second. */
#define NR_ROUNDS 8

/* Threads that are born while the counter is opened, and touch when told. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int touched;
	bool go;
	bool leave;
	unsigned char *plain[NR_BORN];
} crowd = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.changed = PTHREAD_COND_INITIALIZER,
};

static void *born(void *plain)
{
	pthread_mutex_lock(&crowd.lock);
	while (!crowd.go)
		pthread_cond_wait(&crowd.changed, &crowd.lock);
	touch(plain);
	crowd.touched++;
	pthread_cond_broadcast(&crowd.changed);
	while (!crowd.leave)
		pthread_cond_wait(&crowd.changed, &crowd.lock);
	pthread_mutex_unlock(&crowd.lock);
	return NULL;
}

static void *spawn(void *nr_born)
{
	int i, *nr = nr_born;
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 1 << 18);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	for (i = 0; i < NR_BORN; i++)
		if (!pthread_create(&thread, &attr, born, crowd.plain[i]))
			__atomic_add_fetch(nr, 1, __ATOMIC_RELAXED);
	return NULL;
}

static void wait_until_touched(int nr)
{
	pthread_mutex_lock(&crowd.lock);
	crowd.go = true;
	pthread_cond_broadcast(&crowd.changed);
	while (crowd.touched < nr)
		pthread_cond_wait(&crowd.changed, &crowd.lock);
	pthread_mutex_unlock(&crowd.lock);
}

/* In a child of its own: 0 counted rightly, 1 not counted, else a failure. */
static int count_crowd(void)
{
	struct arena_fault_counter *counter;
	struct arena_faults faults;
	pthread_t spawner;
	int i, nr = 0;

	for (i = 0; i < NR_BORN; i++) {
		crowd.plain[i] = map_plain();
		if (!crowd.plain[i])
			return 100;
	}
	if (pthread_create(&spawner, NULL, spawn, &nr))
		return 101;
	/* Open when there are some and more to come. */
	while (__atomic_load_n(&nr, __ATOMIC_RELAXED) < NR_BORN / 10)
		sched_yield();
	if (arena_fault_counter_open(&counter))
		return 101;
	pthread_join(spawner, NULL);
	arena_fault_counter_start(counter);
	wait_until_touched(nr);
	arena_fault_counter_stop(counter, NULL, &faults);
	if (!arena_fault_counter_has_traps(counter))
		return has_reason(counter, "come and go") ? 1 : 102;
	/* Stacks and locks fault, too, and not by the page. */
	if (faults.traps < (uint64_t)nr * NR_PAGES)
		return 103;
	return faults.traps > faults.minor + 50 ? 104 : 0;
}

TEST_F_TIMEOUT(counter, threads_born_while_it_opens_count_once, 120)
{
	int round, result, nr_counted = 0;

	if (is_sanitized())
		SKIP(return, "sanitizers fault in every thread");
	for (round = 0; round < NR_ROUNDS; round++) {
		pid_t pid = fork();

		if (!pid)
			_exit(count_crowd());
		result = wait_for(pid);
		EXPECT_TRUE(result == 0 || result == 1)
			TH_LOG("round %d: %d", round, result);
		nr_counted += !result;
	}
	TH_LOG("counted in %d of %d rounds", nr_counted, NR_ROUNDS);
}

static void *nothing(void *unused)
{
	return unused;
}

/* Threads without end: opening gives up, and says so. */
static void *spawn_forever(void *stop)
{
	pthread_t thread;

	while (!__atomic_load_n((bool *)stop, __ATOMIC_RELAXED)) {
		if (!pthread_create(&thread, NULL, nothing, NULL))
			pthread_detach(thread);
	}
	return NULL;
}

TEST_F_TIMEOUT(counter, opening_ends_though_threads_do_not, 120)
{
	struct arena_fault_counter *counter = NULL;
	bool stop = false;
	pthread_t thread;
	int i;

	if (is_sanitized())
		SKIP(return, "sanitizers take long to make a thread");
	ASSERT_EQ(0, pthread_create(&thread, NULL, spawn_forever, &stop));
	for (i = 0; i < 20; i++) {
		ASSERT_EQ(0, arena_fault_counter_open(&counter));
		if (!arena_fault_counter_has_traps(counter))
			EXPECT_TRUE(has_reason(counter, "come and go"));
		arena_fault_counter_close(counter);
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
}

TEST(kernel_that_cannot_follow_threads_is_named)
{
	struct arena_fault_counter *counter = NULL;

	must_fail_syscall(SYS_perf_event_open, 0, 0, 0, EINVAL);
	ASSERT_EQ(0, arena_fault_counter_open(&counter));
	EXPECT_TRUE(has_reason(counter, "5.13"));
	arena_fault_counter_close(counter);
}

TEST_HARNESS_MAIN
