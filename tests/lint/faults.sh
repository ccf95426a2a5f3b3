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
finish
