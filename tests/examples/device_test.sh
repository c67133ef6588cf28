#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The main job, end to end: train on real data from /dev/arena without a page
# fault, and get bit by bit what malloc gets. Short enough for a virtual machine
# without KVM; train_test.sh has the rest. TRAIN and HELLO name the programs.

. "$(dirname "$0")/tap.sh"

here=$(dirname "$0")
TRAIN=${TRAIN:-$here/train}
HELLO=${HELLO:-$here/hello}
DATA=${DATA:-/usr/share/datasets/fashion-mnist}

# Text, stack and libraries of the program are not in the arena. NUMA balancing,
# where a machine has nodes, marks them too, and it is them that fault then.
balancing=/proc/sys/kernel/numa_balancing
balanced=$(cat "$balancing" 2>/dev/null)
restore() {
	[ -z "$balanced" ] || echo "$balanced" >"$balancing"
	rm -rf "$scratch"
}
trap restore EXIT
[ ! -w "$balancing" ] || echo 0 >"$balancing"

unset GLIBC_TUNABLES
export OPENBLAS_NUM_THREADS=1

# Three whole batches and a part of one.
train() {
	run "$TRAIN" --data "$DATA" --epochs 1 --samples 400 --seed 7 --json \
		--quiet --assert-no-faults "$@"
}

losses() {
	grep '"step_losses"' "$scratch/out" > "$scratch/$1"
	expect test "$(wc -c < "$scratch/$1")" -gt 40
}

echo "TAP version 13"
if [ ! -e /dev/arena ]; then
	echo "1..0 # SKIP no /dev/arena here"
	exit 0
fi

train --backend device
expect_status 0
expect_out '"backend": "device"' '"pinned": true' '"populated": true'
losses device
done_case "training from the device takes no page fault"

train
expect_status 0
expect_out '"backend": "device"'
done_case "the device is taken where there is one"

train --backend malloc
expect_status 3
losses malloc
expect cmp "$scratch/device" "$scratch/malloc"
done_case "malloc takes faults and gets the same losses bit by bit"

run "$HELLO"
expect_status 0
expect_out "device memory, 0 page faults in the loop"
done_case "hello takes no page fault on the device"

done_testing
