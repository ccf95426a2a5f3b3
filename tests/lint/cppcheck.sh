#!/bin/sh
# SPDX-License-Identifier: MIT
# cppcheck -- a second opinion on the sources; skipped where it is missing
. "$(dirname "$0")/lint.inc"
cd "$top" || exit 1

command -v cppcheck >/dev/null 2>&1 || {
	echo "no cppcheck here"
	exit 77
}
checked=$(sources | grep -c '\.c$')
cppcheck -q -j 2 --std=c11 --enable=warning,performance,portability \
	--inline-suppr --suppressions-list=tests/lint/cppcheck.txt \
	--error-exitcode=1 -DHAVE_CONFIG_H -I"$build" -Isrc \
	$(sources | grep '\.c$') 2>&1 || bad "cppcheck has found something"
finish
