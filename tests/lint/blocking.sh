#!/bin/sh
# SPDX-License-Identifier: MIT
# blocking -- what could stop a worker's loop stands in the files named here
. "$(dirname "$0")/lint.inc"
cd "$top" || exit 1

words='sleep usleep nanosleep getaddrinfo gethostbyname fsync fdatasync flock
pthread_mutex_lock pthread_create curl_easy_perform curl_multi_wait
curl_multi_poll FCGX_Accept FCGX_Accept_r FCGX_FFlush FCGX_PutStr fork vfork
uv_getaddrinfo uv_queue_work uv_random uv_fs_open uv_fs_read uv_thread_create
uv_spawn waitpid wait select poll sigtimedwait'

allowed()
{
	case "$1 $2" in
	"src/main/ctl_status.c nanosleep") ;;	# no worker
	"src/main/pool.c fork") ;;		# the master
	"src/main/pool.c waitpid") ;;
	"src/main/pool.c sigtimedwait") ;;
	"src/door/fcgi.c FCGX_Accept_r") ;;	# on the staging file
	"src/main/settings.c poll") ;;		# start: does not wait
	"src/shm/segment.c flock") ;;		# start: who makes the file
	"src/shm/segment.c poll") ;;		# start: waits for that one
	"src/shm/revoked_file.c flock") ;;		# mcpgatectl: who appends
	"src/shm/revoked_file.c fsync") ;;		# mcpgatectl: on disk, then in force
	"src/shm/lock.c poll") ;;		# start and reload
	"src/shm/lock.c pthread_mutex_lock") ;;	# start and reload
	*) return 1 ;;
	esac
}

pattern=$(echo $words | tr ' ' '|')
for file in $(sources); do
	checked=$((checked + 1))
	for word in $(bare "$file" |
	    grep -oE "(^|[^A-Za-z0-9_.>])($pattern)[ ]*\(" |
	    grep -oE '[A-Za-z_]+'); do
		allowed "$file" "$word" || bad "$file: calls $word()"
	done
done
finish
