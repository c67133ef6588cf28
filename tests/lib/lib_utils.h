/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the library's tests share. They use the public header alone.
 *
 * Arenas come from the anonymous backend, so that the tests run anywhere. With
 * ARENA_TEST_BACKEND=device in the environment they come from /dev/arena: the
 * programs are static, so they also run where nothing but the module is.
 */
#ifndef LIB_UTILS_H
#define LIB_UTILS_H

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <arenauser.h>

#include "kselftest_harness.h"

#define MIB ((size_t)1 << 20)

static inline unsigned int test_backend(void)
{
	const char *name = getenv("ARENA_TEST_BACKEND");

	if (name && !strcmp(name, "device"))
		return ARENA_BACKEND_DEVICE;
	return ARENA_BACKEND_ANONYMOUS;
}

/* Raw: an arena of the backend under test. */
static inline int try_create(size_t size, struct arena **arena)
{
	struct arena_options options = ARENA_OPTIONS_INIT;

	options.backend = test_backend();
	return arena_create(size, &options, arena);
}

#define must_create(size) ({						\
	struct arena *__arena = NULL;					\
	ASSERT_EQ(0, try_create(size, &__arena));			\
	ASSERT_NE(NULL, __arena);					\
	__arena;							\
})

#define must_alloc(arena, size) ({					\
	void *__block = arena_alloc(arena, size);			\
	ASSERT_NE(NULL, __block);					\
	__block;							\
})

#define must_mark(arena) ({						\
	struct arena_mark __mark;					\
	ASSERT_EQ(0, arena_mark(arena, &__mark));			\
	__mark;								\
})

/* The address is a multiple of @alignment. */
static inline bool is_aligned(const void *p, size_t alignment)
{
	return !((uintptr_t)p & (alignment - 1));
}

/*
 * Write a byte in each page. Not instrumented: sanitizers would look into their
 * shadow memory, which takes faults of its own.
 */
__attribute__((no_sanitize_address, no_sanitize_thread))
static inline void touch_pages(void *block, size_t size)
{
	volatile unsigned char *bytes = block;
	size_t i;

	for (i = 0; i < size; i += 4096)
		bytes[i] = 1;
}

/* Is this program instrumented, so that it takes faults of its own? */
static inline bool is_sanitized(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	return true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
	return true;
#endif
#endif
	return false;
}

/* The number behind @key ("VmLck:") in a file of /proc, or -1. */
static inline long proc_number(const char *path, const char *key)
{
	char line[512];
	long number = -1;
	FILE *file = fopen(path, "re");

	if (!file)
		return -1;
	while (fgets(line, sizeof(line), file))
		if (!strncmp(line, key, strlen(key))) {
			number = atol(line + strlen(key));
			break;
		}
	fclose(file);
	return number;
}

/* Wait for @pid; its exit status, or minus the signal that ended it. */
static inline int wait_for(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		return -1000;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

#endif /* LIB_UTILS_H */
