#!/bin/sh
# SPDX-License-Identifier: MIT
# waits -- what waits has tests for all four ends, and a limit of time
. "$(dirname "$0")/lint.inc"
cd "$top" || exit 1

# A step that waits: a test for each way out of it. The line before a flow's
# @test, or before a function of a unit test, says "waits: STEP END".
tagged()
{
	$AWK -v want="waits: $1 $2" '
	FNR == 1 { here = 0 }
	here && (/^@test\(/ || /^static / || /^[ \t]*[{]/) { found = 1 }
	{ here = index($0, want) > 0 }
	END { exit !found }' tests/flow/*.py tests/unit/*.c
}
steps=$(sed -n 's/^[ 	]*{ "\([a-z]*\)",[ 	]*[a-z_]*,[ 	]*[a-z]*_back }.*/\1/p' \
	src/gate/pipeline.c)
for step in $steps; do
	for end in well fault gone deadline; do
		checked=$((checked + 1))
		tagged "$step" "$end" ||
			bad "step $step: no test says 'waits: $step $end'"
	done
done

# A call to another host: each plan says when it is over.
for file in $(sources | grep '\.c$'); do
	bare "$file" | $AWK -v file="$file" '
	{ sub(/^[^:]*:[0-9]+:/, "") }
	/struct (transfer|fetch)_plan[ )].*[{]/ { inside = FNR; text = "" }
	inside { text = text $0 }
	inside && /}/ {
		total = text ~ /\.(total|timeout|most)_ms/
		parts = text ~ /\.first_byte_ms/ && text ~ /\.idle_ms/
		if (!total && !parts) {
			print file ":" inside ": a plan without a limit of time"
			wrong = 1
		}
		inside = 0
	}
	END { exit wrong }' || failed=$((failed + 1))
	checked=$((checked + 1))
done
finish
