/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* The results of a training run, for people and for programs. */
#ifndef EXAMPLES_REPORT_H
#define EXAMPLES_REPORT_H

#include "training.h"

/* Before the loop: the memory, and what it is for; on standard error. */
void report_start(const struct training *training);

/* After it, on standard output: a text with the fault table ... */
void report_text(const struct training *training);

/* ... or one JSON object, with the loss of every step. */
void report_json(const struct training *training);

/* What --assert-no-faults has to say. */
void report_first_fault(const struct training *training);

#endif
