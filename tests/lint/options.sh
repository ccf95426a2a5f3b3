#!/bin/sh
# SPDX-License-Identifier: MIT
# options -- what the program prints about itself is what the papers say
. "$(dirname "$0")/lint.inc"
cd "$top" || exit 1
mcpgate=${MCPGATE:-$build/mcpgate}

dir=$(mktemp -d "${TMPDIR:-/tmp}/mcpgate-lint.XXXXXX") || exit 1
trap 'rm -rf "$dir"' EXIT

same()
{
	checked=$((checked + 1))
	"$mcpgate" "$1" > "$dir/now" || bad "mcpgate $1 fails"
	[ -s "$dir/now" ] || bad "mcpgate $1 says nothing"
	diff -u "$2" "$dir/now" | head -n 20
	cmp -s "$2" "$dir/now" || bad "$2: run 'make papers'"
}
same --options docs/options.md
same --print-schema conf/mcpgate.schema.json

# The words of both programs stand in their manual pages.
words()
{
	"$1" --help | sed -n 's/^.*[ ,]--\([a-z-]*\).*/\1/p'
}
for word in $(words "$mcpgate"); do
	checked=$((checked + 1))
	grep -q "Fl -$word" docs/mcpgate.8 ||
		bad "docs/mcpgate.8: --$word is missing"
done
for word in $(words "${MCPGATECTL:-$build/mcpgatectl}"); do
	checked=$((checked + 1))
	grep -q "Fl -$word" docs/mcpgatectl.1 ||
		bad "docs/mcpgatectl.1: --$word is missing"
done

# Blocks of the configuration and variables of the environment stand in
# mcpgate.json(5).
page=docs/mcpgate.json.5
for word in inboundAuth $(sed -n 's/^{ "mcpProxy\.\([a-zA-Z]*\)",.*/\1/p' \
    src/conf/rows_gate.c; sed -n 's/^{ O "\([a-zA-Z]*\)", ROW_BLOCKS*,.*/\1/p' \
    src/conf/rows_options.c); do
	checked=$((checked + 1))
	grep -qE "^\.(It )?Cm (.* )?$word( |\$)" $page ||
		bad "$page: $word is missing"
done
for word in $(sed '/ unused\[\] = {/,/^};/d' src/conf/env.c |
    grep -oE '"[A-Z][A-Z_]{4,}"' | tr -d '"'); do
	checked=$((checked + 1))
	grep -qE "^\.It Ev (.* )?$word( |\$)" $page ||
		bad "$page: $word is missing"
done

# Fields of a request's line stand in mcpgate(8).
for word in $(sed -n 's/.*log_[a-z]*(&*l, "\([a-z_]*\)".*/\1/p' \
    src/watch/access_log.c | sort -u); do
	checked=$((checked + 1))
	sed -n '/^\.Sh LOG/,/^\.Sh ENV/p' docs/mcpgate.8 |
		grep -qE "^\.Cm (.* )?$word( |\$)" ||
		bad "docs/mcpgate.8: the field $word is missing"
done

# Ready snippets have no place holder left, and the paths of this build.
for way in nginx lighttpd apache systemd; do
	checked=$((checked + 1))
	"$mcpgate" "--print-$way" > "$dir/now" || bad "--print-$way fails"
	[ -s "$dir/now" ] || bad "--print-$way says nothing"
	grep -n '@[A-Z]*@' "$dir/now" && bad "--print-$way: a place holder"
	for other in $(sed -n 's/.* WAY one of //p' "$dir/now"); do
		"$mcpgate" "--print-$way=$other" > "$dir/one" ||
			bad "--print-$way=$other fails"
		[ -s "$dir/one" ] || bad "--print-$way=$other says nothing"
		grep -n '@[A-Z]*@' "$dir/one" && bad "$other: a place holder"
	done
done
finish
