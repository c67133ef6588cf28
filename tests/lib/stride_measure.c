// SPDX-License-Identifier: GPL-2.0
/*
 * Which row strides make a walk down the columns slow: a measurement, no test.
 *
 * Matrices of f32 with strides from 16 to 513 cache lines are read column by
 * column; printed is the best of seven walks, in ns for each element. It is why
 * ARENA_MATRIX_PADDED makes the stride an odd number of lines.
 */
#include <stdio.h>
#include <time.h>

#include <arenauser.h>

#define LINE ((size_t)64)
#define COLS ((size_t)256)
#define BYTES ((size_t)160 << 20)

static double now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static double walk_ns(const unsigned char *data, size_t rows, size_t stride)
{
	size_t row, col, nonzero = 0;
	double start = now_ns();

	for (col = 0; col < COLS; col++)
		for (row = 0; row < rows; row++)
			nonzero += ((const float *)(data + row * stride))[col]
				   != 0;
	__asm__ volatile("" : : "r"(nonzero));
	return (now_ns() - start) / (double)(rows * COLS);
}

static double best_ns(const unsigned char *data, size_t rows, size_t stride)
{
	double best = walk_ns(data, rows, stride);
	int i;

	for (i = 0; i < 6; i++) {
		double ns = walk_ns(data, rows, stride);

		if (ns < best)
			best = ns;
	}
	return best;
}

int main(void)
{
	static const size_t lines[] = { 16, 17, 20, 24, 31, 32, 33, 40, 48, 49,
					56, 63, 64, 65, 66, 68, 72, 80, 96, 127,
					128, 129, 192, 193, 255, 256, 257, 384,
					385, 512, 513 };
	static const size_t rows[] = { 256, 1024, 4096 };
	unsigned char *data;
	struct arena *arena;
	size_t i, k;
	int error;

	error = arena_create(BYTES, NULL, &arena);
	if (error) {
		fprintf(stderr, "stride_measure: %s\n", arena_strerror(error));
		return 1;
	}
	data = arena_calloc(arena, BYTES, 1);
	printf("%s memory, ns for each element\nlines  rows: 256  1024  4096\n",
	       arena_backend_name(arena));
	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		printf("%5zu      ", lines[i]);
		for (k = 0; k < 3; k++)
			printf("  %.2f", best_ns(data, rows[k],
						 lines[i] * LINE));
		printf("\n");
	}
	arena_destroy(arena);
	return 0;
}
