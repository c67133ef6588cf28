// SPDX-License-Identifier: GPL-2.0
/*
 * How long an arena lives, and that nothing of it is left afterwards.
 *
 * The memory belongs to the open file: it must survive its maker as long as
 * anybody holds a descriptor or a mapping, and must be given back, zeroed for
 * whoever comes next, when nobody does. Ends are reached in every order:
 * descriptor first, mapping first, by exit, by SIGKILL, in another process, and
 * by SIGKILL in the middle of the making.
 */
#include <sys/socket.h>
#include <sys/time.h>

#include "fault_utils.h"
#include "proc_utils.h"

#define LENGTH (8 * CHUNK)

FIXTURE(life)
{
	int fd;
	/* A socket to the other process. */
	int here, there;
};

FIXTURE_SETUP(life)
{
	int sockets[2];

	need_arena();
	self->fd = must_open(O_RDWR);
	must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets));
	self->here = sockets[0];
	self->there = sockets[1];
}

FIXTURE_TEARDOWN(life)
{
	if (self->fd >= 0)
		close(self->fd);
}

/* One byte, and @fd with it unless that is negative. */
static int send_fd(int to, int fd)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {};
	struct iovec iov = { "", 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *head;

	if (fd >= 0) {
		msg.msg_control = control.room;
		msg.msg_controllen = sizeof(control.room);
		head = CMSG_FIRSTHDR(&msg);
		head->cmsg_level = SOL_SOCKET;
		head->cmsg_type = SCM_RIGHTS;
		head->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(head), &fd, sizeof(fd));
	}
	return sendmsg(to, &msg, 0) == 1 ? 0 : -1;
}

static int receive_fd(int from)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {};
	char byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.room,
		.msg_controllen = sizeof(control.room),
	};
	int fd = -1;

	if (recvmsg(from, &msg, MSG_CMSG_CLOEXEC) != 1)
		return -1;
	if (CMSG_FIRSTHDR(&msg))
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	return fd;
}

TEST_F(life, descriptor_closed_before_the_mapping)
{
	char *p = must_mmap(self->fd, LENGTH);

	fill(p, LENGTH, 0);
	must(close(self->fd));
	self->fd = -1;
	EXPECT_NO_FAULTS(p, LENGTH);
	EXPECT_FILLED(p, LENGTH, 0);
	must(munmap(p, CHUNK));
	EXPECT_NO_FAULTS(p + CHUNK, LENGTH - CHUNK);
	EXPECT_FILLED(p + CHUNK, LENGTH - CHUNK, CHUNK_PAGES);
	must(munmap(p, LENGTH));
}

TEST_F(life, descriptor_in_flight_keeps_the_arena)
{
	char *p = must_mmap(self->fd, LENGTH);

	fill(p, LENGTH, 0);
	ASSERT_EQ(0, send_fd(self->here, self->fd));
	must(munmap(p, LENGTH));
	must(close(self->fd));
	self->fd = receive_fd(self->there);
	ASSERT_LE(0, self->fd);
	EXPECT_EQ(LENGTH, must_info(self->fd).out_length);
	p = must_mmap(self->fd, LENGTH);
	EXPECT_NO_FAULTS(p, LENGTH);
	EXPECT_FILLED(p, LENGTH, 0);
}

TEST_F(life, passed_to_another_process)
{
	pid_t child = fork();
	char *p;

	if (!child) {
		int fd = receive_fd(self->there);
		char *q = try_mmap(fd, LENGTH, RW);

		if (q == MAP_FAILED || unlike(q, LENGTH, 0) != -1 ||
		    faults_of(q, LENGTH, WALK_WRITE))
			_exit(1);
		fill(q, LENGTH, 1000);
		_exit(0);
	}
	p = must_mmap(self->fd, LENGTH);
	fill(p, LENGTH, 0);
	ASSERT_EQ(0, send_fd(self->here, self->fd));
	EXPECT_EQ(0, reap(child));
	EXPECT_FILLED(p, LENGTH, 1000);
	EXPECT_NO_FAULTS(p, LENGTH);
}

/* The maker is killed; who got the descriptor goes on, with all of it. */
TEST_F(life, maker_is_killed)
{
	pid_t child = fork();
	char *p;

	if (!child) {
		int fd = try_open(O_RDWR);
		char *q = try_mmap(fd, LENGTH, RW);

		if (q == MAP_FAILED)
			_exit(1);
		fill(q, LENGTH, 0);
		send_fd(self->there, fd);
		pause();
		_exit(2);
	}
	close(self->fd);
	self->fd = receive_fd(self->here);
	ASSERT_LE(0, self->fd);
	must(kill(child, SIGKILL));
	EXPECT_EQ(128 + SIGKILL, reap(child));
	p = must_mmap(self->fd, LENGTH);
	EXPECT_NO_FAULTS(p, LENGTH);
	EXPECT_FILLED(p, LENGTH, 0);
}

TEST_F(life, next_arena_is_zero)
{
	const size_t length = 64 * MIB;
	int round;
	char *p;

	for (round = 0; round < 4; round++) {
		p = must_mmap(self->fd, length);
		EXPECT_TRUE(all_zero(p, length));
		memset(p, 0xa5, length);
		/* Both orders of the end. */
		if (round & 1)
			close(self->fd);
		must(munmap(p, length));
		if (!(round & 1))
			close(self->fd);
		self->fd = must_open(O_RDWR);
	}
}

/* As many as a second or so allows: what leaks shows by its number. */
TEST_F(life, thousand_arenas_leave_nothing)
{
	const double end = now() + (kernel_is_slow() ? 20 : 10);
	long rss = status_kb("RssFile");
	long memory = meminfo_kb("MemAvailable");
	int i, fd;
	char *p;

	for (i = 0; i < 1000 && now() < end; i++) {
		fd = must_open(O_RDWR);
		p = must_mmap(fd, CHUNK);
		*p = 1;
		if (i & 1)
			close(fd);
		must(munmap(p, CHUNK));
		if (!(i & 1))
			close(fd);
	}
	EXPECT_LE(100, i) TH_LOG("only %d rounds", i);
	EXPECT_EQ(0, missing_kb(memory));
	/* A page or two of the test's own text may have come. */
	EXPECT_GT(rss + (long)(CHUNK / 1024), status_kb("RssFile"));
}

static int try_make(int fd, uint64_t length, bool by_mmap)
{
	if (!by_mmap)
		return try_create(fd, length, 0);
	return try_mmap(fd, length, RW) == MAP_FAILED ? -errno : 0;
}

/*
 * Kill a child in the midst of its CREATE, or of the mmap of a fresh file; or
 * nearly: -1 if it was too fast.
 */
static double kill_while_creating(FIXTURE_DATA(life) *self, uint64_t length,
				  bool by_mmap, int delay_ms)
{
	pid_t child = fork();
	double start;
	char byte;

	if (!child) {
		send_fd(self->there, -1);
		if (!try_make(self->fd, length, by_mmap))
			send_fd(self->there, -1);
		pause();
		_exit(1);
	}
	receive_fd(self->here);
	sleep_ms(delay_ms);
	start = now();
	kill(child, SIGKILL);
	reap(child);
	start = now() - start;
	if (recv(self->here, &byte, 1, MSG_DONTWAIT) == 1)
		return -1;
	return start;
}

static void check_killed(struct __test_metadata *_metadata,
			 FIXTURE_DATA(life) *self, bool by_mmap)
{
	const long memory = meminfo_kb("MemAvailable");
	const uint64_t length = memory / 10 * 6 * 1024ull;
	const double limit = kernel_is_slow() ? 8 : 2;
	int delay_ms;
	double took;

	for (delay_ms = 64; delay_ms; delay_ms /= 2) {
		took = kill_while_creating(self, length, by_mmap, delay_ms);
		EXPECT_GT(limit, took);
		if (took >= 0)
			break;
		close(self->fd);
		self->fd = must_open(O_RDWR);
	}
	if (!delay_ms)
		SKIP(return, "it is over before it can be killed");
	fails_info(ENODATA, self->fd);
	EXPECT_EQ(0, missing_kb(memory));
	EXPECT_EQ(0, try_create(self->fd, LENGTH, 0));
}

TEST_F_TIMEOUT(life, killed_while_creating_is_gone_at_once, 120)
{
	check_killed(_metadata, self, false);
}

TEST_F_TIMEOUT(life, killed_in_mmap_is_gone_at_once, 120)
{
	check_killed(_metadata, self, true);
}

/* Holds some memory and is the first that the OOM killer would take. */
static pid_t start_canary(void)
{
	pid_t child = fork();

	if (child)
		return child;
	write_file("/proc/self/oom_score_adj", "1000");
	memset(malloc(32 * MIB), 1, 32 * MIB);
	pause();
	_exit(1);
}

/*
 * As much as the machine has, so more than is free: refused in the end, having
 * taken nothing from anybody.
 */
TEST_F_TIMEOUT(life, all_of_memory_is_enomem_and_kills_nobody, 200)
{
	const uint64_t length = meminfo_kb("MemTotal") * 1024ull / CHUNK *
				CHUNK;
	pid_t canary = start_canary();
	long memory;
	int status;

	sleep_ms(500);
	memory = meminfo_kb("MemAvailable");
	fails_create(ENOMEM, self->fd, length, 0);
	fails_create(ENOMEM, self->fd, length, ARENA_IOC_CREATE_HUGE);
	fails_mmap(ENOMEM, self->fd, length);
	fails_info(ENODATA, self->fd);
	EXPECT_EQ(0, waitpid(canary, &status, WNOHANG));
	kill(canary, SIGKILL);
	EXPECT_EQ(128 + SIGKILL, reap(canary));
	EXPECT_EQ(0, missing_kb(memory));
	EXPECT_EQ(0, try_create(self->fd, LENGTH, 0));
}

/* A signal that does not kill does not disturb. */
static void ignore(int sig)
{
}

TEST_F(life, other_signals_do_not_interrupt)
{
	struct itimerval every = { { 0, 2000 }, { 0, 2000 } }, never = {};
	struct sigaction action = { .sa_handler = ignore };
	char *p;

	must(sigaction(SIGPROF, &action, NULL));
	must(setitimer(ITIMER_PROF, &every, NULL));
	must_create(self->fd, 64 * MIB, 0);
	p = must_mmap(self->fd, 64 * MIB);
	/* The handler's own faults are not the arena's. */
	must(setitimer(ITIMER_PROF, &never, NULL));
	EXPECT_NO_FAULTS(p, 64 * MIB);
}

TEST_HARNESS_MAIN
