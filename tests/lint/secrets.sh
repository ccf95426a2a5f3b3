#!/bin/sh
# SPDX-License-Identifier: MIT
# secrets -- who may turn a secret into text, and that nobody prints one
. "$(dirname "$0")/lint.inc"
cd "$top" || exit 1

may_reveal='
src/base/secret.h
src/base/secret.c
src/auth/allow.c
src/auth/claim.c
src/auth/claims.c
src/auth/inquiry.c
src/auth/jws_evp.c
src/auth/jws_libjwt.c
src/auth/jws_libjwt3.c
src/auth/jws_sign.c
src/auth/policy.c
src/cred/credential.c
src/cred/passthrough.c
src/gate/front.c
src/gate/session.c
src/http/way.c
src/main/doctor_browser.c
'

for file in $(sources); do
	text=$(bare "$file")
	case "$text" in
	*secret_reveal*) ;;
	*) continue ;;
	esac
	checked=$((checked + 1))
	case $may_reveal in
	*"
$file
"*) ;;
	*) bad "$file: says secret_reveal() and is not on the list" ;;
	esac
	echo "$text" | grep -E '(log_[a-z]+|printf|buf_fmt)[ ]*\(.*secret_reveal' &&
		bad "$file: a secret goes into a text"
done
for file in $may_reveal; do
	[ -f "$file" ] && grep -q secret_reveal "$file" ||
		bad "$file: is on the list and does not say secret_reveal()"
done
# The field itself is touched by its type alone.
for file in $(sources); do
	case $file in src/base/secret.*) continue ;; esac
	bare "$file" | grep -E '[.>]hidden([^A-Za-z0-9_]|$)' &&
		bad "$file: looks into a secret"
done
finish
