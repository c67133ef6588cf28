// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * One text for each errno that the library returns: the cause and the remedy.
 *
 * The list is the ERRORS section of libarenauser(7); a test compares the two.
 */
#include <errno.h>

#include "internal.h"

const char *arena_strerror(int error)
{
	switch (error) {
	case 0:
		return "no error";
	case -E2BIG:
		return "options are newer than this library: update libarenauser";
	case -EACCES:
		return "no permission for /dev/arena: run as root, or have "
		       "root give it to a group of yours (chgrp GROUP "
		       "/dev/arena)";
	case -EBUSY:
		return "the device is busy: try again when its other user is "
		       "done";
	case -EDQUOT:
		return "the limit of locked memory is reached: raise "
		       "RLIMIT_MEMLOCK (ulimit -l, "
		       "/etc/security/limits.conf)";
	case -EINVAL:
		return "bad argument: a size of 0, an alignment that is no "
		       "power of two, a mark of another arena, or an options "
		       "size that is too small";
	case -EMFILE:
		return "too many open files in this process: raise ulimit -n";
	case -ENFILE:
		return "too many open files in the system: raise "
		       "/proc/sys/fs/file-max";
	case -ENODEV:
	case -ENXIO:
		return "the device node has no driver: load the module "
		       "(modprobe arena, or insmod arena.ko)";
	case -ENOENT:
		return "there is no /dev/arena: load the module "
		       "(modprobe arena, or insmod arena.ko)";
	case -ENOMEM:
		return "no room left in the arena, or not enough memory (of "
		       "the machine, or of this control group: memory.max), or "
		       "2 MiB pages were required and none is left: ask for "
		       "less, create a larger arena, or free memory";
	case -ENOSPC:
		return "too many marks: rewind or reset before making more "
		       "than ARENA_MARKS_MAX";
	case -ENOTTY:
		return "not the arena device, or an older module: check the "
		       "path and update the module";
	case -EOPNOTSUPP:
		return "not supported here: an unknown option or flag, or a "
		       "required guarantee that this memory lacks (for 2 MiB "
		       "pages set /sys/kernel/mm/transparent_hugepage/enabled "
		       "to madvise)";
	case -EOVERFLOW:
		return "the size cannot be represented: check rows, columns "
		       "and element size";
	case -EPERM:
		return "the kernel forbids it: check PR_SET_THP_DISABLE, the "
		       "device rules of this container (docker run --device "
		       "/dev/arena) and the system calls that a policy "
		       "filters";
	case -ESTALE:
		return "the mark is no longer valid: the arena was rewound to "
		       "before it, or reset; make a new one";
	default:
		return "an error of the system that this library does not "
		       "explain: see errno(3)";
	}
}
