#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The library as others get it: installed, found by pkg-config, linked both
# ways, uninstalled; and its manual, whose example compiles and whose errors are
# those that the library has texts for.
#
# CC= is the compiler. It builds in a directory of its own, because the file for
# pkg-config holds the prefix.

set -o nounset -o pipefail

here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
CC=${CC:-cc}
man=$top/docs/man manual=$man/libarenauser.7
number=0 failed=0

header=$top/libuser/include/arenauser.h

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
prefix=$scratch/usr O=$scratch/build

# check NAME COMMAND...: passes when the command succeeds.
check() {
	local name=$1 said
	shift
	number=$((number + 1))
	if said=$("$@" 2>&1); then
		echo "ok $number $name"
		return
	fi
	failed=$((failed + 1))
	echo "not ok $number $name"
	head -n 30 <<<"$said" | sed 's/^/# /'
}

skip() { number=$((number + 1)); echo "ok $number $1 # SKIP $2"; }

library() {
	make -s -C "$top/libuser" O="$O" CC="$CC" SANITIZE= WERROR=1 \
		PREFIX="$prefix" LDCONFIG="touch $scratch/ldconfig" "$@"
}

# Where a distribution wants its files, and nothing outside of DESTDIR.
places() {
	local root=$scratch/root file
	rm -f "$scratch/ldconfig"
	elsewhere() {
		library DESTDIR="$root" PREFIX=/usr LIBDIR=/usr/lib/triplet \
			INCLUDEDIR=/usr/include/sub MANDIR=/usr/man "$1"
	}
	elsewhere install || return 1
	for file in lib/triplet/libarenauser.so.0 lib/triplet/libarenauser.a \
			lib/triplet/pkgconfig/arenauser.pc \
			include/sub/arenauser.h include/sub/linux/arena.h \
			man/man3/arena_rewind.3 man/man4/arena.4; do
		[ -e "$root/usr/$file" ] || { echo "no $file"; return 1; }
	done
	grep -x 'libdir=${prefix}/lib/triplet' \
		"$root/usr/lib/triplet/pkgconfig/arenauser.pc" &&
	grep -x 'includedir=${prefix}/include/sub' \
		"$root/usr/lib/triplet/pkgconfig/arenauser.pc" &&
	[ ! -e "$scratch/ldconfig" ] && elsewhere uninstall &&
	[ -z "$(find "$root" ! -type d)" ]
}

# The loader learns of the library: where nobody has done that, nothing runs.
ldconfig_runs() { [ "$(id -u)" != 0 ] || [ -e "$scratch/ldconfig" ]; }

# A warning of a compiler that is not known yet breaks only these tests.
warnings_pass() {
	local warn='-O2 -Wpadded'
	! make -s -C "$top/libuser" O="$scratch/strict" CC="$CC" SANITIZE= \
		CFLAGS="$warn" WERROR=1 >/dev/null 2>&1 &&
	make -s -C "$top/libuser" O="$scratch/lax" CC="$CC" SANITIZE= WERROR= \
		CFLAGS="$warn" 2>/dev/null
}

# Each function that the header declares has a page that man finds.
pages() {
	local name
	for name in $(declared | grep -vx arena_alloc_slow); do
		[ -s "$prefix/share/man/man3/$name.3" ] ||
			{ echo "no page $name(3)"; return 1; }
	done
	grep -rhoP '^\.so \K.*' "$prefix/share/man" | while read -r name; do
		[ -s "$prefix/share/man/$name" ] || echo "no $name"
	done | { ! grep .; }
}

# pkg-config as a program's makefile would use it.
package() { PKG_CONFIG_PATH=$prefix/lib/pkgconfig pkg-config "$@" arenauser; }

# The example of the manual, as its reader sees it.
extract() {
	sed -n '/^\.Sh EXAMPLES/,/^\.Ed/p' "$manual" |
		sed -e '1,/^\.Bd/d' -e '/^\.Ed/d' -e 's/\\e/\\/g' \
		>"$scratch/example.c" && [ -s "$scratch/example.c" ]
}

warnings="-Wall -Wextra -Werror -pedantic -std=c11"

shared() {
	# shellcheck disable=SC2046,SC2086  # options are words
	$CC $warnings -o "$scratch/shared" "$scratch/example.c" \
		$(package --cflags --libs) &&
		readelf -d "$scratch/shared" |
			grep -q 'NEEDED.*libarenauser\.so\.0' &&
		LD_LIBRARY_PATH=$prefix/lib "$scratch/shared"
}

static() {
	# shellcheck disable=SC2046,SC2086  # options are words
	$CC $warnings -static -o "$scratch/static" "$scratch/example.c" \
		$(package --static --cflags --libs) &&
		"$scratch/static"
}

# A program's own function of a name that the library has stays the program's.
interposed() {
	cat >"$scratch/own.c" <<-'END'
		#include <arenauser.h>
		#include <stdlib.h>
		size_t arena_used(const struct arena *arena)
		{
			(void)arena;
			abort();
		}
		int main(void)
		{
			struct arena_options options = ARENA_OPTIONS_INIT;
			struct arena *arena;
			struct arena_mark mark;
			options.backend = ARENA_BACKEND_ANONYMOUS;
			if (arena_create(1, &options, &arena) ||
			    arena_mark(arena, &mark) ||
			    arena_rewind(arena, &mark))
				return 1;
			return arena_peak(arena) != 0;
		}
	END
	# shellcheck disable=SC2046,SC2086  # options are words
	$CC $warnings -o "$scratch/own" "$scratch/own.c" \
		$(package --cflags --libs) &&
		LD_LIBRARY_PATH=$prefix/lib "$scratch/own"
}

# What is not looked at is said by the compiler.
unchecked() {
	local call
	for call in 'arena_create(1, NULL, &a)' 'arena_mark(a, &m)' \
			'arena_rewind(a, &m)' 'arena_carve(a, 1, &a)' \
			'arena_carve_matrix(a, 1, 1, 1, 0, &x)' \
			'arena_carve_matrix_f32(a, 1, 1, 0, &x)' \
			'arena_carve_matrix_f64(a, 1, 1, 0, &x)' \
			'arena_alloc_aligned(a, 1, 64, &p)' \
			'arena_fault_counter_open(&c)'; do
		cat >"$scratch/unchecked.c" <<-END
			#include <arenauser.h>
			struct arena *a;
			struct arena_mark m;
			struct arena_matrix x;
			struct arena_fault_counter *c;
			void *p;
			void f(void);
			void f(void) { $call; }
		END
		# shellcheck disable=SC2086  # options are words
		! $CC $warnings -I"$prefix/include" -c \
			-o "$scratch/unchecked.o" "$scratch/unchecked.c" 2>/dev/null ||
			{ echo "may be ignored: $call"; return 1; }
		# shellcheck disable=SC2086  # options are words
		$CC $warnings -Wno-unused-result -I"$prefix/include" \
			-c -o "$scratch/unchecked.o" "$scratch/unchecked.c" || return 1
	done
}

# The inline function is one of the library, too, in every dialect.
outlined() {
	local dialect
	cat >"$scratch/one.c" <<-'END'
		#include <arenauser.h>
		int other(struct arena *arena);
		int main(void)
		{
			struct arena_options options = ARENA_OPTIONS_INIT;
			void *(*alloc)(struct arena *, size_t) = arena_alloc;
			struct arena *arena;
			options.backend = ARENA_BACKEND_ANONYMOUS;
			if (arena_create(128, &options, &arena))
				return 2;
			return !alloc(arena, 64) || !other(arena) ||
			       alloc(arena, 1);
		}
	END
	cat >"$scratch/two.c" <<-'END'
		#include <arenauser.h>
		int other(struct arena *arena);
		int other(struct arena *arena)
		{
			void *block = arena_alloc(arena, 64);
			return block != (void *)0;
		}
	END
	for dialect in "gnu89 -O0" "gnu89 -O2" "c11 -O0" "c11 -O2"; do
		# shellcheck disable=SC2046,SC2086  # options are words
		$CC -std=$dialect -Wall -Werror -o "$scratch/outlined" \
			"$scratch/one.c" "$scratch/two.c" \
			$(package --cflags --libs) &&
			LD_LIBRARY_PATH=$prefix/lib "$scratch/outlined" ||
			{ echo "not with $dialect"; return 1; }
	done
	nm -D --defined-only "$prefix/lib/libarenauser.so" |
		grep -q ' T arena_alloc@'
}

plain_c() {
	echo '#include <arenauser.h>' >"$scratch/alone.$3"
	"$1" "-std=$2" -pedantic -Wall -Wextra -Werror -Wshadow -x "$4" \
		-I"$prefix/include" -fsyntax-only "$scratch/alone.$3"
}

uninstalled() {
	library uninstall && [ -z "$(find "$prefix" ! -type d)" ]
}

# errno names of the manual, and those that arena_strerror() explains.
errors() {
	cat >"$scratch/errors.c" <<-'END'
		#define _GNU_SOURCE
		#include <arenauser.h>
		#include <stdio.h>
		#include <string.h>
		int main(void)
		{
			for (int error = 1; error < 4095; error++)
				if (strcmp(arena_strerror(-error),
					   arena_strerror(-4095)))
					puts(strerrorname_np(error));
			return 0;
		}
	END
	$CC -o "$scratch/errors" "$scratch/errors.c" \
		-I"$top/libuser/include" "$O/lib/libarenauser.a" &&
	diff <(sed -n '/^\.Ss Errors/,/^\.Sh/s/^\.It Bq Er //p' "$manual") \
		<("$scratch/errors" | sed 's/^ENOTSUP$/EOPNOTSUPP/' | sort)
}

declared() { grep -oE '\barena_[a-z0-9_]+\(' "$header" | tr -d '(' | sort -u; }

# Each function that the header declares can be linked, or is inline.
exported() {
	local name missing=0
	for name in $(declared); do
		nm -D --defined-only "$O/lib/libarenauser.so" |
			grep -q " $name@" ||
			grep -qE "^static inline .*\b$name\(" "$header" ||
			{ echo "$name is not exported"; missing=1; }
	done
	return "$missing"
}

# Each is in the manual, and has a page.
functions() {
	local name missing=0
	for name in $(declared | grep -vx arena_alloc_slow); do
		grep -qE "^\.It Fn .*\b$name\b" "$manual" ||
			grep -qE "^\.Fn $name\b" "$manual" ||
			{ echo "$name is not in libarenauser.7"; missing=1; }
		grep -qE "^\.Nm $name\b" "$man"/*.3 ||
			{ echo "$name has no page"; missing=1; }
	done
	return "$missing"
}

# Of style only what does not depend on the manuals installed here.
lint() {
	local said
	said=$(mandoc -T lint -W style "$manual" "$man"/*.3 2>/dev/null |
		grep -v 'referenced manual not found')
	[ -z "$said" ] || { echo "$said"; false; }
}

echo "TAP version 13"
check "installs" library install
check "tells the loader, as root" ldconfig_runs
check "installs where it is told to" places
check "has a page for each function" pages
check "warnings are errors only where asked for" warnings_pass
for compiler in gcc clang; do
	if command -v $compiler >/dev/null; then
		check "header alone is C11 for $compiler" \
			plain_c $compiler c11 c c
		check "header alone is C++17 for $compiler" \
			plain_c $compiler c++17 cpp c++
	else
		skip "header alone for $compiler" "$compiler is not installed"
	fi
done
check "compiler sees what is not looked at" unchecked
check "manual has an example" extract
if command -v pkg-config >/dev/null; then
	check "example runs with the shared library" shared
	check "example runs with the static library" static
	check "library has what is inline as a function" outlined
	check "library calls its own functions, not the program's" interposed
else
	skip "example runs" "pkg-config is not installed"
fi
check "errors of the manual are those with a text" errors
check "functions of the header are exported" exported
check "functions of the header are in the manual" functions
if command -v mandoc >/dev/null; then
	check "manual has no lint" lint
else
	skip "manual has no lint" "mandoc is not installed"
fi
check "uninstalls without a trace" uninstalled
echo "1..$number"
exit $((failed != 0))
