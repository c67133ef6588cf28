// SPDX-License-Identifier: GPL-2.0
/*
 * A row: one disturbance over all memories, repeated while it did not disturb,
 * and the verdict on it.
 *
 * Where faults are counted exactly, one cell holds all memories. Where they are
 * not, each memory has a cell of its own, and an arena may take no more than
 * the control with some room for chance. That is weak, and a few faults on 2 MiB
 * entries would pass; but what it may miss are NUMA hint faults only: whatever
 * else takes an entry away shows in the module's own count or in the physical
 * addresses.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "disturb.h"

#define CONTROL_SLACK 64

struct trial {
	struct stage *stage;
	struct evidence evidence;
	int walker_error;
	int disturber_error;
	char note[sizeof(((struct stage *)0)->note)];
	int make_error[NR_MEMORIES];
	bool counted_all;
};

static void collect(struct row *row, struct trial *trial)
{
	const struct stage *stage = trial->stage;
	unsigned int id;

	for (id = 0; id < NR_MEMORIES; id++) {
		if (stage->make_error[id])
			trial->make_error[id] = stage->make_error[id];
		if (!(stage->made & MEMORY_BIT(id)))
			continue;
		row->memories |= MEMORY_BIT(id);
		row->suffering[id] = stage->suffering[id];
	}
	row->elsewhere = stage->elsewhere;
	row->steps = stage->steps;
	trial->counted_all &= stage->counted_all;
	if (stage->disturber_error)
		trial->disturber_error = stage->disturber_error;
	if (stage->memories & MEMORY_BIT(row->disturbance->witness))
		memcpy(trial->note, stage->note, sizeof(trial->note));
}

static void try_once(struct row *row, struct trial *trial,
		     unsigned int memories)
{
	struct evidence evidence = { 0 };
	unsigned int id, i;

	row->memories = 0;
	memset(row->suffering, 0, sizeof(row->suffering));
	memset(&trial->evidence, 0, sizeof(trial->evidence));
	memset(trial->make_error, 0, sizeof(trial->make_error));
	trial->walker_error = 0;
	trial->disturber_error = 0;
	trial->counted_all = true;
	for (id = 0; id < NR_MEMORIES; id++) {
		unsigned int share = row->exact ? memories :
						  memories & MEMORY_BIT(id);
		int ret;

		if (!share)
			continue;
		ret = cell_run(row->disturbance, share, trial->stage,
			       &evidence);
		if (ret)
			trial->walker_error = ret;
		collect(row, trial);
		for (i = 0; i < NR_COUNTERS_MAX; i++)
			trial->evidence.rise[i] += evidence.rise[i];
		if (row->exact)
			break;
	}
}

static unsigned long moves(const struct suffering *suffering)
{
	return suffering->moved + suffering->away;
}

static bool did_disturb(const struct row *row, const struct trial *trial)
{
	const struct disturbance *disturbance = row->disturbance;
	const struct suffering *witness = &row->suffering[disturbance->witness];
	unsigned int i;

	if (trial->walker_error || trial->disturber_error)
		return false;
	for (i = 0; i < NR_COUNTERS_MAX && disturbance->counters[i]; i++)
		if (!trial->evidence.rise[i])
			return false;
	return disturbance->witness == MEMORY_CONTROL ||
	       witness->faults + moves(witness) > 0;
}

static void tell_evidence(const struct row *row, const struct trial *trial)
{
	const struct disturbance *disturbance = row->disturbance;
	const struct suffering *witness = &row->suffering[disturbance->witness];
	unsigned int i;

	for (i = 0; i < NR_COUNTERS_MAX && disturbance->counters[i]; i++)
		table_note("%s: %s rose by %llu", disturbance->name,
			   disturbance->counters[i],
			   (unsigned long long)trial->evidence.rise[i]);
	if (disturbance->witness != MEMORY_CONTROL)
		table_note("%s: %s took %lu faults, moved %lu, away %lu",
			   disturbance->name,
			   memory_name(disturbance->witness), witness->faults,
			   witness->moved, witness->away);
	if (trial->note[0])
		table_note("%s: %s", disturbance->name, trial->note);
	if (trial->walker_error)
		table_note("%s: the walker failed: %s", disturbance->name,
			   strerror(-trial->walker_error));
	if (trial->disturber_error)
		table_note("%s: the disturber failed: %s", disturbance->name,
			   strerror(-trial->disturber_error));
}

/* The most and the least faults that an arena may take in this row. */
static void allowed(const struct row *row, enum memory_id id,
		    unsigned long *least, unsigned long *most)
{
	const struct suffering *arena = &row->suffering[id];

	*least = 0;
	if (row->disturbance->flags & DISTURB_SOFT_DIRTY)
		*least = row->steps * arena->nr_entries;
	*most = *least;
	if (!row->exact)
		*most += 2 * row->suffering[MEMORY_CONTROL].faults +
			 CONTROL_SLACK;
}

static bool arena_is_untouched(const struct row *row,
			       const struct trial *trial, enum memory_id id)
{
	const struct suffering *arena = &row->suffering[id];
	unsigned long least, most;

	if (trial->walker_error || !trial->counted_all)
		return false;
	if (!(row->memories & MEMORY_BIT(id)))
		return false;
	allowed(row, id, &least, &most);
	if (arena->faults < least || arena->faults > most)
		return false;
	if (arena->refaults && !(row->disturbance->flags & DISTURB_SOFT_DIRTY))
		return false;
	return !moves(arena) && !arena->damaged;
}

static void judge_arena(const struct row *row, const struct trial *trial,
			enum memory_id id, const char *no_arena)
{
	const struct suffering *arena = &row->suffering[id];
	const char *name = row->disturbance->name;
	bool ok;

	if (row->skipped || no_arena) {
		table_skip("%s: %s: %s", name, memory_name(id),
			   row->skipped ? row->skipped : no_arena);
		return;
	}
	ok = arena_is_untouched(row, trial, id);
	if (!ok)
		table_note("%s: %s: made: %s, faults %lu, all counted: %d, refaults %llu, damaged %lu, moved %lu, away %lu",
			   name, memory_name(id),
			   strerror(-trial->make_error[id]), arena->faults,
			   trial->counted_all,
			   (unsigned long long)arena->refaults, arena->damaged,
			   arena->moved, arena->away);
	if (row->disturbance->flags & DISTURB_SOFT_DIRTY)
		table_result(ok, "%s: %s took one fault an entry a clear",
			     name, memory_name(id));
	else
		table_result(ok, "%s: %s took no fault and did not move", name,
			     memory_name(id));
}

static void judge_disturbance(const struct row *row, const struct trial *trial)
{
	const char *name = row->disturbance->name;

	if (row->skipped)
		table_skip("%s: it did disturb: %s", name, row->skipped);
	else if (row->disturbance->flags & DISTURB_NOTHING)
		table_result(!row->suffering[MEMORY_ANON_MLOCK].faults ||
				     !row->exact,
			     "%s: anon+mlock took no fault either", name);
	else
		table_result(did_disturb(row, trial), "%s: it did disturb",
			     name);
}

/* NULL, or why this machine cannot disturb like that. */
static const char *row_prepare(const struct disturbance *disturbance)
{
	const char *reason = NULL;

	if (options.row && strcmp(options.row, disturbance->name))
		return "not asked for";
	if (disturbance->flags & DISTURB_NODES && !machine_has_nodes())
		return "needs two NUMA nodes with processors";
	if (disturbance->flags & DISTURB_SWAP &&
	    machine_swap_free() < NR_MEMORIES * options.length)
		return "needs swap";
	if (disturbance->flags & DISTURB_IN_CGROUP)
		reason = machine_cgroup_create();
	if (!reason && disturbance->prepare)
		reason = disturbance->prepare();
	return reason;
}

void row_run(const struct disturbance *disturbance, struct row *row,
	     const char *no_arena)
{
	unsigned int memories = MEMORY_ALL, mark = knob_mark();
	struct trial trial = { 0 };

	if (no_arena)
		memories &= ~(MEMORY_BIT(MEMORY_ARENA) |
			      MEMORY_BIT(MEMORY_ARENA_4K));
	row->disturbance = disturbance;
	row->exact = options.exact;
	trial.stage = mmap(NULL, sizeof(*trial.stage), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	row->skipped = trial.stage == MAP_FAILED ? "no memory" :
						   row_prepare(disturbance);
	while (!row->skipped && row->attempts < NR_ATTEMPTS) {
		row->attempts++;
		try_once(row, &trial, memories);
		tell_evidence(row, &trial);
		if (disturbance->flags & DISTURB_NOTHING ||
		    did_disturb(row, &trial))
			break;
		if (!no_arena && !arena_is_untouched(row, &trial, MEMORY_ARENA))
			break;
	}
	judge_arena(row, &trial, MEMORY_ARENA, no_arena);
	judge_arena(row, &trial, MEMORY_ARENA_4K, no_arena);
	judge_disturbance(row, &trial);
	if (disturbance->finish && !row->skipped)
		disturbance->finish();
	knob_restore(mark);
	machine_cgroup_destroy();
	if (trial.stage != MAP_FAILED)
		munmap(trial.stage, sizeof(*trial.stage));
}
