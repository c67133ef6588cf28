// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* The report for people; report_json.c has the one for programs. */
#include "report.h"

#include <err.h>
#include <stdio.h>

#define MIB (1024.0 * 1024.0)

void report_start(const struct training *training)
{
	const struct memory *memory = &training->memory;
	const struct options *options = training->options;

	if (options->quiet)
		return;
	if (options->backend == BACKEND_AUTO &&
	    memory->backend == BACKEND_ANONYMOUS)
		fprintf(stderr, "There is no /dev/arena, so the memory is anonymous.\n");
	fprintf(stderr, "%s: %.1f MiB that stay (%u + %u samples, order, losses, model), %.1f MiB a step\n",
		backend_name(memory->backend), training->size_kept / MIB,
		training->dataset.train.count, training->dataset.test.count,
		training->size_step / MIB);
	fprintf(stderr, "A warm-up that is not counted: a step and an evaluation with the first batch, and with the last; then %u epochs of %u steps.\n",
		options->epochs, training->steps);
}

static void print_guarantees(const struct arena *arena)
{
	static const struct {
		unsigned int bit;
		const char *name;
	} names[] = {
		{ ARENA_GUARANTEE_POPULATED, "populated" },
		{ ARENA_GUARANTEE_LOCKED, "locked" },
		{ ARENA_GUARANTEE_PINNED, "pinned" },
		{ ARENA_GUARANTEE_HUGE, "in 2 MiB pages" },
		{ ARENA_GUARANTEE_DIRECT_IO, "fit for direct I/O" },
	};
	const char *between = ": ";

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!(arena_guarantees(arena) & names[i].bit))
			continue;
		printf("%s%s", between, names[i].name);
		between = ", ";
	}
	putchar('\n');
}

static void print_memory(const struct training *training)
{
	const struct memory *memory = &training->memory;

	printf("memory      %s", backend_name(memory->backend));
	if (!memory->arena) {
		printf(": %.1f MiB kept, %.1f MiB malloc'd and freed in each step\n",
		       training->size_kept / MIB, training->size_step / MIB);
		return;
	}
	print_guarantees(memory->arena);
	printf("arena       %.1f MiB, of which %.1f MiB were used at most; ready in %.1f ms\n",
	       arena_size(memory->arena) / MIB,
	       arena_peak(memory->arena) / MIB, memory->ready_seconds * 1e3);
}

static void print_row(const char *who, const char *what, uint64_t training,
		      uint64_t evaluation)
{
	printf("  %-8s  %-34s %10llu %12llu\n", who, what,
	       (unsigned long long)training, (unsigned long long)evaluation);
}

static void print_rows(const struct training *training, const char *who,
		       const struct arena_faults *steps,
		       const struct arena_faults *evaluation)
{
	print_row(who, "pages populated without I/O", steps->minor,
		  evaluation->minor);
	print_row("", "pages populated with I/O", steps->major,
		  evaluation->major);
	if (fault_log_has_traps(&training->faults))
		print_row("", "faults taken", steps->traps, evaluation->traps);
	else
		printf("            %-34s %10s %12s\n", "faults taken", "?", "?");
}

static void print_faults(const struct training *training)
{
	const struct fault_log *faults = &training->faults;
	const char *why = arena_fault_counter_why(faults->counter);

	printf("\n  %-44s %12s %12s\n", "page faults in the loop", "training",
	       "evaluation");
	print_rows(training, "thread", &faults->training.thread,
		   &faults->evaluation.thread);
	print_rows(training, "process", &faults->training.process,
		   &faults->evaluation.process);
	if (why)
		printf("  %s\n", why);
	printf("  Not counted: the warm-up of OpenBLAS and libc, a step and an evaluation with the first batch and the last.\n");
}

void report_text(const struct training *training)
{
	const struct options *options = training->options;
	double samples = (double)options->epochs * training->dataset.train.count;

	print_memory(training);
	printf("training    %u epochs of %u steps, seed %llu; loss %.4f in the first epoch, %.4f in the last; %.0f samples/s\n",
	       options->epochs, training->steps,
	       (unsigned long long)options->seed,
	       training_loss(training, 0, training->steps),
	       training_loss(training, options->epochs - 1, training->steps),
	       samples / training->seconds);
	printf("test        %.2f %% of %u samples recognised\n",
	       100.0 * training->right / training->dataset.test.count,
	       training->dataset.test.count);
	print_faults(training);
}

void report_first_fault(const struct training *training)
{
	const struct fault_log *faults = &training->faults;

	if (faults->first_step)
		warnx("the loop took page faults (--assert-no-faults): %s first counted %llu, in step %llu of %llu, backend %s",
		      faults->first_counter,
		      (unsigned long long)faults->first_count,
		      (unsigned long long)faults->first_step,
		      (unsigned long long)training->options->epochs *
		      training->steps,
		      backend_name(training->memory.backend));
	else
		warnx("the evaluation took page faults (--assert-no-faults): %s counted %llu, backend %s",
		      faults->first_counter,
		      (unsigned long long)faults->first_count,
		      backend_name(training->memory.backend));
}
