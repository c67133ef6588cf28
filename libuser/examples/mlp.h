/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * A multi-layer perceptron, 784-64-32-10: ReLU after the hidden layers, softmax
 * and cross-entropy at the end, plain gradient descent.
 *
 * A node is a matrix and the gradient of the loss by it. The model's nodes live
 * as long as the training; those of a pass, which hold one batch on its way
 * through the network, live for one step.
 *
 * Each node has its gradient, the images too, as in engines that treat all
 * nodes alike, although nobody asks for it. It matters to malloc: glibc gives
 * memory back to the kernel once more is free than twice the largest block, and
 * those images take a step beyond that. Without their gradient, or with
 * glibc.malloc.trim_threshold and mmap_threshold both raised (one alone makes it
 * worse), malloc stops faulting after the first steps, until the sizes change.
 */
#ifndef EXAMPLES_MLP_H
#define EXAMPLES_MLP_H

#include <stdint.h>

#include "memory.h"
#include "random.h"

#define MLP_LAYERS 3
#define MLP_WIDTHS { 784, 64, 32, 10 }

extern const uint32_t mlp_widths[MLP_LAYERS + 1];

struct node {
	struct arena_matrix value;
	struct arena_matrix gradient;
};

struct mlp {
	struct node weight[MLP_LAYERS];
	struct node bias[MLP_LAYERS];
};

struct pass {
	size_t rows;			/* samples */
	uint8_t *labels;		/* of the samples */
	struct node input[MLP_LAYERS];	/* of each layer; [0] is the images */
	struct node sum[MLP_LAYERS];	/* input times weight plus bias */
};

/* Take the memory of a model, or of a pass of @rows samples. 0 or -ENOMEM. */
int mlp_place(struct mlp *mlp, struct memory *memory);
int mlp_place_pass(struct pass *pass, struct memory *memory, size_t rows);

/*
 * A model that has learnt nothing, whatever was there before. Weights by He:
 * their spread keeps the size of sums even from layer to layer.
 */
void mlp_init(struct mlp *mlp, struct random *random);

/* From the images to the last sum, which is the score of each class. */
void mlp_forward(const struct mlp *mlp, struct pass *pass);

/* Mean loss of the pass; leaves the gradient of the scores in it. */
float mlp_loss(struct pass *pass);

/* Adds up the gradients of everything from that of the scores. */
void mlp_backward(struct mlp *mlp, struct pass *pass);

/* One step down the gradients, which are zero afterwards. */
void mlp_update(struct mlp *mlp, float learning_rate);

/* How many samples of the pass have their highest score in the right class. */
uint32_t mlp_count_right(const struct pass *pass);

#endif
