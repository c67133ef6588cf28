/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the parts of disturb_test share.
 *
 * A row of the table is a disturbance, a column is a memory, a cell is what the
 * memory suffered. Four processes have a part in it:
 *
 *   supervisor   sets and restores knobs, starts the others, judges
 *   walker       makes the memories, touches their pages over and over, counts
 *   disturber    disturbs the walker from outside
 *   children     of the walker, in the row that forks
 *
 * Walker and disturber meet in struct stage, a page-aligned MAP_SHARED mapping
 * made by the supervisor, so that neither pays copy-on-write for it.
 */
#ifndef DISTURB_H
#define DISTURB_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PAGE_BYTES 4096UL
#define CHUNK_BYTES (2UL << 20)
#define NR_ATTEMPTS 4
#define NR_COUNTERS_MAX 3

enum memory_id {
	MEMORY_CONTROL,
	MEMORY_ARENA,
	MEMORY_ARENA_4K,
	MEMORY_ANON,
	MEMORY_ANON_MLOCK,
	MEMORY_THP_MLOCK,
	MEMORY_HUGETLB_SHARED,
	MEMORY_HUGETLB_PRIVATE,
	MEMORY_MEMFD_MLOCK,
	NR_MEMORIES,
};

#define MEMORY_BIT(id) (1U << (id))
#define MEMORY_ALL (MEMORY_BIT(NR_MEMORIES) - 1)

enum sabotage {
	SABOTAGE_NONE,
	SABOTAGE_DONTNEED,
	SABOTAGE_SUBSTITUTE,
};

struct options {
	size_t length;
	unsigned int milliseconds;
	const char *row;
	bool exact;
	enum sabotage sabotage;
};

extern struct options options;

/* A memory under test, as its walker made it. */
struct memory {
	char *base;
	size_t length;
	int fd;
};

/*
 * What a memory suffered. @moved counts pages found at another physical
 * address than at the look before, @away counts pages found without a present
 * page-table entry; a page may count in both, and more than once.
 */
struct suffering {
	unsigned long faults;
	unsigned long moved;
	unsigned long away;
	unsigned long damaged;
	uint64_t refaults;
	uint64_t huge_bytes;
	unsigned long nr_entries;
};

struct stage {
	/* Written by the supervisor before the others start. */
	unsigned int memories;
	unsigned int made;
	bool in_cgroup;
	bool mergeable;
	bool fragmented;
	enum memory_id witness;
	unsigned long enough;
	/* Written by the walker. */
	_Atomic int walker;
	_Atomic bool ready;
	_Atomic bool is_idle;
	_Atomic unsigned long passes;
	_Atomic unsigned long forks_done;
	struct memory memory[NR_MEMORIES];
	int make_error[NR_MEMORIES];
	struct suffering suffering[NR_MEMORIES];
	unsigned long elsewhere;
	unsigned long thp_chunks;
	bool counted_all;
	/* Written by the disturber. */
	_Atomic bool prepared;
	_Atomic bool idle;
	_Atomic bool stop;
	_Atomic unsigned long forks_wanted;
	unsigned long steps;
	char note[120];
	/* Written by the supervisor afterwards. */
	int disturber_error;
};

/* counter.c: page faults of the calling thread, each given to its memory */
struct counter {
	int fd;
	void *ring;
	size_t ring_bytes;
	unsigned long records;
	unsigned long lost;
	unsigned long last_total;
};

bool counter_is_exact_possible(void);
int counter_open(struct counter *counter, bool exact, size_t ring_pages);
void counter_start(struct counter *counter);
void counter_drain(struct counter *counter, struct stage *stage);
bool counter_stop(struct counter *counter, struct stage *stage);
void counter_close(struct counter *counter);

/* memory.c */
const char *memory_name(enum memory_id id);
bool memory_is_small(enum memory_id id);
int memory_arena_probe(void);
int memory_create(enum memory_id id, size_t length, char *holes,
		  struct memory *memory);
int memory_arena_info(const struct memory *memory, struct suffering *out);
unsigned long memory_touch(const struct memory *memory);

/* pagemap.c */
#define PAGEMAP_PRESENT (1ULL << 63)
#define PAGEMAP_SOFT_DIRTY (1ULL << 55)
#define PAGEMAP_PFN_MASK ((1ULL << 55) - 1)

int pagemap_read(const void *base, size_t length, uint64_t *entries);
void pagemap_compare(const struct memory *memory, uint64_t *known,
		     uint64_t *scratch, struct suffering *suffering);
unsigned long pagemap_contiguous_chunks(const uint64_t *entries, size_t length);

/* knob.c: settings of the kernel, restored at the end */
int knob_write(const char *path, const char *value);
int knob_read_u64(const char *path, uint64_t *value);
int knob_set(const char *path, const char *value);
void knob_restore(unsigned int mark);
unsigned int knob_mark(void);
uint64_t knob_counter(const char *path, const char *name);

/* machine.c: nodes, swap, cgroup, mounts */
const char *machine_prepare(void);
bool machine_has_nodes(void);
int machine_node(unsigned int index);
int machine_pin(pid_t pid, unsigned int index);
int machine_prefer(unsigned int index);
void machine_prefer_none(void);
uint64_t machine_swap_free(void);
const char *machine_cgroup_create(void);
void machine_cgroup_destroy(void);
int machine_cgroup_join(void);
const char *machine_cgroup_file(const char *name);

/* cell.c */
uint64_t now_ms(void);
void sleep_ms(unsigned int milliseconds);

/* walker.c */
int walker_run(struct stage *stage);

#define DISTURB_IN_CGROUP	(1U << 0)
#define DISTURB_NODES		(1U << 1)
#define DISTURB_SWAP		(1U << 2)
#define DISTURB_MERGEABLE	(1U << 3)
#define DISTURB_SOFT_DIRTY	(1U << 4)
#define DISTURB_NOTHING		(1U << 5)
#define DISTURB_FRAGMENTED	(1U << 6)

/*
 * @prepare, in the supervisor, sets knobs; what it returns is the reason why
 * the row cannot be, or NULL. @before, in the disturber, runs before the
 * walker makes its memory. @counters of /proc/vmstat must all rise, and the
 * @witness must have suffered, or the disturbance did not disturb; there is no
 * witness where it is the control. A disturbance may go on for a while longer,
 * until @percent of the witness's pages have suffered.
 */
struct disturbance {
	const char *name;
	const char *(*prepare)(void);
	int (*before)(struct stage *stage);
	int (*run)(struct stage *stage);
	void (*finish)(void);
	enum memory_id witness;
	unsigned int percent;
	const char *counters[NR_COUNTERS_MAX];
	unsigned int flags;
};

extern const struct disturbance disturbances[];
extern const unsigned int nr_disturbances;

/*
 * Should the disturber, at it since @start, go on? A scanner is to have gone
 * round everything: what it never came to was not disturbed.
 */
bool stage_goes_on(const struct stage *stage, uint64_t start, bool went_round);
/* Waits in the disturber: for @count more walks, or for some time at most. */
bool stage_wait_passes(struct stage *stage, unsigned long count);
bool stage_wait_flag(_Atomic bool *flag, bool value, unsigned int limit_ms);

/* migration.c, reclaim.c: what disturbances do */
const char *migration_prepare_compaction(void);
int migration_compact(struct stage *stage);
const char *migration_prepare_numa(void);
int migration_hop(struct stage *stage);
int migration_migrate_pages(struct stage *stage);
int migration_move_pages(struct stage *stage);
int reclaim_cgroup(struct stage *stage);
int reclaim_join(struct stage *stage);
int reclaim_press(struct stage *stage);
int reclaim_drop_caches(struct stage *stage);

/* cell.c */
struct evidence {
	uint64_t before[NR_COUNTERS_MAX];
	uint64_t rise[NR_COUNTERS_MAX];
};

int cell_run(const struct disturbance *disturbance, unsigned int memories,
	     struct stage *stage, struct evidence *evidence);
void cell_kill(void);

/* table.c: the only file that prints */
struct row {
	const struct disturbance *disturbance;
	const char *skipped;
	unsigned int memories;
	struct suffering suffering[NR_MEMORIES];
	unsigned long elsewhere;
	unsigned long steps;
	unsigned int attempts;
	bool exact;
};

void table_begin(unsigned int plan);
void table_note(const char *format, ...) __attribute__((format(printf, 1, 2)));
void table_result(bool ok, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void table_skip(const char *format, ...) __attribute__((format(printf, 1, 2)));
void table_print(const struct row *rows, unsigned int nr_rows);
int table_end(void);

/* row.c, calibration.c */
void row_run(const struct disturbance *disturbance, struct row *row,
	     const char *no_arena);
#define ROW_NR_RESULTS 3
unsigned long calibration_fault_us(void);
void calibration_run(const char *no_arena);
#define CALIBRATION_NR_RESULTS 5

#endif /* DISTURB_H */
