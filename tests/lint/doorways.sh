#!/bin/sh
# SPDX-License-Identifier: MIT
# doorways -- a foreign library is spoken to in the files named here alone
. "$(dirname "$0")/lint.inc"
cd "$top" || exit 1

only()
{
	case $1 in
	fcgiapp.h | fcgi_config.h | fcgi_stdio.h) echo "src/door/fcgi.c" ;;
	curl/*) ls src/http/*.c src/http/wire.h ;;
	jwt.h) echo "src/auth/jws_libjwt.c src/auth/jws_libjwt3.c" ;;
	json-c/* | json.h) echo "src/base/jdoc.c" ;;
	uv.h) echo "src/base/loop.c" ;;
	openssl/*) echo "src/auth/jws_evp.c src/auth/jws_sign.c src/base/digest.c src/base/seal.c src/http/curl.c" ;;
	pthread.h) echo "src/shm/lock.c src/shm/segment.c" ;;
	jansson.h | threads.h) echo "" ;;
	*) echo "everywhere" ;;
	esac
}

for file in $(sources); do
	for name in $(sed -n 's/^#[ ]*include[ ]*<\(.*\)>.*/\1/p' "$file"); do
		allowed=$(only "$name" | tr '\n' ' ')
		[ "$allowed" = "everywhere " ] && continue
		checked=$((checked + 1))
		case " $allowed" in
		*" $file "*) ;;
		*) bad "$file: includes $name" ;;
		esac
	done
done

# The one header that shows a foreign type stays inside its room.
grep -l '"http/wire.h"' $(sources | grep -v '^src/http/') /dev/null &&
	bad "http/wire.h is included outside of http/"

# No name of ours begins like one of theirs.
for file in $(sources); do
	bare "$file" | grep -E '^[^:]*:[0-9]+:(json_|jwt_|curl_|uv_|FCGX_)[A-Za-z0-9_]*\(' &&
		bad "$file: defines a name of a library"
done
finish
