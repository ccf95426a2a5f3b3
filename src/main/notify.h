/* SPDX-License-Identifier: MIT */
/*
 * notify -- a word to the service manager (the sd_notify protocol)
 */
#ifndef MAIN_NOTIFY_H
#define MAIN_NOTIFY_H

/* "READY=1", "STOPPING=1"; nobody listening: no effect. */
void notify_say(const char *text);

/* "RELOADING=1" with the time stamp that Type=notify-reload asks for. */
void notify_reloading(void);

#endif
