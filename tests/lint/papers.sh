#!/bin/sh
# SPDX-License-Identifier: MIT
# papers -- manual pages without a complaint, limits that are all told
. "$(dirname "$0")/lint.inc"
cd "$top" || exit 1

for page in docs/mcpgate.8 docs/mcpgatectl.1 docs/mcpgate.json.5; do
	checked=$((checked + 1))
	[ -s "$page" ] || bad "$page: is missing"
	# what the system's own manual lacks is not ours
	said=$(${MANDOC:-:} -Tlint -Wstyle "$page" 2>&1 |
		grep -v -e 'referenced manual not found' -e 'outdated mandoc.db')
	[ -z "$said" ] || bad "$said"
done

# A link leads to a file that is there, and installed with its path.
for paper in *.md docs/*.md docs/*/*.md; do
	dir=$(dirname "$paper")
	for link in $(grep -o '](\([^)#:]*\)[)#]' "$paper" |
	    sed 's/^](//; s/[)#]$//'); do
		checked=$((checked + 1))
		[ -e "$dir/$link" ] || bad "$paper: there is no $link"
	done
done

# Every maximum of the program stands in docs/limits.md, no other one does.
limits=$(sed -n 's/^#define \([A-Z_]*\)[ 	].*/\1/p' src/base/limits.h)
for name in $limits; do
	[ "$name" = KIB ] || [ "$name" = MIB ] && continue
	checked=$((checked + 1))
	value=$(sed -n "s/^#define $name[ 	]*\([^/]*[^/ 	]\).*/\1/p" \
		src/base/limits.h | sed -e 's/KIB(\([0-9]*\))/\1 KiB/' \
		-e 's/MIB(\([0-9]*\))/\1 MiB/')
	grep -qF "| \`$name\` | $value |" docs/limits.md ||
		bad "docs/limits.md: $name is not told as $value"
done
for name in $(sed -n 's/^| `\([A-Z_]*\)` .*/\1/p' docs/limits.md); do
	echo "$limits" | grep -qx "$name" ||
		bad "docs/limits.md: there is no $name"
done
finish
