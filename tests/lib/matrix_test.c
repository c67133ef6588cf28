// SPDX-License-Identifier: GPL-2.0
/*
 * Matrices: layout, padding, and sizes that cannot be.
 *
 * Overflows are tried where a 32-bit or a truncated product would look small
 * (65536 * 65537 elements of 4 bytes), and where only the padding overflows.
 */
#include "lib_utils.h"

FIXTURE(arena)
{
	struct arena *arena;
};

FIXTURE_SETUP(arena)
{
	self->arena = must_create(16 * MIB);
}

FIXTURE_TEARDOWN(arena)
{
	arena_destroy(self->arena);
}

TEST_F(arena, rows_start_on_lines_for_any_element_size)
{
	static const size_t sizes[] = { 1, 2, 3, 4, 8, 10, 12, 16, 24, 64, 65,
					100, 4096 };
	struct arena_matrix m;
	size_t i, row;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		ASSERT_EQ(0, arena_carve_matrix(self->arena, 7, 13, sizes[i],
						0, &m));
		EXPECT_EQ(7, m.rows);
		EXPECT_EQ(13, m.cols);
		EXPECT_EQ(sizes[i], m.elem_size);
		EXPECT_EQ((13 * sizes[i] + 63) / 64 * 64, m.stride);
		for (row = 0; row < 7; row++) {
			EXPECT_TRUE(is_aligned(arena_matrix_row(&m, row), 64));
			EXPECT_EQ((char *)m.data + row * m.stride,
				  (char *)arena_matrix_row(&m, row));
		}
		memset(m.data, 0x11, m.rows * m.stride);
	}
}

TEST_F(arena, padded_stride_is_an_odd_number_of_lines)
{
	struct arena_matrix plain, padded;
	size_t cols;

	for (cols = 1; cols <= 4100; cols++) {
		arena_reset(self->arena);
		ASSERT_EQ(0, arena_carve_matrix_f32(self->arena, 3, cols, 0,
						    &plain));
		ASSERT_EQ(0, arena_carve_matrix_f32(self->arena, 3, cols,
						    ARENA_MATRIX_PADDED,
						    &padded));
		ASSERT_EQ(1, padded.stride / 64 % 2);
		ASSERT_EQ(0, padded.stride % 64);
		ASSERT_GE(padded.stride, plain.stride);
		ASSERT_LE(padded.stride, plain.stride + 64);
	}
}

TEST_F(arena, takes_rows_times_stride)
{
	struct arena_matrix m;

	ASSERT_EQ(0, arena_carve_matrix_f64(self->arena, 1024, 512,
					    ARENA_MATRIX_PADDED, &m));
	EXPECT_EQ(4096 + 64, m.stride);
	EXPECT_EQ(1024 * m.stride, arena_used(self->arena));
}

TEST_F(arena, zeroed_is_zero_padding_included)
{
	struct arena_matrix m;
	size_t i;

	memset(must_alloc(self->arena, MIB), 0xff, MIB);
	arena_reset(self->arena);
	ASSERT_EQ(0, arena_carve_matrix_f32(self->arena, 33, 17,
					    ARENA_MATRIX_ZEROED, &m));
	for (i = 0; i < m.rows * m.stride; i++)
		ASSERT_EQ(0, ((unsigned char *)m.data)[i]);
}

TEST_F(arena, ld_is_the_stride_in_elements)
{
	struct arena_matrix m;
	size_t ld = 0;

	ASSERT_EQ(0, arena_carve_matrix_f32(self->arena, 2, 1000, 0, &m));
	EXPECT_EQ(0, arena_matrix_ld(&m, &ld));
	EXPECT_EQ(1008, ld);
	ASSERT_EQ(0, arena_carve_matrix_f64(self->arena, 2, 512,
					    ARENA_MATRIX_PADDED, &m));
	EXPECT_EQ(0, arena_matrix_ld(&m, &ld));
	EXPECT_EQ(520, ld);
}

TEST_F(arena, ld_of_a_stride_between_elements_is_einval)
{
	struct arena_matrix m;
	size_t ld = 99;

	ASSERT_EQ(0, arena_carve_matrix(self->arena, 2, 3, 12, 0, &m));
	EXPECT_EQ(64, m.stride);
	EXPECT_EQ(-EINVAL, arena_matrix_ld(&m, &ld));
	m.elem_size = 0;
	EXPECT_EQ(-EINVAL, arena_matrix_ld(&m, &ld));
	EXPECT_EQ(99, ld);
}

TEST_F(arena, overflow_is_eoverflow)
{
	static const struct {
		size_t rows, cols, elem_size;
	} sizes[] = {
		{ 1, SIZE_MAX, 4 },
		{ 1, SIZE_MAX / 4 + 1, 4 },
		{ 1, 4, SIZE_MAX },
		{ 1, SIZE_MAX, 1 },
		{ 1, SIZE_MAX - 63, 1 },
		{ SIZE_MAX, 1, 1 },
		{ SIZE_MAX / 64 + 1, 1, 4 },
		{ (size_t)1 << 32, (size_t)1 << 32, 4 },
		{ (size_t)1 << 31, ((size_t)1 << 31) + 1, 8 },
		{ SIZE_MAX, SIZE_MAX, SIZE_MAX },
	};
	struct arena_matrix m = { .rows = 77 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		EXPECT_EQ(-EOVERFLOW,
			  arena_carve_matrix(self->arena, sizes[i].rows,
					     sizes[i].cols, sizes[i].elem_size,
					     i & 1 ? ARENA_MATRIX_PADDED : 0,
					     &m));
	EXPECT_EQ(77, m.rows);
	EXPECT_EQ(0, arena_used(self->arena));
}

TEST_F(arena, no_room_is_enomem_and_takes_nothing)
{
	struct arena_matrix m = { .rows = 77 };

	EXPECT_EQ(-ENOMEM, arena_carve_matrix_f32(self->arena, 65536, 65537, 0,
						  &m));
	EXPECT_EQ(-ENOMEM, arena_carve_matrix_f32(self->arena, 16 * MIB / 64 + 1,
						  16, 0, &m));
	EXPECT_EQ(77, m.rows);
	EXPECT_EQ(0, arena_used(self->arena));
	EXPECT_EQ(0, arena_carve_matrix_f32(self->arena, 16 * MIB / 64, 16, 0,
					    &m));
	EXPECT_EQ(0, arena_left(self->arena));
}

TEST_F(arena, nothing_by_anything_is_einval)
{
	struct arena_matrix m;

	EXPECT_EQ(-EINVAL, arena_carve_matrix(self->arena, 0, 1, 1, 0, &m));
	EXPECT_EQ(-EINVAL, arena_carve_matrix(self->arena, 1, 0, 1, 0, &m));
	EXPECT_EQ(-EINVAL, arena_carve_matrix(self->arena, 1, 1, 0, 0, &m));
	EXPECT_EQ(0, arena_used(self->arena));
}

TEST_F(arena, unknown_flag_is_eopnotsupp)
{
	struct arena_matrix m;
	unsigned int bit;

	for (bit = 2; bit < 32; bit++)
		EXPECT_EQ(-EOPNOTSUPP, arena_carve_matrix_f32(
			self->arena, 1, 1, 1U << bit, &m));
	EXPECT_EQ(0, arena_used(self->arena));
}

TEST_HARNESS_MAIN
