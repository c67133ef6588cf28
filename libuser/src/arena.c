// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Arenas: made from a backend's memory, asked about, destroyed.
 *
 * arena_create() reads the options, takes memory from a backend, and only then
 * lays the state into it. Falling back is decided here and nowhere else: only
 * when /dev/arena, which nobody named, cannot be opened because it is not there,
 * and only if the caller asked for nothing that anonymous memory never has. What
 * a device says once it is open is never taken for its absence. A guarantee that was required and is not
 * kept undoes the whole, with the errno of the cause where there is a better
 * one than "not supported".
 */
#include <errno.h>
#include <string.h>

#include "internal.h"

#define ARENA__GUARANTEES_ALL \
	(ARENA_GUARANTEE_POPULATED | ARENA_GUARANTEE_LOCKED | \
	 ARENA_GUARANTEE_PINNED | ARENA_GUARANTEE_HUGE | \
	 ARENA_GUARANTEE_DIRECT_IO)

/* Options as first published; a caller's struct is never smaller. */
#define ARENA__OPTIONS_SIZE_MIN \
	(offsetof(struct arena_options, device) + sizeof(const char *))
#define ARENA__OPTIONS_SIZE_MAX 4096

size_t arena__state_size(void)
{
	return arena__round_up(sizeof(struct arena_state), ARENA_ALIGNMENT);
}

struct arena *arena__state_init(void *where, unsigned char *base, size_t size,
				const struct arena__memory *memory)
{
	struct arena_state *state = where;

	memset(state, 0, sizeof(*state));
	state->base = base;
	state->limit = base + size;
	state->memory = *memory;
	state->serial = arena__mark_first_serial();
	state->checked = arena__poison_active();
	state->head.next = base;
	state->head.end = state->checked ? base : state->limit;
	state->head.state = state;
	if (state->checked)
		arena__poison(base, size);
	return &state->head;
}

/* Copy what the caller knows of the options; the rest reads as zero. */
static int arena__options_read(const struct arena_options *from,
			       struct arena_options *to)
{
	const unsigned char *bytes = (const unsigned char *)from;
	size_t i;

	*to = (struct arena_options)ARENA_OPTIONS_INIT;
	if (!from)
		return 0;
	if (from->size < ARENA__OPTIONS_SIZE_MIN)
		return -EINVAL;
	/* Not set by whoever has a struct; walking it would leave the page. */
	if (from->size > ARENA__OPTIONS_SIZE_MAX)
		return -E2BIG;
	for (i = sizeof(*to); i < from->size; i++)
		if (bytes[i])
			return -E2BIG;
	memcpy(to, from, from->size < sizeof(*to) ? from->size : sizeof(*to));
	if (to->backend > ARENA_BACKEND_ANONYMOUS ||
	    (to->require & ~ARENA__GUARANTEES_ALL))
		return -EOPNOTSUPP;
	return 0;
}

/* May anonymous memory stand in for a device that open() failed on? */
static bool arena__may_fall_back(const struct arena_options *options, int error)
{
	return options->backend == ARENA_BACKEND_ANY && !options->device &&
	       !(options->require & ARENA_GUARANTEE_PINNED) &&
	       (error == -ENOENT || error == -ENXIO || error == -ENODEV);
}

static int arena__memory_map(size_t size, const struct arena_options *options,
			     struct arena__memory *memory)
{
	int fd;

	if (options->backend == ARENA_BACKEND_ANONYMOUS)
		return arena__anonymous_map(size, options, memory);
	fd = arena__device_open(options->device);
	if (fd >= 0)
		return arena__device_map(fd, size, options, memory);
	if (arena__may_fall_back(options, fd))
		return arena__anonymous_map(size, options, memory);
	return fd;
}

static void arena__memory_unmap(struct arena__memory *memory)
{
	if (memory->backend == ARENA_BACKEND_DEVICE)
		arena__device_unmap(memory);
	else
		arena__anonymous_unmap(memory);
}

static int arena__memory_check(const struct arena__memory *memory,
			       unsigned int require)
{
	unsigned int missing = require & ~memory->guarantees;

	if (!missing)
		return 0;
	if ((missing & ARENA_GUARANTEE_LOCKED) && memory->lock_error)
		return memory->lock_error;
	if ((missing & ARENA_GUARANTEE_HUGE) && memory->huge_error)
		return memory->huge_error;
	return -EOPNOTSUPP;
}

static int arena__create(size_t size, const struct arena_options *user_options,
			 struct arena **arena)
{
	size_t state_size = arena__state_size();
	struct arena_options options;
	struct arena__memory memory;
	unsigned char *state;
	int error;

	error = arena__options_read(user_options, &options);
	if (error)
		return error;
	if (!size)
		return -EINVAL;
	if (size > PTRDIFF_MAX - state_size - 2 * ARENA__CHUNK_SIZE)
		return -EOVERFLOW;
	size = arena__round_up(size, ARENA_ALIGNMENT);
	error = arena__memory_map(size + state_size, &options, &memory);
	if (error)
		return error;
	error = arena__memory_check(&memory, options.require);
	if (error)
		goto out_unmap;

	state = memory.base + memory.length - state_size;
	arena__poison_root(memory.base, memory.length);
	*arena = arena__state_init(state, memory.base, size, &memory);
	if ((*arena)->state->checked)
		arena__poison(memory.base + size,
			      (size_t)(state - memory.base) - size);
	return 0;

out_unmap:
	arena__memory_unmap(&memory);
	return error;
}

int arena_create(size_t size, const struct arena_options *options,
		 struct arena **arena)
{
	int saved_errno = errno;
	int error = arena__create(size, options, arena);

	errno = saved_errno;
	return error;
}

void arena_destroy(struct arena *arena)
{
	int saved_errno = errno;
	struct arena__memory memory;

	if (!arena)
		return;
	memory = arena->state->memory;
	if (memory.base) {
		arena__poison_forget(memory.base, memory.length);
		arena__memory_unmap(&memory);
	} else if (arena->state->checked) {
		arena__poison(arena->state->base, arena_size(arena));
		arena__poison(arena->state, arena__state_size());
	}
	errno = saved_errno;
}

unsigned int arena_backend(const struct arena *arena)
{
	return arena->state->memory.backend;
}

const char *arena_backend_name(const struct arena *arena)
{
	return arena_backend(arena) == ARENA_BACKEND_DEVICE ? "device" :
							      "anonymous";
}

unsigned int arena_guarantees(const struct arena *arena)
{
	return arena->state->memory.guarantees;
}

size_t arena_size(const struct arena *arena)
{
	return (size_t)(arena->state->limit - arena->state->base);
}

size_t arena_used(const struct arena *arena)
{
	return (size_t)(arena->next - arena->state->base);
}

size_t arena_left(const struct arena *arena)
{
	return (size_t)(arena->state->limit - arena->next);
}

size_t arena_peak(const struct arena *arena)
{
	size_t used = arena_used(arena);

	return used > arena->state->peak ? used : arena->state->peak;
}
