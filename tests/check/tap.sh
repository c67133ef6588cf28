# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What the checks of this folder share: each prints TAP, the plan at the end.
#
#   check NAME COMMAND...   passes when COMMAND succeeds and prints nothing;
#                           what it prints is what is wrong
#   skip NAME REASON
#   finish                  prints the plan; its status is that of the checks

set -o nounset -o pipefail

check_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top_dir=$(cd "$check_dir/../.." && pwd)
# shellcheck disable=SC2034
build_dir=$top_dir/build
cd "$top_dir" || exit 1

tap_number=0 tap_failed=0
echo "TAP version 13"

check() {
	local name=$1 wrong status=0
	shift
	tap_number=$((tap_number + 1))
	wrong=$("$@" 2>&1) || status=$?
	if [ $status = 0 ] && [ -z "$wrong" ]; then
		echo "ok $tap_number $name"
		return
	fi
	tap_failed=$((tap_failed + 1))
	echo "not ok $tap_number $name"
	head -n 40 <<<"${wrong:-status $status}" | sed 's/^/# /'
}

# Succeeds when the command finds nothing, which is grep's failure.
none() { ! "$@" | grep .; }

skip() {
	tap_number=$((tap_number + 1))
	echo "ok $tap_number $1 # SKIP $2"
}

finish() {
	echo "1..$tap_number"
	[ $tap_failed = 0 ]
}

# The files of the repository, also those that are not committed yet; without
# git (an unpacked tarball) all that are there.
sources() {
	if git rev-parse --git-dir >/dev/null 2>&1; then
		git ls-files --cached --others --exclude-standard -- "$@"
	else
		find "${@:-.}" -type f ! -path './build/*' \
			! -path './.git/*' | sed 's|^\./||'
	fi | sort -u | while read -r file; do
		[ ! -f "$file" ] || echo "$file"
	done
}
