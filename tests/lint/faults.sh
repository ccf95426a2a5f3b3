#!/bin/sh
# SPDX-License-Identifier: MIT
# faults -- one table for code, paper and tests; codes where they belong
. "$(dirname "$0")/lint.inc"
cd "$top" || exit 1
mcpgate=${MCPGATE:-$build/mcpgate}

"$mcpgate" --faults | diff -u docs/faults.md - || bad "run 'make papers'"

# Each kind: X(NAME, http, rpc, "reason", ...
rows=$(sed -n 's/^X(\([A-Z_]*\),[ 	]*\([0-9]*\),[ 	]*\(-*[0-9]*\),.*/\1 \2 \3/p' \
	src/base/fault.h)
while read -r kind http rpc; do
	[ -n "$kind" ] || continue
	checked=$((checked + 1))
	[ "$http" -ge 200 ] && [ "$http" -le 504 ] ||
		bad "FAULT_$kind: HTTP status $http"
	# JSON-RPC's own, and those that MCP has taken from its range
	case $rpc in
	0 | -32700 | -32600 | -32601 | -32602 | -32603) ;;
	-32002 | -32020 | -32021 | -32022) ;;
	*) [ "$rpc" -lt -32768 ] || [ "$rpc" -gt -32000 ] ||
		bad "FAULT_$kind: code $rpc is the protocol's" ;;
	esac
done <<END
$rows
END

# Each kind that the sources make is brought about by a test: a unit test of
# the file that makes it, or a flow that names it or a reason of its own.
made()
{
	grep -lw "FAULT_$1" $(sources | grep -v '^src/base/fault') \
		>/dev/null 2>&1
}
own_reason()
{
	reason=$(sed -n "s/^| \`$1\` |.* \`\([a-z_]*\)\` .*/\1/p" docs/faults.md)
	[ "$(grep -c "\`$reason\`" docs/faults.md)" -eq 1 ] &&
		grep -q "\"$reason\"" tests/flow/*.py
}
tested()
{
	grep -lw "FAULT_$1" $(ls tests/unit/test_*.c |
		grep -v '/test_\(fault\|metrics\|access_log\)\.c$') \
		>/dev/null 2>&1 || grep -q "\"$1[\" ]" tests/flow/*.py ||
		own_reason "$1"
}
for kind in $(echo "$rows" | cut -d' ' -f1); do
	checked=$((checked + 1))
	made "$kind" || { echo "FAULT_$kind: nothing makes it yet"; continue; }
	tested "$kind" || bad "FAULT_$kind: no test brings it about"
done
finish
