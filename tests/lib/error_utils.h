/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For tests of arenas that cannot be made: the attempt, and what every failure
 * has in common, which is the exact errno, a text for it, and an untouched
 * result.
 */
#ifndef ERROR_UTILS_H
#define ERROR_UTILS_H

#include "lib_utils.h"

#define NOBODY 65534

/* Raw: an arena of the device at @path, or of what @backend makes of it. */
static inline int try_device(const char *path, unsigned int backend,
			     unsigned int require, struct arena **arena)
{
	struct arena_options options = ARENA_OPTIONS_INIT;

	options.backend = backend;
	options.require = require;
	options.device = path;
	return arena_create(MIB, &options, arena);
}

static inline bool has_text(int error)
{
	return strcmp(arena_strerror(error), arena_strerror(-4095)) != 0;
}

/* An attempt fails with @error, has a text, and leaves the result alone. */
#define fails_device(error, path, backend, require) do {		\
	struct arena *__arena = NULL;					\
	EXPECT_EQ(-(error), try_device(path, backend, require,		\
				       &__arena));			\
	EXPECT_EQ(NULL, __arena);					\
	EXPECT_TRUE(has_text(-(error)));				\
} while (0)

#define fails_create(error, size, options) do {				\
	struct arena *__arena = NULL;					\
	EXPECT_EQ(-(error), arena_create(size, options, &__arena));	\
	EXPECT_EQ(NULL, __arena);					\
	EXPECT_TRUE(has_text(-(error)));				\
} while (0)

#endif /* ERROR_UTILS_H */
