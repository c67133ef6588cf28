# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# TAP for shell tests, to be sourced.
#
# A case is: run a program, then say what is expected of it. The first
# expectation that fails is reported with what the program printed. Whatever a
# sanitizer has to say fails a case, too: its exit status could be taken for the
# program's own.

tap_count=0
tap_failed=0
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT

# run PROGRAM [ARGUMENT...]: sets $status; its output is in $scratch/out and err
run() {
	failure=
	"$@" > "$scratch/out" 2> "$scratch/err" < /dev/null
	status=$?
	if grep -qE 'Sanitizer|runtime error:' "$scratch/err"; then
		failure="a sanitizer complained"
	fi
}

fail() {
	[ -n "$failure" ] || failure=$1
}

expect_status() {
	[ "$status" -eq "$1" ] || fail "exit status $status, not $1"
}

# expect_out TEXT..., expect_err TEXT...: each TEXT is in it
expect_out() {
	for text in "$@"; do
		grep -qF -e "$text" "$scratch/out" ||
			fail "standard output lacks '$text'"
	done
}

expect_err() {
	for text in "$@"; do
		grep -qF -e "$text" "$scratch/err" ||
			fail "standard error lacks '$text'"
	done
}

# expect COMMAND...: it succeeds
expect() {
	"$@" || fail "failed: $*"
}

# done_case NAME: reports what was expected since run
done_case() {
	tap_count=$((tap_count + 1))
	if [ -z "$failure" ]; then
		echo "ok $tap_count $1"
		return
	fi
	tap_failed=$((tap_failed + 1))
	echo "not ok $tap_count $1"
	echo "# $failure"
	sed 's/^/# out: /' "$scratch/out" | cut -c1-300 | tail -n 20
	sed 's/^/# err: /' "$scratch/err" | cut -c1-300 | tail -n 40
}

skip_case() {
	tap_count=$((tap_count + 1))
	echo "ok $tap_count $1 # SKIP $2"
}

# The plan may come last. Fails if a case did.
done_testing() {
	echo "1..$tap_count"
	[ "$tap_failed" -eq 0 ]
}
