#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# What train promises, on the real data set: the same losses bit by bit on any
# memory, no page fault in an arena, an exit status that tells, a network that
# has learnt. TRAIN names the program, HELLO the small one.
#
# The device is tested where there is one; device_test.sh does that in the
# virtual machine.

. "$(dirname "$0")/tap.sh"

DATA=${DATA:-/usr/share/datasets/fashion-mnist}
SANITIZED=${SANITIZED:-}
device=${DEVICE:-/dev/arena}

# The tests of malloc are about its defaults.
unset GLIBC_TUNABLES MALLOC_ARENA_MAX MALLOC_MMAP_THRESHOLD_ \
	MALLOC_TRIM_THRESHOLD_ MALLOC_TOP_PAD_ OPENBLAS_NUM_THREADS

train() {
	run "$TRAIN" --data "$DATA" "$@"
}

# 1100 samples: eight whole batches of 128 and one of 76
short() {
	train --quiet --epochs 2 --samples 1100 --seed 7 "$@"
}

# losses FILE: of each step, from the report of the last run
losses() {
	grep '"step_losses"' "$scratch/out" > "$scratch/$1"
	expect test "$(wc -c < "$scratch/$1")" -gt 100
}

# field NAME: the first number of that name in the report
field() {
	sed -n "s/.*\"$1\": \([0-9.e+-]*\).*/\1/p" "$scratch/out" | head -n 1
}

# usage_error TEXT ARGUMENT...: it is one, and the message has TEXT
usage_error() {
	text=$1
	shift
	train "$@"
	expect_status 2
	expect_err "$text" "--help"
	[ -s "$scratch/out" ] && fail "there is a report"
	done_case "usage: $*"
}

echo "TAP version 13"

# --- the command line

train --help
expect_status 0
expect_out --backend --epochs --samples --seed --learning-rate \
	--assert-no-faults --json --data --quiet "Exit status"
done_case "--help lists the options"

usage_error "'0' is not a whole number from 1" --epochs 0
usage_error "'0' is not a whole number from 1" --samples 0
usage_error "'0' is not a whole number from 1" --batch 0
usage_error "'65537' is not a whole number from 1 to 65536" --batch 65537
usage_error "'-1' is not a whole number" --epochs -1
usage_error "'' is not a whole number" --samples ''
usage_error "'12x' is not a whole number" --samples 12x
usage_error "'1 2' is not a whole number" --seed '1 2'
usage_error "'18446744073709551616' is not a whole number" \
	--seed 18446744073709551616
usage_error "'0' is not a number above 0" --learning-rate 0
usage_error "'nan' is not a number above 0" --learning-rate nan
usage_error "'fast' is not a number above 0" --learning-rate fast
usage_error "'tape' is none of device, anonymous, malloc" --backend tape
usage_error "'auto' is none of device, anonymous, malloc" --backend auto
usage_error "unrecognized option" --no-such-option
usage_error "requires an argument" --epochs
usage_error "Too many arguments" extra

# --- the same losses on any memory

if [ ! -e "$DATA/train-images-idx3-ubyte.gz" ]; then
	skip_case "everything else" \
		"no data in $DATA: apt install dataset-fashion-mnist"
	done_testing
	exit
fi

short --backend anonymous --json --assert-no-faults
expect_status 0
losses anonymous
done_case "anonymous memory: the loop takes no fault, whole batches or not"

short --backend anonymous --json
kept=$(field bytes_kept) step=$(field bytes_step)
expect_out "\"arena\": {\"size\": $((kept + step)), \"used\": $kept, \"peak\": $((kept + step))}"
done_case "the arena has the size that the loop needs, to the byte"

losses again
expect cmp "$scratch/anonymous" "$scratch/again"
done_case "a second run gives the same losses"

short --backend malloc --json
expect_status 0
losses malloc
expect cmp "$scratch/anonymous" "$scratch/malloc"
done_case "malloc gives the losses of anonymous memory, bit by bit"

if [ -e "$device" ]; then
	short --backend device --json --assert-no-faults
	expect_status 0
	expect_out '"backend": "device"' '"pinned": true'
	losses device
	expect cmp "$scratch/anonymous" "$scratch/device"
	done_case "the device gives the same losses, without a fault"

	short
	expect_status 0
	expect_out "memory      device"
	done_case "the device is taken where there is one"
else
	skip_case "the device gives the same losses" "no $device here"

	train --epochs 1 --samples 128
	expect_status 0
	expect_out "memory      anonymous"
	expect_err "There is no /dev/arena"
	done_case "without the device it falls back and says so"

	short --backend device
	expect_status 1
	expect_err "backend device" "/dev/arena"
	done_case "--backend device without one is refused"
fi

short --backend anonymous --json --seed 8
expect_status 0
losses seed
expect test -n "$(cmp "$scratch/anonymous" "$scratch/seed")"
done_case "another seed gives other losses"

# Enough samples for two threads to make a difference, if they were let.
for threads in 1 2; do
	run env OPENBLAS_NUM_THREADS=$threads "$TRAIN" --data "$DATA" --quiet \
		--epochs 1 --samples 10000 --backend anonymous --json
	losses "threads$threads"
done
expect cmp "$scratch/threads1" "$scratch/threads2"
done_case "OPENBLAS_NUM_THREADS does not change the losses"

# Idle threads take faults of their own. Opening the other end of the pipe waits
# until train has opened it to read its data, long after OpenBLAS has started.
mkdir "$scratch/pipe"
mkfifo "$scratch/pipe/train-images-idx3-ubyte"
# shellcheck disable=SC2016
run timeout 60 sh -c '
	OPENBLAS_NUM_THREADS=4 "$1" --data "$2" 2> /dev/null &
	exec 3> "$2/train-images-idx3-ubyte"
	ls "/proc/$!/task" | wc -l
	exec 3>&-
	wait' sh "$TRAIN" "$scratch/pipe"
expect test "$(cat "$scratch/out")" -eq 1
done_case "there is one thread, idle ones of OpenBLAS included"

# Products of few rows, of one, and of many take OpenBLAS other ways.
for sizes in "1 50" "100 1003" "127 1000" "1000 1001" "3000 5000"; do
	train --quiet --epochs 2 --batch "${sizes% *}" --samples "${sizes#* }" \
		--backend anonymous --assert-no-faults
	expect_status 0
	done_case "no fault in batches of ${sizes% *} of ${sizes#* } samples"
done

# Scores far apart, whose softmax is too small for a float.
train --quiet --epochs 1 --samples 2000 --batch 8 --learning-rate 1 \
	--backend anonymous --assert-no-faults
expect_status 0
done_case "no fault when a probability underflows"

short --backend anonymous --batch 5000 --json --assert-no-faults
expect_status 0
expect_out '"batch": 1100' '"steps": 1,'
done_case "a batch larger than the training set is all of it"

# --- faults

short --backend malloc --assert-no-faults
expect_status 3
expect_err "backend malloc" "first counted" "in step" "of 18"
expect grep -q 'thread\.\(traps\|minor\)' "$scratch/err"
expect_out "page faults in the loop" "recognised"
done_case "--assert-no-faults: malloc exits with 3 and names a counter"

short --backend malloc --json
steps=$(($(field steps) * 2)) faults=$(field minor)
expect test "$faults" -ge $((steps * 50))
expect_out '"arena": null' '"ready_seconds": null' '"first": {"counter": "thread.'
done_case "malloc takes at least 50 faults a step ($faults in $steps here)"

if command -v script > /dev/null; then
	run script -qec "$TRAIN --data $DATA --epochs 2 --samples 25600 \
		--backend anonymous --assert-no-faults" /dev/null
	expect_status 0
	expect_out "[####" "samples/s  0 faults"
	done_case "on a terminal a bar is drawn, which takes no fault either"
else
	skip_case "on a terminal a bar is drawn" "no script(1): apt install bsdutils"
fi

# --- the report

train --backend anonymous --epochs 2 --samples 256
expect_status 0
expect_err "epoch 1/2: loss" "epoch 2/2: loss" "0 faults so far" \
	"warm-up"
expect_out "page faults in the loop" "warm-up"
done_case "elsewhere it prints a line for each epoch"

short --backend anonymous
expect_status 0
expect test ! -s "$scratch/err"
done_case "--quiet leaves standard error alone"

short --backend anonymous --json
if command -v python3 > /dev/null; then
	expect python3 -c '
import json, sys
report = json.load(open(sys.argv[1]))
assert len(report["step_losses"]) == 18 and len(report["epoch_losses"]) == 2
assert report["config"]["seed"] == 7 and report["config"]["samples"] == 1100
assert report["guarantees"]["populated"] is True
assert report["ready_seconds"] > 0 and 0 < report["test_accuracy"] < 1
for part in "training", "evaluation":
    for who in "thread", "process":
        counts = report["faults"][part][who]
        assert counts["minor"] == counts["major"] == 0, counts
        assert counts["traps"] in (0, None), counts
' "$scratch/out"
	done_case "--json is one JSON object that has it all"
else
	skip_case "--json is one JSON object" "no python3"
fi

run sh -c '"$1" --data "$2" --quiet --epochs 1 --samples 128 > /dev/full' sh \
	"$TRAIN" "$DATA"
expect_status 1
expect_err "standard output" "No space left"
done_case "a report that cannot be written is a failure"

short --backend anonymous --learning-rate 1e30
expect_status 1
expect_err "no longer a number" "lower --learning-rate"
done_case "a learning rate that is too high is named"

# --- it learns

if [ -n "$SANITIZED" ]; then
	skip_case "ten epochs" "with a sanitizer the short runs must do"
else
	train --backend anonymous --quiet --json --assert-no-faults
	expect_status 0
	expect test "$(field test_accuracy | cut -c1-4 | tr -d .)" -ge 84
	done_case "ten epochs recognise at least 84 % ($(field test_accuracy)) without a fault"
fi

run "$HELLO"
expect_status 0
expect grep -qxE '(device|anonymous) memory, 0 page faults in the loop' \
	"$scratch/out"
done_case "hello takes no fault in its loop"

done_testing
