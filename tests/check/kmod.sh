#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Checks the module's sources, and what becomes of them for one kernel after
# another: no warning with W=1 nor by sparse, no symbol that is not ours.
#
#   kmod.sh [RELEASE...]   (default: all kernels that are unpacked)

. "$(dirname "$0")/tap.sh"

sources_c=(kmod/*.c)

conditionals() {
	grep -nE '^[ 	]*#[ 	]*(if|ifdef|ifndef|elif|else)\b' "${sources_c[@]}"
}

version_conditionals() {
	grep -nE 'LINUX_VERSION_CODE|KERNEL_VERSION' kmod/*.[ch] |
		grep -v '^kmod/compat\.h:'
}

bugs() { grep -nE '\b(BUG|BUG_ON|VM_BUG_ON[A-Z_]*|panic)\(' kmod/*.[ch]; }

raw_addresses() { grep -nE '%p[xK]|%px|virt_to_phys|page_to_phys' kmod/*.[ch]; }

numbered_labels() {
	grep -nE '^(err|error|out|fail|exit)[_]?[0-9]+:|^err:|goto err;' kmod/*.c
}

unexported() {
	grep -nE 'EXPORT_SYMBOL' kmod/*.[ch]
}

# Prints the types that kmod/ is not checked for, out of checkpatch-waived.
waived() {
	sed -e 's/#.*//' -e 's/[[:space:]]//g' -e '/^$/d' \
		tests/check/checkpatch-waived | paste -sd ,
}

# Run from elsewhere: checkpatch leaves a file in the folder it is started in.
checkpatch() {
	local tree
	tree=$(tests/vm/source)
	mkdir -p build/check
	(cd build/check && "$tree/scripts/checkpatch.pl" --strict --no-tree \
		--no-summary --terse --quiet --show-types \
		--ignore "$(cd "$top_dir" && waived)" \
		--file "$top_dir"/kmod/{*.[ch],uapi/linux/*.h}) |
		sed "s|^$top_dir/||"
}

# Builds in a folder of its own, from nothing, so that every file is seen.
# Two lines are no warnings of ours: kbuild's remark about BTF without vmlinux,
# and the note that the compiler is another build of the same version.
build_with() {
	local headers=build/kernels/$1/headers out=build/check/kmod-$1
	shift
	rm -rf "$out"
	tests/vm/mirror "$out/src" Kbuild kmod || return
	make -s -C "$headers" M="$PWD/$out/src" "$@" modules 2>&1 |
		grep -v -e '^Skipping BTF generation' \
			-e '^warning: the compiler differs' \
			-e 'The kernel was built by:' -e 'You are using:'
	[ "${PIPESTATUS[0]}" = 0 ] || echo "the build failed"
}

# Those that the compiler and the linker make up begin with two underscores.
foreign_symbols() {
	nm --defined-only -g "build/check/kmod-$1/src/kmod/arena.ko" |
		awk '{ print $3 }' | grep -vE \
		'^(arena_.*|init_module|cleanup_module|__this_module)$' |
		grep -vE '^__(UNIQUE_ID|pfx|SCT|SCK|start|stop|cfi|traceiter)_' |
		grep -vE '^__(tracepoint|probestub)_'
}

check "no conditionals in kmod/*.c" none conditionals
check "version conditionals only in compat.h" none version_conditionals
check "no BUG, no panic" none bugs
check "no address leaves the kernel by printk" none raw_addresses
check "labels say what they undo" none numbered_labels
check "the module exports nothing" none unexported
check "checkpatch --strict is content" checkpatch

# shellcheck disable=SC2046
[ $# -gt 0 ] || set -- $(tests/vm/kernels list | awk '$1 != "debug" { print $2 }')
check "there is a kernel to build for" test $# -gt 0
for release in "$@"; do
	check "$release: W=1 builds without a warning" build_with "$release" W=1
	check "$release: symbols of arena.ko start with arena_" \
		none foreign_symbols "$release"
	if command -v sparse >/dev/null; then
		check "$release: sparse is content" build_with "$release" C=2
	else
		skip "$release: sparse is content" "sparse is not installed"
	fi
done
finish
