# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
#
# What the scripts of this folder share: where things are, and how to stop.
#
# Everything built lives below build/ of the checkout; what is downloaded or
# takes minutes to build is kept outside of it, so that a fresh clone on the
# same machine does not pay twice.

set -o errexit -o nounset -o pipefail

vm_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top_dir=$(cd "$vm_dir/../.." && pwd)
build_dir=$top_dir/build
kernels_dir=$build_dir/kernels
cache_dir=${XDG_CACHE_HOME:-${HOME:-$build_dir}/.cache}/arena

# Kernel series that arena supports, newest first.
supported_series="6.12 6.1"

say() { printf '%s\n' "$*" >&2; }

die() { say "${0##*/}: $*"; exit 125; }

have() { command -v "$1" >/dev/null 2>&1; }

# Runs a command as root: directly, or by sudo. Fails when neither is possible.
as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif have sudo && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
		sudo "$@"
	else
		return 1
	fi
}

# Serialises those who fill one folder: only the first of several does the work.
lock() {
	mkdir -p "$(dirname "$1")"
	exec 9>"$1"
	flock 9
}

unlock() { exec 9>&-; }

# Prints the release that a series ("6.12"), a release or "debug" stands for,
# out of what is unpacked below build/kernels; nothing when there is none.
kernel_release() {
	local pattern found
	case $1 in
	debug)	pattern='*-arena-debug' ;;
	*[0-9].[0-9]*-*) pattern=$1 ;;
	*)	pattern="$1.[0-9]*-cloud-*" ;;
	esac
	# shellcheck disable=SC2086
	found=$(cd "$kernels_dir" 2>/dev/null && ls -d $pattern 2>/dev/null |
		sort -V | tail -n 1) || true
	[ -z "$found" ] || [ ! -e "$kernels_dir/$found/vmlinuz" ] || echo "$found"
}
