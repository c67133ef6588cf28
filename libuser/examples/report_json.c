// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The report as one JSON object. Losses have nine digits, with which a float
 * comes back bit by bit, so that two runs can be compared by their text. What
 * does not exist is null: the arena of malloc, traps that cannot be counted.
 */
#include <stdio.h>

#include "report.h"

static void print_string(const char *text)
{
	putchar('"');
	for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
		if (*c == '"' || *c == '\\')
			printf("\\%c", *c);
		else if (*c < 0x20)
			printf("\\u%04x", *c);
		else
			putchar(*c);
	}
	putchar('"');
}

static void print_config(const struct training *training)
{
	const struct options *options = training->options;

	printf("  \"config\": {\"data\": ");
	print_string(options->data);
	printf(", \"samples\": %u, \"test_samples\": %u, \"epochs\": %u, \"steps\": %u, \"batch\": %u, \"seed\": %llu, \"learning_rate\": %.17g, \"widths\": [",
	       training->dataset.train.count, training->dataset.test.count,
	       options->epochs, training->steps, training->batch,
	       (unsigned long long)options->seed, options->learning_rate);
	for (int l = 0; l <= MLP_LAYERS; l++)
		printf("%s%u", l ? ", " : "", mlp_widths[l]);
	printf("]},\n");
}

static void print_guarantees(unsigned int guarantees)
{
	static const struct {
		unsigned int bit;
		const char *name;
	} names[] = {
		{ ARENA_GUARANTEE_POPULATED, "populated" },
		{ ARENA_GUARANTEE_LOCKED, "locked" },
		{ ARENA_GUARANTEE_PINNED, "pinned" },
		{ ARENA_GUARANTEE_HUGE, "huge" },
		{ ARENA_GUARANTEE_DIRECT_IO, "direct_io" },
	};

	printf("  \"guarantees\": {");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		printf("%s\"%s\": %s", i ? ", " : "", names[i].name,
		       guarantees & names[i].bit ? "true" : "false");
	printf("},\n");
}

static void print_memory(const struct training *training)
{
	const struct memory *memory = &training->memory;

	printf("  \"backend\": \"%s\",\n", backend_name(memory->backend));
	print_guarantees(memory->arena ? arena_guarantees(memory->arena) : 0);
	printf("  \"bytes_kept\": %zu,\n  \"bytes_step\": %zu,\n",
	       training->size_kept, training->size_step);
	if (!memory->arena) {
		printf("  \"arena\": null,\n  \"ready_seconds\": null,\n");
		return;
	}
	printf("  \"arena\": {\"size\": %zu, \"used\": %zu, \"peak\": %zu},\n",
	       arena_size(memory->arena), arena_used(memory->arena),
	       arena_peak(memory->arena));
	printf("  \"ready_seconds\": %.9f,\n", memory->ready_seconds);
}

static void print_losses(const struct training *training)
{
	uint32_t epochs = training->options->epochs;
	size_t steps = (size_t)epochs * training->steps;

	printf("  \"epoch_losses\": [");
	for (uint32_t epoch = 0; epoch < epochs; epoch++)
		printf("%s%.9g", epoch ? ", " : "",
		       training_loss(training, epoch, training->steps));
	printf("],\n  \"step_losses\": [");
	for (size_t step = 0; step < steps; step++)
		printf("%s%.9g", step ? ", " : "", training->losses[step]);
	printf("],\n");
}

static void print_counts(const struct training *training, const char *name,
			 const struct arena_faults *counts)
{
	printf("\"%s\": {\"minor\": %llu, \"major\": %llu, \"traps\": ", name,
	       (unsigned long long)counts->minor,
	       (unsigned long long)counts->major);
	if (fault_log_has_traps(&training->faults))
		printf("%llu}", (unsigned long long)counts->traps);
	else
		printf("null}");
}

static void print_faults(const struct training *training)
{
	const struct fault_log *faults = &training->faults;
	const struct {
		const char *name;
		const struct fault_counts *counts;
	} parts[] = {
		{ "training", &faults->training },
		{ "evaluation", &faults->evaluation },
	};

	printf("  \"faults\": {\n");
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		printf("    \"%s\": {", parts[i].name);
		print_counts(training, "thread", &parts[i].counts->thread);
		printf(", ");
		print_counts(training, "process", &parts[i].counts->process);
		printf("},\n");
	}
	if (faults->first_counter)
		printf("    \"first\": {\"counter\": \"%s\", \"count\": %llu, \"step\": %llu}\n  }\n",
		       faults->first_counter,
		       (unsigned long long)faults->first_count,
		       (unsigned long long)faults->first_step);
	else
		printf("    \"first\": null\n  }\n");
}

void report_json(const struct training *training)
{
	double samples = (double)training->options->epochs *
			 training->dataset.train.count;

	printf("{\n  \"program\": \"train\",\n");
	print_config(training);
	print_memory(training);
	printf("  \"warm_up_steps\": 2,\n");
	print_losses(training);
	printf("  \"test_accuracy\": %.9g,\n",
	       (double)training->right / training->dataset.test.count);
	printf("  \"seconds\": %.9g,\n  \"samples_per_second\": %.9g,\n",
	       training->seconds, samples / training->seconds);
	print_faults(training);
	printf("}\n");
}
