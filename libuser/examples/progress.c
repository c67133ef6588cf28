// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The line is formatted into a buffer of its own and written by write(2):
 * stdio would get itself a buffer at the first use, in the middle of the loop.
 */
#include "progress.h"

#include <stdio.h>
#include <unistd.h>

#define REDRAW_SECONDS 0.1
#define BAR_WIDTH 24

void progress_open(struct progress *progress, bool quiet, uint32_t epochs,
		   uint32_t steps)
{
	*progress = (struct progress) {
		.quiet = quiet,
		.terminal = isatty(STDERR_FILENO),
		.epochs = epochs,
		.steps = steps,
	};
}

/* The bar goes back to the start of its line, and clears what was longer. */
static int progress_format_bar(struct progress *progress,
			       const struct progress_state *state)
{
	static const char full[BAR_WIDTH + 1] = "########################";
	static const char empty[BAR_WIDTH + 1] = "........................";
	int done = (uint64_t)BAR_WIDTH * state->step / progress->steps;

	return snprintf(progress->line, sizeof(progress->line),
			"\repoch %u/%u [%.*s%.*s] loss %.4f  %.0f samples/s  %llu faults\033[K%s",
			state->epoch + 1, progress->epochs, done, full,
			BAR_WIDTH - done, empty, state->loss,
			state->samples_per_second,
			(unsigned long long)state->faults,
			state->step == progress->steps ? "\n" : "");
}

static int progress_format_line(struct progress *progress,
				const struct progress_state *state)
{
	return snprintf(progress->line, sizeof(progress->line),
			"epoch %u/%u: loss %.4f, %.0f samples/s, %llu faults so far\n",
			state->epoch + 1, progress->epochs, state->loss,
			state->samples_per_second,
			(unsigned long long)state->faults);
}

/* Progress that cannot be shown is no reason to stop. */
static void progress_write(struct progress *progress, size_t length)
{
	if (write(STDERR_FILENO, progress->line, length) < 0)
		progress->quiet = true;
}

void progress_warm_up(struct progress *progress)
{
	struct progress_state state = {
		.step = progress->steps,
		.loss = 2.302585,
		.samples_per_second = 123456.789,
		.faults = UINT64_MAX,
	};

	progress_format_bar(progress, &state);
	progress_format_line(progress, &state);
	if (!progress->quiet)
		progress_write(progress, 0);
}

void progress_step(struct progress *progress,
		   const struct progress_state *state, double now)
{
	bool last = state->step == progress->steps;
	int length;

	if (progress->quiet)
		return;
	if (progress->terminal) {
		if (!last && now - progress->shown_at < REDRAW_SECONDS)
			return;
		length = progress_format_bar(progress, state);
	} else {
		if (!last)
			return;
		length = progress_format_line(progress, state);
	}
	progress->shown_at = now;
	progress_write(progress, length);
}
