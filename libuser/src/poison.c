// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * What the checkers are told: AddressSanitizer, LeakSanitizer and Valgrind's
 * memcheck.
 *
 * Whether a checker runs is asked when the program runs, not when the library
 * is compiled. AddressSanitizer's entry points are weak references: a program
 * that was linked with it has them, another has not. Valgrind's requests are a
 * few instructions that do nothing outside it; they are compiled in where its
 * header was there.
 */
#include "internal.h"

#if defined(__has_include)
#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#define ARENA__VALGRIND 1
#endif
#endif

#ifndef ARENA__VALGRIND
#define RUNNING_ON_VALGRIND 0
#define VALGRIND_MAKE_MEM_NOACCESS(start, size) ((void)(start), (void)(size))
#define VALGRIND_MAKE_MEM_UNDEFINED(start, size) ((void)(start), (void)(size))
#define VALGRIND_MAKE_MEM_DEFINED(start, size) ((void)(start), (void)(size))
#endif

extern void __asan_poison_memory_region(void const volatile *start, size_t size)
	__attribute__((weak, visibility("default")));
extern void __asan_unpoison_memory_region(void const volatile *start,
					  size_t size)
	__attribute__((weak, visibility("default")));

extern void __lsan_register_root_region(const void *start, size_t size)
	__attribute__((weak, visibility("default")));
extern void __lsan_unregister_root_region(const void *start, size_t size)
	__attribute__((weak, visibility("default")));

static bool arena__poison_asan(void)
{
	return __asan_poison_memory_region && __asan_unpoison_memory_region;
}

bool arena__poison_active(void)
{
	return arena__poison_asan() || RUNNING_ON_VALGRIND;
}

/* Nobody may touch this. */
void arena__poison(const void *start, size_t size)
{
	if (arena__poison_asan())
		__asan_poison_memory_region(start, size);
	VALGRIND_MAKE_MEM_NOACCESS(start, size);
}

/* A block with contents nobody has written yet. */
void arena__unpoison(const void *start, size_t size)
{
	if (arena__poison_asan())
		__asan_unpoison_memory_region(start, size);
	VALGRIND_MAKE_MEM_UNDEFINED(start, size);
}

/*
 * The range is an arena's: LeakSanitizer, which does not know mmap(), looks in
 * it for pointers to what is allocated elsewhere.
 */
void arena__poison_root(const void *start, size_t size)
{
	if (__lsan_register_root_region && __lsan_unregister_root_region)
		__lsan_register_root_region(start, size);
}

/* The range goes back to the kernel: what comes there next is not ours. */
void arena__poison_forget(const void *start, size_t size)
{
	if (__lsan_register_root_region && __lsan_unregister_root_region)
		__lsan_unregister_root_region(start, size);
	if (arena__poison_asan())
		__asan_unpoison_memory_region(start, size);
	VALGRIND_MAKE_MEM_DEFINED(start, size);
}
