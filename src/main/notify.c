/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "main/notify.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"

void
notify_say(const char *text)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	size_t n = path != NULL ? strlen(path) : 0;
	socklen_t size;
	int fd;

	if (n < 2 || n >= sizeof to.sun_path || strchr("/@", path[0]) == NULL)
		return;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return;
	memcpy(to.sun_path, path, n);
	if (path[0] == '@')
		to.sun_path[0] = '\0';		/* an abstract name */
	size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
	(void)sendto(fd, text, strlen(text), MSG_NOSIGNAL,
		(const struct sockaddr *)&to, size);
	(void)close(fd);
}

void
notify_reloading(void)
{
	char text[64];

	(void)snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%"
		PRIu64, clock_mono_us());
	notify_say(text);
}
