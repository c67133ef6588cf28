// SPDX-License-Identifier: GPL-2.0
/*
 * Many threads and processes at one arena.
 *
 * Two kinds. Races with one right answer: of many that create an arena on one
 * file exactly one does. And storms, which only have to leave the contents
 * whole and the counts right, and are there for the kernel's own checkers: run
 * them under lockdep and KASAN, and read the log. All of them last a fixed
 * time, so that a slow kernel does less, not longer.
 */
#include <pthread.h>

#include "fault_utils.h"
#include "proc_utils.h"

#define CHUNKS 8
#define LENGTH (CHUNKS * CHUNK)
#define THREADS 6
#define STORM_SECONDS 3

FIXTURE(storm)
{
	int fd;
};

FIXTURE_SETUP(storm)
{
	need_arena();
	self->fd = must_open(O_RDWR);
}

FIXTURE_TEARDOWN(storm)
{
	close(self->fd);
}

struct worker {
	pthread_t thread;
	pthread_barrier_t *start;
	int fd;
	int index;
	double end;
	/* Of a race: 0 or -errno. Of a storm: rounds done, or -1. */
	long result;
	char *p;
};

/* Run @body in @n threads that start together; false if one cannot start. */
static bool run_workers(struct worker *workers, int n, int fd, double end,
			void *(*body)(void *))
{
	pthread_barrier_t start;
	int i;

	pthread_barrier_init(&start, NULL, n);
	for (i = 0; i < n; i++) {
		workers[i] = (struct worker) {
			.start = &start, .fd = fd, .index = i, .end = end,
		};
		if (pthread_create(&workers[i].thread, NULL, body,
				   &workers[i]))
			return false;
	}
	for (i = 0; i < n; i++)
		pthread_join(workers[i].thread, NULL);
	pthread_barrier_destroy(&start);
	return true;
}

/* Each asks for another length, so that it shows whose arena it became. */
static void *race_create(void *arg)
{
	struct worker *me = arg;

	pthread_barrier_wait(me->start);
	me->result = try_create(me->fd, (me->index + 1) * CHUNK, 0);
	return NULL;
}

TEST_F(storm, exactly_one_create_wins)
{
	const double end = now() + STORM_SECONDS;
	struct worker workers[THREADS];
	int i, winner, round;

	for (round = 0; round < 200 && now() < end; round++) {
		winner = -1;
		ASSERT_TRUE(run_workers(workers, THREADS, self->fd, 0,
					race_create));
		for (i = 0; i < THREADS; i++) {
			if (workers[i].result == -EBUSY)
				continue;
			ASSERT_EQ(0, workers[i].result);
			ASSERT_EQ(-1, winner);
			winner = i;
		}
		ASSERT_LE(0, winner);
		ASSERT_EQ((winner + 1) * CHUNK,
			  must_info(self->fd).out_length);
		close(self->fd);
		self->fd = must_open(O_RDWR);
	}
}

/* Half of them create, half map the fresh file. */
static void *race_create_or_mmap(void *arg)
{
	struct worker *me = arg;

	pthread_barrier_wait(me->start);
	if (me->index & 1) {
		me->result = try_create(me->fd, CHUNK, 0);
		return NULL;
	}
	me->p = try_mmap(me->fd, CHUNK, RW);
	me->result = me->p == MAP_FAILED ? -errno : 0;
	return NULL;
}

TEST_F(storm, create_and_mmap_make_one_arena)
{
	const double end = now() + STORM_SECONDS;
	struct worker workers[THREADS];
	int i, created, mapped, round;

	for (round = 0; round < 200 && now() < end; round++) {
		created = mapped = 0;
		ASSERT_TRUE(run_workers(workers, THREADS, self->fd, 0,
					race_create_or_mmap));
		for (i = 0; i < THREADS; i++) {
			if (workers[i].result) {
				ASSERT_EQ(-EBUSY, workers[i].result);
				continue;
			}
			created += i & 1;
			mapped += !(i & 1);
		}
		ASSERT_GE(1, created);
		ASSERT_LE(1, created + mapped);
		ASSERT_EQ(CHUNK, must_info(self->fd).out_length);
		ASSERT_EQ(mapped, must_info(self->fd).out_mappings);
		for (i = 0; i < THREADS; i += 2)
			if (!workers[i].result) {
				EXPECT_NO_FAULTS(workers[i].p, CHUNK);
				munmap(workers[i].p, CHUNK);
			}
		close(self->fd);
		self->fd = must_open(O_RDWR);
	}
}

/* What a worker does to its own mapping; its chunk keeps its pattern. */
static bool disturb(struct worker *me, char *p, unsigned int *seed)
{
	size_t at = rand_r(seed) % CHUNKS * CHUNK;

	switch (rand_r(seed) % 7) {
	case 0:
		return !madvise(p + at, CHUNK, MADV_DONTNEED);
	case 1:
		return !madvise(p, LENGTH, MADV_POPULATE_WRITE);
	case 2:
		return !mprotect(p, LENGTH, PROT_READ) &&
		       !mprotect(p, LENGTH, RW);
	case 3:
		return mmap(p + at, CHUNK, RW, MAP_SHARED | MAP_FIXED, me->fd,
			    at) == p + at;
	case 4:
		return !in_child(unlike(p + at, CHUNK, at / PAGE) == -1 ?
				 0 : 1);
	case 5:
		return try_create(me->fd, CHUNK, 0) == -EBUSY;
	default:
		return !madvise(p, LENGTH, MADV_DONTNEED);
	}
}

/* Maps the arena for itself, mistreats the mapping, and looks at all of it. */
static void *storm_own_mapping(void *arg)
{
	struct arena_ioc_info info;
	struct worker *me = arg;
	unsigned int seed = me->index;
	char *p;
	int i;

	me->result = -1;
	pthread_barrier_wait(me->start);
	for (;;) {
		p = try_mmap(me->fd, LENGTH, RW);
		if (p == MAP_FAILED)
			return NULL;
		for (i = 0; i < 8; i++) {
			if (!disturb(me, p, &seed))
				return NULL;
			if (try_info(me->fd, &info) || !info.out_mappings)
				return NULL;
		}
		if (unlike(p, LENGTH, 0) != -1 || munmap(p, LENGTH))
			return NULL;
		me->result++;
		if (now() > me->end && me->result > 0)
			return NULL;
	}
}

TEST_F_TIMEOUT(storm, threads_with_mappings_of_their_own, 120)
{
	struct worker workers[THREADS];
	char *p;
	int i;

	must_create(self->fd, LENGTH, 0);
	p = must_mmap(self->fd, LENGTH);
	fill(p, LENGTH, 0);
	ASSERT_TRUE(run_workers(workers, THREADS, self->fd,
				now() + STORM_SECONDS, storm_own_mapping));
	for (i = 0; i < THREADS; i++)
		EXPECT_LT(0, workers[i].result) TH_LOG("thread %d", i);
	EXPECT_EQ(1, must_info(self->fd).out_mappings);
	EXPECT_EQ(1, mappings_of_arena());
	EXPECT_FILLED(p, LENGTH, 0);
	faults_of(p, LENGTH, WALK_WRITE);
	EXPECT_NO_FAULTS(p, LENGTH);
}

/* One mapping for all: even workers use their chunk, odd ones take it away. */
static char *shared_mapping;

static void *storm_shared_mapping(void *arg)
{
	struct worker *me = arg;
	size_t at = me->index / 2 * CHUNK;
	char *chunk = shared_mapping + at;

	pthread_barrier_wait(me->start);
	for (me->result = 0; now() < me->end; me->result++) {
		if (me->index & 1) {
			if (madvise(chunk, CHUNK, MADV_DONTNEED))
				break;
			continue;
		}
		fill(chunk, CHUNK, me->result);
		if (unlike(chunk, CHUNK, me->result) != -1)
			break;
	}
	if (now() < me->end)
		me->result = -1;
	return NULL;
}

TEST_F_TIMEOUT(storm, threads_that_fault_while_entries_are_taken, 120)
{
	struct worker workers[THREADS];
	int i;

	shared_mapping = must_mmap(self->fd, LENGTH);
	ASSERT_TRUE(run_workers(workers, THREADS, self->fd,
				now() + STORM_SECONDS, storm_shared_mapping));
	for (i = 0; i < THREADS; i++)
		EXPECT_LT(0, workers[i].result) TH_LOG("thread %d", i);
	EXPECT_EQ(1, must_info(self->fd).out_mappings);
	walk(shared_mapping, LENGTH, WALK_WRITE);
	EXPECT_NO_FAULTS(shared_mapping, LENGTH);
}

/* Processes that make, share and leave arenas in any order, also by SIGKILL. */
static int storm_process(unsigned int seed, double end)
{
	do {
		int fd = try_open(O_RDWR);
		char *p = try_mmap(fd, LENGTH, RW);

		if (fd < 0 || p == MAP_FAILED)
			return 1;
		if (!all_zero(p, LENGTH))
			return 2;
		fill(p, LENGTH, seed);
		if (rand_r(&seed) & 1)
			close(fd);
		if (!fork()) {
			walk(p, LENGTH, WALK_WRITE);
			kill(getpid(), SIGKILL);
		}
		if (rand_r(&seed) & 1)
			munmap(p, LENGTH);
		close(fd);
		munmap(p, LENGTH);
		wait(NULL);
	} while (now() < end);
	return 0;
}

TEST_F_TIMEOUT(storm, processes_that_come_and_go, 120)
{
	const double end = now() + STORM_SECONDS;
	long memory = meminfo_kb("MemAvailable");
	pid_t child[4];
	int i;

	for (i = 0; i < ARRAY_SIZE(child); i++) {
		child[i] = fork();
		if (!child[i])
			_exit(storm_process(i, end));
	}
	for (i = 0; i < ARRAY_SIZE(child); i++)
		EXPECT_EQ(0, reap(child[i]));
	EXPECT_EQ(0, missing_kb(memory));
}

TEST_HARNESS_MAIN
