#!/bin/sh
# SPDX-License-Identifier: MIT
# limits -- each row of docs/limits.md names a test, and the test is there
. "$(dirname "$0")/lint.inc"
cd "$top" || exit 1

rows=$(sed -n 's/^| `\([A-Z_]*\)` |.*|\([^|]*\)|$/\1 \2/p' docs/limits.md |
	tr -d ',')
while read -r name words; do
	[ -n "$name" ] || continue
	checked=$((checked + 1))
	named=0 flow=no
	for word in $words; do
		case $flow$word in
		noflow) flow=yes; continue ;;
		yes*) file=tests/flow/$word.py ;;
		notest_* | norace_*) file=tests/${word%%_*}/$word.c
			file=$(echo "$file" | sed 's,^tests/test/,tests/unit/,') ;;
		*) bad "docs/limits.md: $name: '$word' is no test"; continue ;;
		esac
		flow=no
		named=$((named + 1))
		[ -f "$file" ] || bad "docs/limits.md: $name: there is no $file"
	done
	[ $named -gt 0 ] || bad "docs/limits.md: $name: no test is named"
done <<END
$rows
END
finish
