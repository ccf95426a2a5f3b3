#!/bin/sh
# SPDX-License-Identifier: MIT
# headers -- each compiles alone, behind config.h
. "$(dirname "$0")/lint.inc"
cd "$top" || exit 1

dir=$(mktemp -d "${TMPDIR:-/tmp}/mcpgate-lint.XXXXXX") || exit 1
trap 'rm -rf "$dir"' EXIT
for file in $(sources | grep '\.h$'); do
	checked=$((checked + 1))
	guard=$(echo "${file#src/}" | tr 'a-z/.-' 'A-Z___')
	grep -q "^#ifndef $guard\$" "$file" ||
		bad "$file: the guard is not $guard"
	printf '#include "config.h"\n#include "%s"\n#include "%s"\n' \
		"${file#src/}" "${file#src/}" > "$dir/one.c"
	${CC:-cc} ${CPPFLAGS:-} -std=c11 -Wall -Wextra -Werror -I"$build" \
		-I"$top/src" -fsyntax-only "$dir/one.c" ||
		bad "$file: does not compile alone"
done
finish
