#!/bin/sh
# SPDX-License-Identifier: MIT
# map -- docs/MAP.md names every room, the files of the rooms that a request walks
# through, and only files that exist
. "$(dirname "$0")/lint.inc"
cd "$top" || exit 1

for dir in src/*/; do
	room=$(basename "$dir")
	checked=$((checked + 1))
	grep -q "$room/" docs/MAP.md || bad "docs/MAP.md: no word of $room/"
done
for file in src/door/*.c src/gate/*.c; do
	checked=$((checked + 1))
	grep -qE "\`${file%.c}\.[ch]\`" docs/MAP.md ||
		bad "docs/MAP.md: no word of $file"
done
names()
{
	grep -oE '`(src|tests|docs|conf|tools|m4|main|door|gate|auth|mcp|cred|relay|watch|http|shm|base)/[A-Za-z0-9_./-]+`' "$1" |
		tr -d '`' | sort -u
}
for paper in docs/MAP.md docs/STYLE.md docs/limits.md docs/why/*.md \
    CONTRIBUTING.md; do
	for name in $(names "$paper"); do
		checked=$((checked + 1))
		[ -e "$name" ] || [ -e "src/$name" ] ||
			bad "$paper: there is no $name"
	done
done
finish
