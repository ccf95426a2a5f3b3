/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>

#include "http/guard.h"
#include "kit/tap.h"

/* Both ends of every block, and what lies beside them. */
static const struct {
	const char *address;
	bool refused;
} cases[] = {
	{ "0.0.0.0", true }, { "0.255.255.255", true }, { "1.0.0.0", false },
	{ "9.255.255.255", false }, { "10.0.0.0", true },
	{ "10.255.255.255", true }, { "11.0.0.0", false },
	{ "100.63.255.255", false }, { "100.64.0.0", true },
	{ "100.127.255.255", true }, { "100.128.0.0", false },
	{ "126.255.255.255", false }, { "127.0.0.1", true },
	{ "127.255.255.255", true }, { "128.0.0.0", false },
	{ "169.253.255.255", false }, { "169.254.169.254", true },
	{ "169.255.0.0", false }, { "172.15.255.255", false },
	{ "172.16.0.0", true }, { "172.31.255.255", true },
	{ "172.32.0.0", false }, { "191.255.255.255", false },
	{ "192.0.0.255", true }, { "192.0.1.0", false },
	{ "192.167.255.255", false }, { "192.168.0.0", true },
	{ "192.169.0.0", false }, { "198.17.255.255", false },
	{ "198.18.0.0", true }, { "198.19.255.255", true },
	{ "198.20.0.0", false }, { "223.255.255.255", false },
	{ "224.0.0.1", true }, { "239.255.255.255", true },
	{ "240.0.0.0", true }, { "255.255.255.255", true },
	{ "8.8.8.8", false },
	{ "::", true }, { "::1", true }, { "::8.8.8.8", true },
	{ "::1:0:0", false },
	{ "::ffff:127.0.0.1", true }, { "::ffff:8.8.8.8", false },
	{ "::ffff:10.1.2.3", true },
	{ "64:ff9b::10.0.0.1", true }, { "64:ff9b::8.8.8.8", false },
	{ "64:ff9b:1::8.8.8.8", true }, { "64:ff9b:2::1", false },
	{ "2002:7f00:1::", true }, { "2002:808:808::", false },
	{ "2002:a00:1::1", true },
	{ "2001::1", true }, { "2001:1::1", false },
	{ "2001:4860:4860::8888", false },
	{ "fbff::1", false }, { "fc00::1", true }, { "fdff::1", true },
	{ "fe00::1", false }, { "fe80::1", true }, { "febf::1", true },
	{ "fec0::1", true }, { "feff::1", true }, { "ff02::1", true },
	{ "2606:4700::1", false },
};

static bool
ask(const char *text)
{
	struct sockaddr_in four = { .sin_family = AF_INET };
	struct sockaddr_in6 six = { .sin6_family = AF_INET6 };

	if (inet_pton(AF_INET, text, &four.sin_addr) == 1)
		return guard_address((struct sockaddr *)&four);
	if (inet_pton(AF_INET6, text, &six.sin6_addr) == 1)
		return guard_address((struct sockaddr *)&six);
	printf("# '%s' is no address\n", text);
	return false;
}

static const struct {
	const char *host;
	bool refused;
} hosts[] = {
	{ "localhost", true }, { "LOCALHOST", true }, { "localhost.", true },
	{ "a.localhost", true }, { "notlocalhost", false },
	{ "localhost.example", false }, { "127.0.0.1", true },
	{ "[::1]", true }, { "[2606:4700::1]", false }, { "8.8.8.8", false },
	{ "example.com", false }, { "", false },
};

static const struct {
	const char *list, *host;
	bool direct;
} lists[] = {
	{ "", "a", false },
	{ "*", "anything", true },
	{ "*", "10.0.0.1", true },
	{ "example.com", "example.com", true },
	{ "example.com", "EXAMPLE.com.", true },
	{ "example.com", "www.example.com", true },
	{ "example.com", "badexample.com", false },
	{ ".example.com", "www.example.com", true },
	{ ".example.com", "example.com", true },
	{ "example.com", "com", false },
	{ ".", "a", false },
	{ "a, b ,c", "b", true },
	{ "a,,c", "c", true },
	{ "a,,c", "d", false },
	{ "10.0.0.1", "10.0.0.1", true },
	{ "10.0.0.1", "10.0.0.2", false },
	{ "10.0.0.0/8", "10.9.9.9", true },
	{ "10.0.0.0/8", "11.0.0.0", false },
	{ "10.0.0.0/0", "11.0.0.0", true },
	{ "10.0.0.0/33", "10.0.0.0", false },
	{ "10.0.0.0/x", "10.0.0.0", false },
	{ "10.0.0.0/8", "name", false },
	{ "::1", "[::1]", true },
	{ "[::1]", "[::1]", true },
	{ "fd00::/8", "[fd12::1]", true },
	{ "fd00::/8", "[fc12::1]", false },
	{ "0.0.0.0/0", "[::1]", false },
	{ "0.1", "10.0.0.1", false },
};

int
main(void)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		tap_ok(ask(cases[i].address) == cases[i].refused, "%s is %s",
			cases[i].address, cases[i].refused ? "refused" : "let");
	OK(guard_address((struct sockaddr *)&un));
	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++)
		tap_ok(guard_host(str_of(hosts[i].host)) == hosts[i].refused,
			"host '%s'", hosts[i].host);
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		tap_ok(guard_direct(str_of(lists[i].list),
			str_of(lists[i].host)) == lists[i].direct,
			"'%s' on '%s'", lists[i].host, lists[i].list);
	return tap_done();
}
