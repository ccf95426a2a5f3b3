#!/bin/sh
# SPDX-License-Identifier: MIT
# registered -- what lies in the tree is built, run and shipped
. "$(dirname "$0")/lint.inc"
cd "$top" || exit 1

listed()
{
	# $1: a file, $2: the fragment, $3: its directory
	checked=$((checked + 1))
	word="%D%/${1#"$3"/}"
	grep -qE "(^|[ 	])$(echo "$word" | sed 's/[.+]/\\&/g')([ 	]|\\\\|\$)" "$2" ||
		bad "$1: is not in $2"
}

for file in $(sources); do
	case $file in src/main/main.c) continue ;; esac
	listed "$file" src/local.am src
done
for file in $(find tests/unit -name 'test_*.c'; find tests/race -name 'race_*.c'; \
    find tests/fuzz -name 'fuzz_*.c'); do
	listed "${file%.c}" tests/local.am tests
done
for file in $(find tests/lint -name '*.sh'; find tests/flow -name '*.py'; \
    find tests/server -name '*.py' -o -name '*.sh'; \
    find tests/conformance -type f ! -name '*.pyc'; find tests/kit -type f \
    ! -name '*.pyc'); do
	listed "$file" tests/local.am tests
done

for file in docs/*.md docs/why/*.md docs/*.[1-8] conf/*.json conf/*.in \
    apache/*.in nginx/*.in lighttpd/*.in tools/* docs/auth/*.md \
    LICENSE *.md; do
	checked=$((checked + 1))
	grep -qF "$file" Makefile.am || bad "$file: is not in Makefile.am"
done

# A corpus belongs to a target, a target has a corpus that is not empty.
for dir in tests/fuzz/corpus/*/; do
	name=$(basename "$dir")
	checked=$((checked + 1))
	[ -f "tests/fuzz/fuzz_$name.c" ] || bad "$dir: no fuzz_$name.c"
done
for file in tests/fuzz/fuzz_*.c; do
	name=$(basename "$file" .c)
	checked=$((checked + 1))
	ls "tests/fuzz/corpus/${name#fuzz_}/"* >/dev/null 2>&1 ||
		bad "$file: no corpus"
done

# And what is listed is there.
for word in $(sed -n 's/^[^#]*%D%\/\([^ ]*\).*/\1/p' src/local.am); do
	[ -f "src/$word" ] || bad "src/local.am: no src/$word"
done
for word in $(sed -n 's/^	%D%\/\([^ ]*\).*/\1/p' tests/local.am); do
	[ -e "tests/$word" ] || [ -f "tests/$word.c" ] ||
		bad "tests/local.am: no tests/$word"
done
finish
