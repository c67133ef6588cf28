// SPDX-License-Identifier: GPL-2.0
/*
 * Pins: I/O that holds pages of an arena beyond one call, up to beyond the
 * arena's end.
 *
 * io_uring's registered buffers and AF_XDP's umem pin for long (FOLL_LONGTERM);
 * a pipe filled by vmsplice(2) and a socket with MSG_ZEROCOPY hold references.
 * When the arena ends first, its pages must wait for them: what is in the pipe
 * has to stay what it was, whoever gets memory next, and the memory must come
 * back when the pipe is closed.
 */
#include "fault_utils.h"
#include "proc_utils.h"

#include <linux/errqueue.h>
#include <linux/if_xdp.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>

#ifdef HAVE_LIBURING
#include <liburing.h>
#endif

#ifndef AF_XDP
#define AF_XDP 44
#endif
#ifndef SOL_XDP
#define SOL_XDP 283
#endif

#define CHUNKS 32
#define LENGTH (CHUNKS * CHUNK)
/* A leak of so many arenas would be seen. */
#define ROUNDS 6

FIXTURE(pin)
{
	int fd;
	char *p;
};

#define new_arena() do {						\
	self->fd = must_open(O_RDWR);					\
	self->p = must_mmap(self->fd, LENGTH);				\
} while (0)

#define end_arena() do {						\
	must(close(self->fd));						\
	must(munmap(self->p, LENGTH));					\
} while (0)

FIXTURE_SETUP(pin)
{
	need_arena();
	new_arena();
	fill(self->p, LENGTH, 0);
}

FIXTURE_TEARDOWN(pin)
{
	close(self->fd);
}

#define EXPECT_QUIET() do {						\
	EXPECT_NO_FAULTS(self->p, LENGTH);				\
	EXPECT_EQ(0, must_info(self->fd).out_refaults);			\
} while (0)

#ifdef HAVE_LIBURING
/* Read @length bytes of @fd into registered buffer 0 at @p; bytes or -errno. */
static int read_fixed(struct io_uring *ring, int fd, void *p, size_t length)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
	struct io_uring_cqe *cqe;
	int ret;

	io_uring_prep_read_fixed(sqe, fd, p, length, 0, 0);
	io_uring_submit(ring);
	ret = io_uring_wait_cqe(ring, &cqe);
	if (ret)
		return ret;
	ret = cqe->res;
	io_uring_cqe_seen(ring, cqe);
	return ret;
}

TEST_F(pin, io_uring_registered_buffers)
{
	struct iovec whole = { self->p, LENGTH };
	int file = syscall(SYS_memfd_create, "source", 0u);
	struct io_uring ring;
	char *plain;
	int ret;

	ret = io_uring_queue_init(4, &ring, 0);
	if (ret)
		SKIP(return, "io_uring: %s", strerror(-ret));
	ret = io_uring_register_buffers(&ring, &whole, 1);
	if (!kernel_at_least(6, 2)) {
		/* Such kernels take no file-backed memory but shmem. */
		EXPECT_EQ(-EOPNOTSUPP, ret);
		EXPECT_QUIET();
		return;
	}
	ASSERT_EQ(0, ret) TH_LOG("%s", strerror(-ret));
	EXPECT_QUIET();
	plain = mmap(NULL, 4 * MIB, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	fill(plain, 4 * MIB, 7000);
	ASSERT_EQ(4 * MIB, pwrite(file, plain, 4 * MIB, 0));
	ASSERT_EQ(4 * MIB, read_fixed(&ring, file, self->p + MIB, 4 * MIB));
	EXPECT_FILLED(self->p, MIB, 0);
	EXPECT_FILLED(self->p + MIB, 4 * MIB, 7000);
	EXPECT_FILLED(self->p + 5 * MIB, LENGTH - 5 * MIB, 5 * MIB / PAGE);
	EXPECT_QUIET();
	io_uring_queue_exit(&ring);
	EXPECT_QUIET();
}

/* Plain reads take any memory, on any kernel. */
TEST_F(pin, io_uring_plain_read)
{
	int file = syscall(SYS_memfd_create, "source", 0u);
	struct io_uring_sqe *sqe;
	struct io_uring_cqe *cqe;
	struct io_uring ring;
	int ret;

	ret = io_uring_queue_init(4, &ring, 0);
	if (ret)
		SKIP(return, "io_uring: %s", strerror(-ret));
	ASSERT_EQ(MIB, pwrite(file, self->p + MIB, MIB, 0));
	sqe = io_uring_get_sqe(&ring);
	io_uring_prep_read(sqe, file, self->p + CHUNK - PAGE, MIB, 0);
	ASSERT_EQ(1, io_uring_submit(&ring));
	ASSERT_EQ(0, io_uring_wait_cqe(&ring, &cqe));
	EXPECT_EQ(MIB, cqe->res);
	EXPECT_FILLED(self->p + CHUNK - PAGE, MIB, MIB / PAGE);
	EXPECT_QUIET();
	io_uring_queue_exit(&ring);
}

/* The ring outlives the arena; its memory comes back when the ring goes. */
TEST_F(pin, io_uring_buffers_outlive_the_arena)
{
	struct iovec whole = { self->p, LENGTH };
	long memory = meminfo_kb("MemAvailable");
	struct io_uring ring;
	int round;

	if (!kernel_at_least(6, 2))
		SKIP(return, "this kernel registers no such buffers");
	for (round = 0; round < ROUNDS; round++) {
		ASSERT_EQ(0, io_uring_queue_init(4, &ring, 0));
		whole.iov_base = self->p;
		ASSERT_EQ(0, io_uring_register_buffers(&ring, &whole, 1));
		end_arena();
		io_uring_queue_exit(&ring);
		new_arena();
	}
	EXPECT_EQ(0, missing_kb(memory));
}
#else
TEST_F(pin, io_uring)
{
	SKIP(return, "built without liburing");
}
#endif

TEST_F(pin, af_xdp_umem)
{
	struct xdp_umem_reg reg = {
		.addr = (uintptr_t)self->p,
		.len = LENGTH,
		.chunk_size = PAGE,
	};
	int sock = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (sock < 0)
		SKIP(return, "AF_XDP: %s", strerror(errno));
	must(setsockopt(sock, SOL_XDP, XDP_UMEM_REG, &reg, sizeof(reg)));
	EXPECT_QUIET();
	close(sock);
	EXPECT_QUIET();
	EXPECT_FILLED(self->p, LENGTH, 0);
}

/* The kernel's own test of pin_user_pages(FOLL_LONGTERM), where built. */
struct longterm_pin {
	__u64 addr;
	__u64 size;
	__u32 flags;
};
#define LONGTERM_START _IOW('g', 7, struct longterm_pin)
#define LONGTERM_STOP _IO('g', 8)
#define LONGTERM_WRITE 1
#define LONGTERM_FAST 2

TEST_F(pin, gup_test_longterm)
{
	int gup = open("/sys/kernel/debug/gup_test", O_RDWR | O_CLOEXEC);
	struct longterm_pin pin = {
		.addr = (uintptr_t)self->p,
		.size = LENGTH,
	};
	long memory;
	int round;

	if (gup < 0)
		SKIP(return, "/sys/kernel/debug/gup_test: %s",
		     strerror(errno));
	for (pin.flags = 0; pin.flags < 4; pin.flags++) {
		ASSERT_EQ(0, try_ioctl(gup, LONGTERM_START, &pin))
			TH_LOG("flags %u", pin.flags);
		EXPECT_QUIET();
		ASSERT_EQ(0, try_ioctl(gup, LONGTERM_STOP, NULL));
		EXPECT_QUIET();
	}
	EXPECT_FILLED(self->p, LENGTH, 0);
	pin.flags = LONGTERM_WRITE | LONGTERM_FAST;
	memory = meminfo_kb("MemAvailable");
	for (round = 0; round < ROUNDS; round++) {
		pin.addr = (uintptr_t)self->p;
		ASSERT_EQ(0, try_ioctl(gup, LONGTERM_START, &pin));
		end_arena();
		ASSERT_EQ(0, try_ioctl(gup, LONGTERM_STOP, NULL));
		new_arena();
	}
	close(gup);
	EXPECT_EQ(0, missing_kb(memory));
}

/* One page of each chunk into a pipe; the number of bytes. */
static ssize_t splice_a_page_of_each(int to, char *p)
{
	struct iovec page[CHUNKS];
	int i;

	if (fcntl(to, F_SETPIPE_SZ, CHUNKS * PAGE) < 0)
		return -1;
	for (i = 0; i < CHUNKS; i++)
		page[i] = (struct iovec) { p + i * CHUNK + 3 * PAGE, PAGE };
	return vmsplice(to, page, CHUNKS, 0);
}

TEST_F(pin, pipe_outlives_the_arena)
{
	static char data[PAGE];
	int ends[2], i, fd;
	char *p;

	must(pipe2(ends, O_CLOEXEC));
	ASSERT_EQ(CHUNKS * PAGE, splice_a_page_of_each(ends[1], self->p));
	EXPECT_QUIET();
	end_arena();
	/* Its memory is not given to anybody yet. */
	for (i = 0; i < 4; i++) {
		fd = must_open(O_RDWR);
		p = must_mmap(fd, LENGTH);
		EXPECT_TRUE(all_zero(p, LENGTH));
		memset(p, 0x5e, LENGTH);
		close(fd);
	}
	for (i = 0; i < CHUNKS; i++) {
		ASSERT_EQ(PAGE, read(ends[0], data, PAGE));
		EXPECT_FILLED(data, PAGE, i * CHUNK_PAGES + 3);
	}
	new_arena();
}

TEST_F(pin, memory_comes_back_when_the_pipe_is_closed)
{
	long memory = meminfo_kb("MemAvailable");
	int ends[2], round;

	for (round = 0; round < ROUNDS; round++) {
		must(pipe2(ends, O_CLOEXEC));
		ASSERT_EQ(CHUNKS * PAGE,
			  splice_a_page_of_each(ends[1], self->p));
		end_arena();
		close(ends[0]);
		close(ends[1]);
		new_arena();
	}
	EXPECT_EQ(0, missing_kb(memory));
}

/* A connected pair of TCP sockets over loopback; -1 and errno if none. */
static int tcp_pair(int pair[2])
{
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t size = sizeof(to);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (listener < 0 || bind(listener, (void *)&to, size) ||
	    getsockname(listener, (void *)&to, &size) || listen(listener, 1))
		return -1;
	pair[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (pair[0] < 0 || connect(pair[0], (void *)&to, size))
		return -1;
	pair[1] = accept(listener, NULL, NULL);
	close(listener);
	return pair[1] < 0 ? -1 : 0;
}

static int receive_pattern(int sock, size_t length, size_t first_page)
{
	char *buffer = malloc(length);
	size_t at = 0;
	ssize_t n;

	while (at < length) {
		n = read(sock, buffer + at, length - at);
		if (n <= 0)
			return 1;
		at += n;
	}
	return unlike(buffer, length, first_page) == -1 ? 0 : 2;
}

/* The kernel has said that it needs the pages no more. */
static bool is_completed(int sock)
{
	char room[128];
	struct msghdr msg = { .msg_control = room };
	double end = now() + 5;

	do {
		msg.msg_controllen = sizeof(room);
		if (recvmsg(sock, &msg, MSG_ERRQUEUE | MSG_DONTWAIT) >= 0)
			return true;
		sleep_ms(10);
	} while (now() < end);
	return false;
}

TEST_F(pin, zero_copy_send)
{
	int pair[2], one = 1;
	size_t at = 0;
	pid_t child;
	ssize_t n;

	if (tcp_pair(pair))
		SKIP(return, "TCP over loopback: %s", strerror(errno));
	if (setsockopt(pair[0], SOL_SOCKET, SO_ZEROCOPY, &one, sizeof(one)))
		SKIP(return, "SO_ZEROCOPY: %s", strerror(errno));
	must(madvise(self->p, LENGTH, MADV_DONTFORK));
	child = fork();
	if (!child)
		_exit(receive_pattern(pair[1], 4 * MIB, CHUNK_PAGES - 1));
	while (at < 4 * MIB) {
		n = send(pair[0], self->p + CHUNK - PAGE + at, 4 * MIB - at,
			 MSG_ZEROCOPY);
		ASSERT_LT(0, n) TH_LOG("%s", strerror(errno));
		at += n;
	}
	EXPECT_EQ(0, reap(child));
	EXPECT_TRUE(is_completed(pair[0]));
	EXPECT_QUIET();
	EXPECT_FILLED(self->p, LENGTH, 0);
}

TEST_HARNESS_MAIN
