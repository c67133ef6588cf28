#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Checks what no compiler sees: that each thing is in its room, that nobody
# includes what is not his to know, and that no file or function outgrows what
# a reader can hold.

# shellcheck disable=SC2046  # lists of files are words

. "$(dirname "$0")/tap.sh"

rooms="Kbuild|Makefile|README.md|LICENSE|kmod|libuser|tests|docs|build|\..*"

top_level() {
	local name
	for name in * .[!.]*; do
		[[ $name =~ ^($rooms)$ ]] || echo "not a room: $name"
	done
}

# grep that succeeds when it finds nothing.
absent() { ! grep -n "$@"; }

of_kind() { sources "$@" | grep -E '\.(c|h|hpp|S)$'; }

spdx() {
	local file first
	sources | grep -E '\.(c|h|hpp|S|sh|py|mk)$|(^|/)(Makefile|Kbuild)$' |
	while read -r file; do
		first=$(head -n 2 "$file" | grep -m 1 -v '^#!')
		[[ $first == *SPDX-License-Identifier:* ]] || echo "$file"
	done
	sources tests libuser .ci | while read -r file; do
		first=$(head -n 1 "$file" | tr -d '\0')
		[[ $first != '#!'* ]] || sed -n 2p "$file" |
			grep -q SPDX-License-Identifier || echo "$file"
	done
}

# The names in angle brackets or quotes that a set of files includes.
includes_of() {
	grep -HnE '^[ \t]*#[ \t]*include' "$@" /dev/null
}

uapi_includes() {
	includes_of kmod/uapi/linux/*.h |
		grep -vE '<linux/(ioctl|types)\.h>'
}

# Only what talks to the device may know the ABI of the device.
uapi_users() {
	local users
	users='^(kmod/|libuser/src/backend_device\.c:|libuser/tools/|tests/)'
	of_kind . | xargs grep -HnE 'include[ \t]*[<"](linux/)?arena\.h' |
		grep -vE "$users"
	includes_of $(of_kind tests/lib) | grep -E 'linux/arena\.h'
}

public_header() {
	local standard
	standard='<(assert|errno|limits|stdalign|stdatomic|stdbool|stddef|'
	standard+='stdint|stdio|stdlib|string)\.h>'
	includes_of libuser/include/arenauser.h | grep -vE "$standard"
}

# Tests of the library and examples see the public header alone.
library_users() {
	includes_of $(of_kind tests/lib libuser/examples) |
		grep -E '"[^"]*(internal|src/)[^"]*"'
}

nothing_from_tests() {
	includes_of $(of_kind kmod libuser) | grep -E '"[^"]*tests/'
}

file_lengths() {
	local file lines limit
	of_kind kmod libuser tests | while read -r file; do
		lines=$(wc -l <"$file") limit=400
		[[ $file != libuser/include/* ]] || limit=450
		[ "$lines" -le $limit ] || echo "$file has $lines lines"
	done
	sources tests .ci | xargs grep -lE '^#!.*sh' | while read -r file; do
		lines=$(wc -l <"$file")
		[ "$lines" -le 400 ] || echo "$file has $lines lines"
	done
}

# Prints "file line end name" for each function.
functions() {
	of_kind kmod libuser tests |
		ctags -L - -o - --fields=+ne --kinds-C=f --kinds-C++=f \
			--languages=C,C++ 2>/dev/null |
		awk -F '\t' '!/^!/ {
			line = end = 0
			for (i = 4; i <= NF; i++) {
				if ($i ~ /^line:/) line = substr($i, 6)
				if ($i ~ /^end:/) end = substr($i, 5)
			}
			if (end)
				print $2, line, end, $1
		}'
}

# A flat switch or the body of a test (ctags names it TEST) may reach 80.
function_lengths() {
	local file line end name limit
	functions | while read -r file line end name; do
		[ $((end - line + 1)) -gt 60 ] || continue
		limit=60
		if [[ $name == TEST* ]] || [ "$(sed -n "$line,${end}p" "$file" |
				grep -c '^	case ')" -ge 10 ]; then
			limit=80
		fi
		[ $((end - line + 1)) -le $limit ] ||
			echo "$file:$line: $name has $((end - line + 1)) lines"
	done
}

# Where somebody's checkout or scratch lies is nobody else's business.
private_paths() {
	sources | xargs grep -InE '(^|[^[:alnum:]_./$}-])/(home|root|Users)/[[:alnum:]_.-]+/' |
		grep -vE '/root/tests/|^tests/check/layout\.sh:'
}

unfinished() { sources | grep -v '^tests/check/' | xargs grep -InE '\b(FIXME|XXX|TODO)\b'; }

scripts() { sources | xargs grep -lE '^#!/bin/(ba)?sh' ; sources | grep '\.sh$'; }

shell_syntax() {
	local file
	scripts | sort -u | while read -r file; do
		bash -n "$file"
	done
}

check "top level has only the agreed rooms" top_level
check "each source opens with its licence" none spdx
check "the ABI header includes only the two kernel headers" none uapi_includes
check "only the device backend and its tests include the ABI" none uapi_users
check "arenauser.h includes only standard headers" none public_header
check "tests and examples of the library see its header alone" none library_users
check "nothing outside tests/ includes from tests/" none nothing_from_tests
check "no file is too long" file_lengths
if command -v ctags >/dev/null; then
	check "ctags tells where functions end" \
		test "$(functions | wc -l)" -gt 100
	check "no function is too long" function_lengths
else
	skip "no function is too long" "ctags is not installed"
fi
check "no path of a developer's machine" none private_paths
check "nothing is marked as unfinished" none unfinished
check "shell scripts parse" shell_syntax
if command -v shellcheck >/dev/null; then
	check "shellcheck is content" \
		sh -c 'printf "%s\n" "$@" | xargs shellcheck -x -P SCRIPTDIR -S warning' \
		sh $(scripts | sort -u)
else
	skip "shellcheck is content" "shellcheck is not installed"
fi
finish
