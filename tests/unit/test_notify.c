/* SPDX-License-Identifier: MIT */
/*
 * notify -- the word to the service manager arrives
 */
#include "config.h"
#include "main/notify.h"

#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "kit/tap.h"

static void
hear(int fd, const char *want)
{
	char text[128] = "";
	ssize_t n = recv(fd, text, sizeof text - 1, MSG_DONTWAIT);

	tap_ok(n > 0 && strncmp(text, want, strlen(want)) == 0,
		"%.*s arrives", (int)strcspn(want, "\n"), want);
}

int
main(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	char name[64], path[64];
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	size_t n;

	snprintf(name, sizeof name, "gate-test-%ld", (long)getpid());
	n = strlen(name);
	memcpy(at.sun_path + 1, name, n);
	if (bind(fd, (const struct sockaddr *)&at,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + n)) != 0)
		return 1;
	unsetenv("NOTIFY_SOCKET");
	notify_say("READY=1");
	snprintf(path, sizeof path, "@%s", name);
	setenv("NOTIFY_SOCKET", path, 1);
	notify_say("STOPPING=1");
	hear(fd, "STOPPING=1");
	notify_reloading();
	hear(fd, "RELOADING=1\nMONOTONIC_USEC=");
	setenv("NOTIFY_SOCKET", "relative", 1);
	notify_say("READY=1");
	setenv("NOTIFY_SOCKET", "/no/such/socket", 1);
	notify_say("READY=1");
	tap_ok(recv(fd, path, sizeof path, MSG_DONTWAIT) < 0,
		"nobody else is told");
	close(fd);
	return tap_done();
}
