#!/bin/sh
# SPDX-License-Identifier: MIT
# banned -- functions and forms that this program does not use
. "$(dirname "$0")/lint.inc"
cd "$top" || exit 1

words='strcpy|strcat|strncpy|strncat|sprintf|vsprintf|strtok|strtok_r|atoi|atol|gets|alloca|setjmp|longjmp|system|popen|mktemp|tmpnam|rand|srand'

for file in $(sources); do
	checked=$((checked + 1))
	text=$(bare "$file")
	found()
	{
		echo "$text" | grep -E "$1" && bad "$file: $2"
	}
	found "(^|[^A-Za-z0-9_.>])($words)[ ]*\(" "a banned function"
	found ':[^:]*(^|[^A-Za-z0-9_])goto[ ]' "goto"
	found '(if|while)[ ]*\([^=!<>]*[^=!<>]=[^=].*\)[ ]*\{?$' \
		"assignment in a condition"
	found 'typedef[ ]+struct' "typedef for a struct"
	found '(^|[^A-Za-z0-9_])NDEBUG' "NDEBUG"
	case $file in
	src/main/* | src/base/loop.c | src/door/fcgi.c) ;;
	*) found '(^|[^A-Za-z0-9_.>])(exit|_exit|signal|sigaction)[ ]*\(' \
		"exit or signals outside main/" ;;
	esac
	case $file in
	src/base/* | src/http/* | src/door/* | src/gate/gate.c) ;;
	*) found '(^|[^A-Za-z0-9_.>])(free|malloc|calloc|realloc)[ ]*\(' \
		"memory that is not an arena's" ;;
	esac
	case $file in
	src/main/* | src/conf/*) ;;
	*) found '(^|[^A-Za-z0-9_.>])getenv[ ]*\(' "getenv" ;;
	esac
done
finish
