#!/bin/sh
# SPDX-License-Identifier: MIT
# told -- every metric and every message about the configuration has its paper
. "$(dirname "$0")/lint.inc"
cd "$top" || exit 1

# X(ID, KIND, "name", "help"), over two lines
rows=$(sed -n '/^X(/,/")/p' src/watch/family.h | tr -d '\\\n\t' |
	sed -e 's/X(/\n/g' |
	sed -n 's/^[A-Z_]*, \([A-Z]*\), "\([a-z_]*\)", *"\([^"]*\)".*/\2|\1|\3/p')
while IFS='|' read -r name kind help; do
	checked=$((checked + 1))
	kind=$(echo "$kind" | tr '[:upper:]' '[:lower:]')
	grep -F "| \`$name\` | $kind |" docs/metrics.md | grep -qF "| $help |" ||
		bad "docs/metrics.md: $name is not told as $kind, '$help'"
done <<END
$rows
END
[ "$(echo "$rows" | wc -l)" -eq "$(grep -c '^X(' src/watch/family.h)" ] ||
	bad "src/watch/family.h: rows that this guard cannot read"
for name in $(sed -n 's/^| `\(mcp[a-z_]*\)` .*/\1/p' docs/metrics.md); do
	grep -qF "\"$name\"" src/watch/family.h ||
		bad "docs/metrics.md: there is no $name"
done

ids=$(grep -ohE '"[EW][0-9]{2}"' src/conf/*.c | tr -d '"' | sort -u)
for id in $ids; do
	checked=$((checked + 1))
	grep -q "^| \`$id\` | " docs/messages.md ||
		bad "docs/messages.md: no word of $id"
done
for id in $(grep -ohE '\b[EW][0-9]{2}\b' docs/*.md docs/auth/*.md | sort -u); do
	checked=$((checked + 1))
	echo "$ids" | grep -qx "$id" || bad "docs: there is no message $id"
done
finish
