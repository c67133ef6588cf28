// SPDX-License-Identifier: GPL-2.0
/*
 * What is printed: TAP, with the table as diagnostics.
 *
 * kselftest.h keeps its counts in static variables, so it is included here and
 * nowhere else.
 */
#include <stdarg.h>
#include <stdio.h>

#include "disturb.h"
#include "kselftest.h"

void table_begin(unsigned int plan)
{
	ksft_print_header();
	ksft_set_plan(plan);
}

void table_note(const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	ksft_print_msg("%s\n", text);
}

void table_result(bool ok, const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	ksft_test_result(ok, "%s\n", text);
}

void table_skip(const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	ksft_test_result_skip("%s\n", text);
}

static unsigned long faults_of(const struct suffering *suffering)
{
	return suffering->faults;
}

static unsigned long moves_of(const struct suffering *suffering)
{
	return suffering->moved + suffering->away;
}

static void print_heading(const char *title, bool elsewhere)
{
	unsigned int id;

	printf("#\n# %s\n# %-15s", title, "");
	for (id = 0; id < NR_MEMORIES; id++)
		printf(" %11s", memory_name(id));
	printf("%s\n", elsewhere ? "   elsewhere" : "");
}

static void print_row(const struct row *row, bool elsewhere,
		      unsigned long (*number)(const struct suffering *))
{
	unsigned int id;

	printf("# %-15s", row->disturbance->name);
	if (row->skipped) {
		printf(" skipped: %s\n", row->skipped);
		return;
	}
	for (id = 0; id < NR_MEMORIES; id++)
		if (row->memories & MEMORY_BIT(id))
			printf(" %11lu", number(&row->suffering[id]));
		else
			printf(" %11s", "-");
	if (elsewhere && row->exact)
		printf(" %11lu", row->elsewhere);
	printf("\n");
}

void table_print(const struct row *rows, unsigned int nr_rows)
{
	unsigned int i;

	print_heading("page faults in the memory while disturbed", true);
	for (i = 0; i < nr_rows; i++)
		print_row(&rows[i], true, faults_of);
	print_heading("times a page was found at another address, or away",
		      false);
	for (i = 0; i < nr_rows; i++)
		print_row(&rows[i], false, moves_of);
	printf("#\n");
}

int table_end(void)
{
	ksft_print_cnts();
	return ksft_get_fail_cnt() ? KSFT_FAIL : KSFT_PASS;
}
