#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Checks what the built library shows to those who link it.

. "$(dirname "$0")/tap.sh"

lib=$build_dir/lib
map=libuser/libarenauser.map

shared() { ls "$lib"/libarenauser.so.*.* 2>/dev/null | tail -n 1; }

# What the map promises and what the file exports, side by side.
exports() {
	diff <(sed -n '/global:/,/local:/p' "$map" |
			grep -oE '[a-z][a-z0-9_]*;' | tr -d ';' | sort) \
	     <(nm -D --defined-only "$(shared)" | awk '$2 != "A" { print $3 }' |
			sed 's/@.*//' | sort)
}

# The header declares what the map exports: nothing is promised by one alone.
declared() {
	local symbol
	nm -D --defined-only "$(shared)" | awk '$2 != "A" { print $3 }' |
		sed 's/@.*//' | while read -r symbol; do
		grep -qE "\b$symbol\(" libuser/include/arenauser.h ||
			echo "$symbol is not in arenauser.h"
	done
}

# What a program that links the archive finds: names of ours only.
archive() {
	nm -g --defined-only "$lib/libarenauser.a" | awk 'NF == 3 { print $3 }' |
		grep -vE '^arena_'
}

soname() {
	local name
	name=$(objdump -p "$(shared)" | awk '$1 == "SONAME" { print $2 }')
	[[ $name =~ ^libarenauser\.so\.[0-9]+$ ]] || echo "soname is $name"
	[ -e "$lib/$name" ] || echo "there is no link $name"
}

# The newest node of the map and the version agree.
version() {
	local newest version
	newest=$(grep -oE '^[A-Z_]+_[0-9.]+' "$map" | tail -n 1 |
		grep -oE '[0-9.]+$')
	version=$(shared)
	version=${version##*.so.}
	[[ $version == "$newest"* ]] || echo "map $newest, library $version"
}

public_header() {
	local compiler=$1 language=$2 standard=$3
	echo '#include <arenauser.h>' | "$compiler" -x "$language" \
		-std="$standard" -Wall -Wextra -Wpedantic -Werror -Ilibuser/include \
		-fsyntax-only -
}

with_compiler() {
	rm -rf "build/check/lib-$1"
	make -s -C libuser WERROR=1 O="$PWD/build/check/lib-$1" CC="$1" >/dev/null
}

if [ -z "$(shared)" ]; then
	echo "Bail out! build/lib is not built"
	exit 1
fi
check "exported symbols are those of the map" exports
check "exported symbols are declared in arenauser.h" declared
check "the archive defines only names that start with arena_" none archive
check "soname is linked" soname
check "map and version agree" version
check "arenauser.h is C11" public_header gcc c gnu11
check "arenauser.h is C++17" public_header g++ c++ gnu++17
for compiler in gcc clang; do
	if command -v $compiler >/dev/null; then
		check "$compiler builds it with -Wextra -Werror" \
			with_compiler $compiler
	else
		skip "$compiler builds it with -Wextra -Werror" \
			"$compiler is not installed"
	fi
done
finish
