#!/bin/sh
# SPDX-License-Identifier: MIT
# style -- what can be counted: licence line, tabs, columns, sizes, order
. "$(dirname "$0")/lint.inc"
cd "$top" || exit 1

for file in $(sources; find tests -name '*.[ch]' | sort); do
	checked=$((checked + 1))
	[ "$(head -n 1 "$file")" = '/* SPDX-License-Identifier: MIT */' ] ||
		bad "$file:1: no licence line"
	$AWK -v file="$file" -f tests/lint/style.awk "$file" ||
		failed=$((failed + 1))
done
for file in $(find m4 tests tools src -name '*.sh' -o -name '*.py' \
    -o -name '*.am' -o -name '*.awk' -o -name '*.m4' ! -name pkg.m4); do
	checked=$((checked + 1))
	head -n 3 "$file" | grep -q 'SPDX-License-Identifier: MIT' ||
		bad "$file: no licence line"
done
finish
