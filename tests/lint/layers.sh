#!/bin/sh
# SPDX-License-Identifier: MIT
# layers -- a room includes only the rooms that it stands on (docs/STYLE.md)
. "$(dirname "$0")/lint.inc"
cd "$top" || exit 1

may()
{
	case $1 in
	base) echo "" ;;
	conf | shm) echo "base" ;;
	http) echo "base conf" ;;
	mcp) echo "base http" ;;
	auth | cred) echo "base conf shm http" ;;
	relay) echo "base conf http mcp" ;;
	watch) echo "base conf shm http" ;;
	gate) echo "base conf shm http mcp auth cred relay watch" ;;
	door) echo "base http gate" ;;
	main) echo "base conf shm http mcp auth cred relay watch gate door" ;;
	*) echo "-" ;;
	esac
}

for file in $(sources); do
	room=$(echo "$file" | cut -d/ -f2)
	allowed=" $(may "$room") $room "
	checked=$((checked + 1))
	if [ "$allowed" = " - $room " ]; then
		bad "$file: '$room' is no room"
		continue
	fi
	for name in $(sed -n 's/^#[ ]*include[ ]*"\(.*\)"/\1/p' "$file"); do
		[ "$name" = config.h ] && continue
		to=${name%%/*}
		case $allowed in
		*" $to "*) ;;
		*) bad "$file: includes $name" ;;
		esac
		[ -f "src/$name" ] || bad "$file: there is no src/$name"
	done
done
finish
