/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Make one system call of this process fail from now on, with any errno: for
 * errors that no machine produces at will. errno 0 makes it succeed without
 * having happened, which is enough to play a device. Needs no privilege.
 */
#ifndef SECCOMP_UTILS_H
#define SECCOMP_UTILS_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

/*
 * Fail system call @nr if (argument @arg & @mask) == @value, seen as 32 bits.
 * Returns 0, or -1 where the kernel has no seccomp filters.
 */
static inline int fail_syscall(int nr, int arg, uint32_t mask, uint32_t value,
			       int error)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)nr, 0, 4),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, args) + 8 * (size_t)arg),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, mask),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1),
		BPF_STMT(BPF_RET | BPF_K,
			 SECCOMP_RET_ERRNO | (uint32_t)error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {
		.len = sizeof(filter) / sizeof(filter[0]),
		.filter = filter,
	};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -1;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

#define must_fail_syscall(nr, arg, mask, value, error) do {		\
	if (fail_syscall(nr, arg, mask, value, error))			\
		SKIP(return, "no seccomp filters here");		\
} while (0)

/* The library opens the device for reading and writing, /proc for reading. */
#define must_fail_device_open(error) \
	must_fail_syscall(SYS_openat, 2, O_ACCMODE, O_RDWR, error)

#endif /* SECCOMP_UTILS_H */
