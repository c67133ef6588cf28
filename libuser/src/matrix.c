// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Matrices: rows on 64-byte borders, in one block of an arena.
 *
 * The padded stride is an odd number of cache lines. A column walk visits lines
 * that are one stride apart; a cache of 2^n sets sees them in 2^n / gcd(stride
 * in lines, 2^n) sets, so with an odd stride in all of them, in a cache of any
 * size, and with a stride of 4096 bytes in one of the 64 sets of a 32 KiB
 * cache. tests/lib/stride_measure.c shows which strides cost what on the
 * machine at hand.
 */
#include <errno.h>
#include <string.h>

#include "internal.h"

static int arena__matrix_stride(size_t cols, size_t elem_size,
				unsigned int flags, size_t *stride)
{
	size_t bytes;

	if (__builtin_mul_overflow(cols, elem_size, &bytes) ||
	    bytes > SIZE_MAX - 2 * ARENA_ALIGNMENT)
		return -EOVERFLOW;
	bytes = arena__round_up(bytes, ARENA_ALIGNMENT);
	if ((flags & ARENA_MATRIX_PADDED) && !(bytes & ARENA_ALIGNMENT))
		bytes += ARENA_ALIGNMENT;
	*stride = bytes;
	return 0;
}

int arena_carve_matrix(struct arena *arena, size_t rows, size_t cols,
		       size_t elem_size, unsigned int flags,
		       struct arena_matrix *matrix)
{
	size_t stride, bytes;
	void *data;

	if (flags & ~(ARENA_MATRIX_PADDED | ARENA_MATRIX_ZEROED))
		return -EOPNOTSUPP;
	if (!rows || !cols || !elem_size)
		return -EINVAL;
	if (arena__matrix_stride(cols, elem_size, flags, &stride) ||
	    __builtin_mul_overflow(rows, stride, &bytes))
		return -EOVERFLOW;
	data = arena_alloc(arena, bytes);
	if (!data)
		return -ENOMEM;
	if (flags & ARENA_MATRIX_ZEROED)
		memset(data, 0, bytes);
	*matrix = (struct arena_matrix) {
		.data = data,
		.rows = rows,
		.cols = cols,
		.stride = stride,
		.elem_size = elem_size,
	};
	return 0;
}

int arena_matrix_ld(const struct arena_matrix *matrix, size_t *ld)
{
	if (!matrix->elem_size || matrix->stride % matrix->elem_size)
		return -EINVAL;
	*ld = matrix->stride / matrix->elem_size;
	return 0;
}
