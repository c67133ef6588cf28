// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The network. Samples are rows: a batch of n samples is an n x 784 matrix, and
 * a layer makes of its n x in input the n x out matrix input * weight + bias.
 *
 * Gradients are added to what is there, so every matrix starts as zeros.
 */
#include "mlp.h"

#include <cblas.h>
#include <math.h>
#include <string.h>

const uint32_t mlp_widths[MLP_LAYERS + 1] = MLP_WIDTHS;

static float *row_of(const struct arena_matrix *matrix, size_t row)
{
	return arena_matrix_row(matrix, row);
}

static int node_place(struct node *node, struct memory *memory, size_t rows,
		      size_t cols)
{
	int error = memory_matrix(memory, rows, cols, &node->value);

	return error ? error :
	       memory_matrix(memory, rows, cols, &node->gradient);
}

int mlp_place(struct mlp *mlp, struct memory *memory)
{
	int error = 0;

	for (int l = 0; l < MLP_LAYERS && !error; l++) {
		error = node_place(&mlp->weight[l], memory, mlp_widths[l],
				   mlp_widths[l + 1]);
		if (!error)
			error = node_place(&mlp->bias[l], memory, 1,
					   mlp_widths[l + 1]);
	}
	return error;
}

int mlp_place_pass(struct pass *pass, struct memory *memory, size_t rows)
{
	void *labels;
	int error = memory_block(memory, rows, &labels);

	pass->rows = rows;
	pass->labels = error ? NULL : labels;
	for (int l = 0; l < MLP_LAYERS && !error; l++) {
		error = node_place(&pass->input[l], memory, rows,
				   mlp_widths[l]);
		if (!error)
			error = node_place(&pass->sum[l], memory, rows,
					   mlp_widths[l + 1]);
	}
	return error;
}

static void node_clear(const struct node *node)
{
	memset(node->value.data, 0, node->value.rows * node->value.stride);
	memset(node->gradient.data, 0,
	       node->gradient.rows * node->gradient.stride);
}

/* Uniform in +-limit has the variance limit^2 / 3, which is to be 2 / in. */
static void weight_init(const struct arena_matrix *weight,
			struct random *random)
{
	float limit = sqrtf(6.0f / weight->rows);

	for (size_t r = 0; r < weight->rows; r++)
		for (size_t c = 0; c < weight->cols; c++)
			row_of(weight, r)[c] = limit * random_float(random);
}

void mlp_init(struct mlp *mlp, struct random *random)
{
	for (int l = 0; l < MLP_LAYERS; l++) {
		node_clear(&mlp->weight[l]);
		node_clear(&mlp->bias[l]);
		weight_init(&mlp->weight[l].value, random);
	}
}

static int ld_of(const struct arena_matrix *matrix)
{
	return matrix->stride / sizeof(float);
}

/* to += a * b, either of them transposed if so asked. */
static void add_product(const struct arena_matrix *to,
			const struct arena_matrix *a, CBLAS_TRANSPOSE how_a,
			const struct arena_matrix *b, CBLAS_TRANSPOSE how_b)
{
	size_t inner = how_a == CblasTrans ? a->rows : a->cols;

	cblas_sgemm(CblasRowMajor, how_a, how_b, to->rows, to->cols, inner,
		    1.0f, a->data, ld_of(a), b->data, ld_of(b), 1.0f, to->data,
		    ld_of(to));
}

static void add_bias(const struct arena_matrix *sum,
		     const struct arena_matrix *bias)
{
	const float *add = row_of(bias, 0);

	for (size_t r = 0; r < sum->rows; r++)
		for (size_t c = 0; c < sum->cols; c++)
			row_of(sum, r)[c] += add[c];
}

static void relu_forward(const struct node *sum, const struct node *output)
{
	for (size_t r = 0; r < sum->value.rows; r++) {
		const float *from = row_of(&sum->value, r);
		float *to = row_of(&output->value, r);

		for (size_t c = 0; c < sum->value.cols; c++)
			to[c] = from[c] > 0 ? from[c] : 0;
	}
}

static void relu_backward(const struct node *sum, const struct node *output)
{
	for (size_t r = 0; r < sum->value.rows; r++) {
		const float *value = row_of(&sum->value, r);
		const float *from = row_of(&output->gradient, r);
		float *to = row_of(&sum->gradient, r);

		for (size_t c = 0; c < sum->value.cols; c++)
			to[c] += value[c] > 0 ? from[c] : 0;
	}
}

void mlp_forward(const struct mlp *mlp, struct pass *pass)
{
	for (int l = 0; l < MLP_LAYERS; l++) {
		add_product(&pass->sum[l].value, &pass->input[l].value,
			    CblasNoTrans, &mlp->weight[l].value, CblasNoTrans);
		add_bias(&pass->sum[l].value, &mlp->bias[l].value);
		if (l + 1 < MLP_LAYERS)
			relu_forward(&pass->sum[l], &pass->input[l + 1]);
	}
}

#define EXPONENT_MIN (-80.0f)

/*
 * Softmax and cross-entropy of one sample. The greatest score is taken off
 * first, which changes nothing but keeps expf from overflowing. What is far
 * below it is nothing beside it, and is kept from underflowing: libm has a
 * function of its own for that, on a page that may not have been needed before.
 */
static float loss_of_row(const float *score, float *gradient, size_t cols,
			 uint8_t label, float weight)
{
	float max = score[0], sum = 0;

	for (size_t c = 1; c < cols; c++)
		max = fmaxf(max, score[c]);
	for (size_t c = 0; c < cols; c++) {
		gradient[c] = expf(fmaxf(score[c] - max, EXPONENT_MIN));
		sum += gradient[c];
	}
	for (size_t c = 0; c < cols; c++)
		gradient[c] = weight * (gradient[c] / sum - (c == label));
	return logf(sum) - (score[label] - max);
}

float mlp_loss(struct pass *pass)
{
	const struct node *scores = &pass->sum[MLP_LAYERS - 1];
	float weight = 1.0f / pass->rows;
	double loss = 0;

	for (size_t r = 0; r < pass->rows; r++)
		loss += loss_of_row(row_of(&scores->value, r),
				    row_of(&scores->gradient, r),
				    scores->value.cols, pass->labels[r],
				    weight);
	return loss / pass->rows;
}

static void add_rows(const struct arena_matrix *to,
		     const struct arena_matrix *from)
{
	float *total = row_of(to, 0);

	for (size_t r = 0; r < from->rows; r++)
		for (size_t c = 0; c < from->cols; c++)
			total[c] += row_of(from, r)[c];
}

void mlp_backward(struct mlp *mlp, struct pass *pass)
{
	for (int l = MLP_LAYERS - 1; l >= 0; l--) {
		const struct arena_matrix *gradient = &pass->sum[l].gradient;

		add_product(&mlp->weight[l].gradient, &pass->input[l].value,
			    CblasTrans, gradient, CblasNoTrans);
		add_rows(&mlp->bias[l].gradient, gradient);
		if (!l)
			break;	/* nobody asks for the gradient of pixels */
		add_product(&pass->input[l].gradient, gradient, CblasNoTrans,
			    &mlp->weight[l].value, CblasTrans);
		relu_backward(&pass->sum[l - 1], &pass->input[l]);
	}
}

static void descend(const struct node *node, float learning_rate)
{
	for (size_t r = 0; r < node->value.rows; r++) {
		float *value = row_of(&node->value, r);
		float *gradient = row_of(&node->gradient, r);

		for (size_t c = 0; c < node->value.cols; c++) {
			value[c] -= learning_rate * gradient[c];
			gradient[c] = 0;
		}
	}
}

void mlp_update(struct mlp *mlp, float learning_rate)
{
	for (int l = 0; l < MLP_LAYERS; l++) {
		descend(&mlp->weight[l], learning_rate);
		descend(&mlp->bias[l], learning_rate);
	}
}

uint32_t mlp_count_right(const struct pass *pass)
{
	const struct arena_matrix *scores = &pass->sum[MLP_LAYERS - 1].value;
	uint32_t right = 0;

	for (size_t r = 0; r < pass->rows; r++) {
		const float *score = row_of(scores, r);
		size_t best = 0;

		for (size_t c = 1; c < scores->cols; c++)
			if (score[c] > score[best])
				best = c;
		right += best == pass->labels[r];
	}
	return right;
}
