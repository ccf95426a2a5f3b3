/* SPDX-License-Identifier: MIT */
/* conf_messages -- which text of a file brings which sentence, and where */
#include "config.h"
#include "conf/conf.h"

#include "kit/conf_rig.h"
#include "kit/tap.h"

#define GATE(x) "{\"mcpProxy\":{" x "}}"
#define SERVER(x) "{\"mcpServers\":{\"s\":{\"url\":\"https://u.test/\"" x "}}}"
#define OPTIONS(x) SERVER(",\"options\":{" x "}")
#define INBOUND(x) OPTIONS("\"inboundAuth\":{" x "}")
#define AUTH(x) OPTIONS("\"auth\":{" x "}")
#define RSA "\"jwt\":{\"publicKeyFile\":\"k\",\"audience\":\"a\"}"
#define UNTIL(ip, when) "{\"address\":\"" ip "\",\"until\":\"" when "\"}"
#define PAST(ip) UNTIL(ip, "2001-09-09T01:46:40Z")
#define LATER(ip) UNTIL(ip, "2099-01-01T00:00:00Z")
#define GATES(x, own) "{\"mcpProxy\":{\"options\":{\"security\":{" x "}}}," \
	"\"mcpServers\":{\"s\":{\"url\":\"https://u.test/\"," \
	"\"options\":" own "}}}"
#define SECURITY_OF_ITS_OWN "{\"security\":{\"ipAllow\":[\"::1\"]," \
	"\"ipDeny\":[\"::2\"]}}"
#define G "mcpProxy.options.security."
#define S "mcpServers.s"
#define O S ".options"
#define I O ".inboundAuth"
#define LONG "0123456789abcdef0123456789abcdef"

/* The id, the text of the file, and the message from the path on. */
static const struct {
	const char *id, *text, *says;
} cases[] = {
	{ "E01", "{\"mcpServer\":{}}",
		"mcpServer: unknown key \"mcpServer\"; did you mean "
		"\"mcpServers\"?" },
	{ "E01", AUTH("\"rotatoinMode\":\"random\""),
		O ".auth.rotatoinMode: unknown key \"rotatoinMode\"; did you "
		"mean \"rotationMode\"?" },
	{ "E01", "{\"_\":\"\xc3\xa4\",\"qqqqqqqq\":1}",
		"c:1:10: qqqqqqqq: unknown key" },
	{ "E01", GATE("\"qqqqqqqq\":1"),
		"mcpProxy.qqqqqqqq: unknown key \"qqqqqqqq\"" },
	{ "E01", "{\"groups\":{\"g\":{\"servers\":[\"nix\"]}}}",
		"groups.g.servers[0]: unknown key \"nix\"" },
	{ "E02", GATE("\"workers\":\"four\""),
		"mcpProxy.workers: expected a number, found text" },
	{ "E02", GATE("\"workers\":1.5"),
		"mcpProxy.workers: expected a whole number, found a number" },
	{ "E02", GATE("\"envOverrides\":\"true\""),
		"mcpProxy.envOverrides: expected true or false, found text" },
	{ "E02", "{\"mcpServers\":[]}",
		"mcpServers: expected a block, found a list" },
	{ "E02", "{\"mcpServers\":{\"s\":1}}",
		"mcpServers.s: expected a block, found a number" },
	{ "E02", GATE("\"limits\":{\"requestBody\":\"4 apples\"}"),
		"mcpProxy.limits.requestBody: expected a size, found text" },
	{ "E02", INBOUND("\"token\":{\"values\":[{\"value\":\"" LONG "\","
		"\"expires\":\"tomorrow\"}]}"),
		I ".token.values[0].expires: expected a date, found text" },
	{ "E02", INBOUND("\"token\":{\"sha256\":[\"12\"]}"),
		I ".token.sha256[0]: expected a list of SHA-256 digests, found "
		"text" },
	{ "E02", OPTIONS("\"policy\":[{\"tools\":[\"a\"]}]"),
		O ".policy[0]: expected an effect, found none" },
	{ "E02", OPTIONS("\"policy\":[{\"effect\":\"deny\",\"claims\":{"
		"\"a\":[]}}]"),
		O ".policy[0].claims.a: expected a value, found none" },
	{ "E02", OPTIONS("\"policy\":[{\"effect\":\"deny\",\"claims\":{"
		"\"a\":null}}]"),
		O ".policy[0].claims.a: expected a value, found none" },
	{ "E02", INBOUND("\"jwt\":{\"secret\":\"" LONG "\",\"audience\":\"a\","
		"\"claims\":{\"tenant\":[]}}"),
		I ".jwt.claims.tenant: expected a value, found none" },
	{ "E02", INBOUND("\"jwt\":{\"secret\":\"" LONG "\",\"audience\":\"a\","
		"\"claims\":{\"tenant\":\"\"}}"),
		I ".jwt.claims.tenant: expected a value, found none" },
	{ "E02", INBOUND("\"jwt\":{\"secret\":\"" LONG "\",\"audience\":\"a\","
		"\"claims\":{\"tenant\":null}}"),
		I ".jwt.claims.tenant: expected a value, found none" },
	{ "E02", INBOUND("\"introspection\":{\"endpoint\":\"https://i/\","
		"\"clientId\":\"x\",\"clientSecret\":\"y\",\"audience\":\"\"}"),
		I ".introspection.audience: expected a value, found none" },
	{ "E02", INBOUND("\"jwt\":{\"secret\":\"" LONG "\",\"audience\":\"a\","
		"\"issuer\":[]}"),
		I ".jwt.issuer: expected a value, found none" },
	{ "E02", INBOUND("\"jwt\":{\"secret\":\"" LONG "\",\"audience\":\"a\","
		"\"issuer\":\"\"}"),
		I ".jwt.issuer: expected a value, found none" },
	{ "E02", "{\"mcpServers\":{\"s\":null}}",
		"mcpServers.s: expected a block, found null" },
	{ "E02", "[]", "file: expected a block, found a list" },
	{ "E02", "\"x\"", "file: expected a block, found text" },
	{ "E02", "{\"a\" 1}", "file: expected a colon" },
	{ "E02", "{\"a\":NaN}", "file: expected JSON, found " },
	{ "E02", "", "file: expected JSON, found " },
	{ "E03", GATE("\"workers\":65"),
		"mcpProxy.workers: 65 is not within 1..64" },
	{ "E03", GATE("\"keepAlive\":\"36s\""),
		"mcpProxy.keepAlive: 36s is not within 1000..35000 "
		"milliseconds" },
	{ "E03", GATE("\"limits\":{\"requestBody\":\"1023B\"}"),
		"1023B is not within 1024..67108864 bytes" },
	{ "E03", SERVER(",\"timeout\":\"-5s\""),
		S ".timeout: -5s is not within 1..3600000 milliseconds" },
	{ "E03", AUTH("\"tokens\":[\"a\"],\"maxRetries\":0"),
		O ".auth.maxRetries: 0 is not within 1..256" },
	{ "E03", AUTH("\"tokens\":[\"a\"],\"maxRetries\":-1"),
		O ".auth.maxRetries: -1 is not within 1..256" },
	{ "E03", AUTH("\"tokens\":[\"a\"],\"maxRetries\":\"3\""),
		O ".auth.maxRetries: 3 is not within 1..256" },
	{ "E03", AUTH("\"tokens\":[\"a\"],\"rotateOn\":[401,500]"),
		O ".auth.rotateOn[1]: 500 is not within 401..403, 429" },
	{ "E03", OPTIONS("\"inboundAuth\":{\"jwt\":{\"maxStale\":\"9s\"}}"),
		"9s is not within 10000..604800000 milliseconds" },
	{ "E03", OPTIONS("\"inboundAuth\":{\"jwt\":{\"maxStale\":\"169h\"}}"),
		"169h is not within 10000..604800000 milliseconds" },
	{ "E03", OPTIONS("\"breaker\":{\"errorRatio\":1.5}"),
		"1.5 is not within 0..1" },
	{ "E04", AUTH("\"rotationMode\":\"roundrobin\""),
		O ".auth.rotationMode: \"roundrobin\" is not a known word; one "
		"of round-robin, on-first-failed, least-used, random" },
	{ "E04", INBOUND("\"strategy\":[\"jwt\",\"magic\"]"),
		I ".strategy[1]: \"magic\" is not a known word; one of none, "
		"local, token, apikey, jwt, introspection, proxy, lua, js" },
	{ "E04", SERVER(",\"type\":\"websocket\""),
		S ".type: \"websocket\" is not a known word" },
	{ "E04", OPTIONS("\"tls\":{\"cipherSuites\":["
		"\"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256\"]}"),
		O ".tls.cipherSuites[0]: \"TLS_ECDHE_RSA_WITH_AES_128_GCM_"
		"SHA256\" is not a known word; one of TLS_AES_128_GCM_SHA256" },
	{ "E05", AUTH("\"tokens\":[\"${T_NONE}\"]"),
		O ".auth.tokens[0]: environment variable \"T_NONE\" is not "
		"set" },
	{ "E06", SERVER(",\"timeout\":30"),
		S ".timeout: a number needs a unit here; write \"30s\"" },
	{ "E06", SERVER(",\"timeout\":\"30\""),
		S ".timeout: a number needs a unit here; write \"30s\"" },
	{ "E06", SERVER(",\"timeout\":999999"), "a number needs a unit" },
	{ "E07", GATE("\"workers\":1,\"workers\":2"),
		"mcpProxy.workers: \"workers\" stands here twice (first in "
		"line 1)" },
	{ "E07", GATE("\"_\":\"\xc3\xa4\",\"workers\":1,\"workers\":2"),
		"c:1:34: mcpProxy.workers: \"workers\" stands here twice" },
	{ "E07", "{\"x-a\":[1,{\"b\":1,\n\"b\":2}]}",
		"x-a[1].b: \"b\" stands here twice (first in line 1)" },
	{ "E07", GATE("\"baseURL\":\"https://a/\",\"base_url\":\"https://a/\""),
		"mcpProxy.base_url: \"base_url\" stands here twice (first in "
		"line 1)" },
	{ "E07", SERVER(",\"headers\":{\"X-A\":\"1\",\"x-a\":\"2\"}"),
		S ".headers.x-a: \"x-a\" stands here twice" },
	{ "E08", INBOUND("\"jwt\":{\"publicKeyFile\":\"/no/key.pem\","
		"\"audience\":\"a\"}},\"panicIfInvalid\":true,\"policy\":{"),
		I ".jwt.publicKeyFile: cannot read \"/no/key.pem\": No such "
		"file or directory" },
	{ "E08", GATE("\"log\":{\"target\":\"file\",\"path\":"
		"\"/proc/no/x.log\"}"),
		"mcpProxy.log.path: cannot write \"/proc/no/x.log\": No such "
		"file or directory" },
	{ "E09", OPTIONS("\"auth\":{\"tokens\":[\"a\"]},\"outboundAuth\":{"
		"\"strategy\":\"none\"}"),
		O ".outboundAuth: \"auth\" and \"outboundAuth\" exclude each "
		"other" },
	{ "E09", OPTIONS("\"authMode\":\"none\",\"inboundAuth\":{\"strategy\":"
		"\"local\"}"),
		O ".authMode: \"authMode\" and \"inboundAuth.strategy\" exclude "
		"each other" },
	{ "E09", OPTIONS("\"authTokens\":[\"" LONG "\"],\"legacyAuthTokens\":"
		"\"inbound\",\"inboundAuth\":{\"token\":{\"values\":[\"x" LONG
		"\"]}}"),
		O ".authTokens: \"authTokens\" and \"inboundAuth.token\" "
		"exclude each other" },
	{ "E09", OPTIONS("\"tls\":{\"enabled\":false}"),
		O ".tls.enabled: \"tls.enabled\" and \"the scheme of url\" "
		"exclude each other" },
	{ "E09", OPTIONS("\"proxy\":{\"url\":\"http://u:p@h:1\",\"auth\":{"
		"\"username\":\"u\"}}"), O ".proxy.auth: \"auth\" and " },
	{ "E09", OPTIONS("\"proxy\":{\"url\":\"http://h:1\",\"useEnv\":true}"),
		O ".proxy.useEnv: \"useEnv\" and \"url\" exclude each other" },
	{ "E09", INBOUND("\"jwt\":{\"jwksUrl\":\"https://k.test/\",\"audience\":\"a\","
		"\"jwksFile\":\"k\"}"), I ".jwt.jwksFile: \"jwksUrl\" and "
		"\"jwksFile\" exclude each other" },
	{ "E09", INBOUND("\"jwt\":{\"jwksUrl\":\"https://k.test/\",\"audience\":\"a\","
		"\"publicKeyFile\":\"k\"}"), "\"jwksUrl\" and "
		"\"publicKeyFile\" exclude each other" },
	{ "E09", SERVER(",\"disabled\":true,\"options\":{\"disabled\":false}"),
		O ".disabled: \"options.disabled\" and \"disabled\" exclude "
		"each other" },
	{ "E09", SERVER(",\"enabled\":true,\"options\":{\"disabled\":true}"),
		O ".disabled: \"options.disabled\" and \"enabled\" exclude "
		"each other" },
	{ "E09", SERVER(",\"disabled\":\"${T_NONE:-true}\",\"options\":{"
		"\"disabled\":false}"), O ".disabled: \"options.disabled\" "
		"and \"disabled\" exclude each other" },
	{ "E08", "{\"include\":[\"nowhere.json\"]}",
		"include[0]: cannot read \"nowhere.json\": No such file" },
	{ "E09", AUTH("\"tokens\":[\"t\"],\"header\":\"X-K\",\"query\":\"k\""),
		O ".auth.query: \"header\" and \"query\" exclude each other" },
	{ "E20", AUTH("\"tokens\":[],\"rotationMode\":\"random\""),
		O ".auth.rotationMode: rotationMode is set but tokens is "
		"empty" },
	{ "E21", INBOUND("\"token\":{\"values\":[\"\"]}"),
		I ".token.values[0]: empty string in a list of inbound "
		"tokens" },
	{ "E02", INBOUND("\"token\":{\"values\":[\"sha256:" LONG "\"]}"),
		I ".token.values[0]: expected sha256: and 64 hexadecimal "
		"digits, found other text" },
	{ "E21", INBOUND("\"token\":{\"values\":\"\"}"),
		"empty string in a list of inbound tokens" },
	{ "E22", AUTH("\"tokens\":[\"ok\",\"a b\"]"),
		O ".auth.tokens[1]: token 1 holds characters that a header "
		"cannot carry" },
	{ "E22", AUTH("\"tokens\":[\"a\\nb\"]"), "token 0 holds characters" },
	{ "E22", INBOUND("\"token\":{\"values\":[\"a\\u00e4" LONG "\"]}"),
		"token 0 holds characters" },
	{ "E23", OPTIONS("\"auth\":{\"tokens\":[\"" LONG "\"]},\"inboundAuth\":"
		"{\"token\":{\"values\":[\"" LONG "\"]}}"),
		O ".auth.tokens: token 0 is also an inbound credential of "
		"\"s\"" },
	{ "E30", OPTIONS("\"proxy\":{\"auth\":{\"username\":\"u\"}}"),
		O ".proxy.auth: proxy.auth needs proxy.url" },
	{ "E31", OPTIONS("\"proxy\":{\"url\":\"http://h:99999\"}"),
		O ".proxy.url: scheme \"http\" is not followed by a host and "
		"a port" },
	{ "E31", OPTIONS("\"proxy\":{\"url\":\"ftp://h:1\"}"),
		O ".proxy.url: scheme \"ftp\" is not one of http, https, "
		"socks5, socks5h, socks4, socks4a" },
	{ "E32", OPTIONS("\"proxy\":{\"url\":\"http://h:1\",\"type\":"
		"\"socks5\"}"),
		O ".proxy.type: proxy.type \"socks5\" contradicts the scheme "
		"\"http\" of proxy.url" },
	{ "E41", INBOUND("\"strategy\":\"proxy\""),
		I ": proxy authentication needs trustedPeers, "
		"trustedProxies, a secret or proxy.param" },
	{ "E41", INBOUND("\"proxy\":{\"trustedPeers\":[\"0.0.0.0/0\"]}"),
		I ".proxy: proxy authentication needs" },
	{ "E42", INBOUND("\"strategy\":\"jwt\""),
		": jwt needs jwt.jwksUrl, jwt.publicKeyFile, jwt.secret or "
		"jwt.issuer" },
	{ "E42", INBOUND("\"introspection\":{\"endpoint\":\"https://i/\"}"),
		I ".introspection: introspection needs "
		"introspection.clientId" },
	{ "E42", INBOUND("\"introspection\":{\"endpoint\":\"https://i/\","
		"\"clientId\":\"\",\"clientSecret\":\"x\"}"),
		"introspection needs introspection.clientId" },
	{ "E42", INBOUND("\"introspection\":{\"endpoint\":\"https://i/\","
		"\"clientId\":\"x\",\"clientSecret\":\"\"}"),
		"introspection needs introspection.clientSecret" },
	{ "E42", INBOUND("\"strategy\":\"token\""),
		": token needs token.values" },
	{ "E42", GATE("\"admin\":{\"basic\":{\"user\":\"ann\"}}"),
		"mcpProxy.admin.basic: admin.basic needs password" },
	{ "E42", GATE("\"admin\":{\"basic\":{\"password\":\"" LONG "\"}}"),
		"mcpProxy.admin.basic: admin.basic needs user" },
	{ "E42", GATE("\"admin\":{\"basic\":{\"user\":\"\",\"password\":\""
		LONG "\"}}"),
		"mcpProxy.admin.basic: admin.basic needs user" },
	{ "E02", GATE("\"admin\":{\"basic\":{\"user\":\"a:b\",\"password\":\""
		LONG "\"}}"),
		"mcpProxy.admin.basic.user: expected a name without a colon, "
		"found text" },
	{ "E43", INBOUND("\"jwt\":{\"publicKeyFile\":\"k\",\"audience\":\"a\","
		"\"algorithms\":[\"none\"]}"),
		I ".jwt.algorithms: algorithm \"none\" is never allowed" },
	{ "E44", INBOUND("\"jwt\":{\"publicKeyFile\":\"k\",\"audience\":\"a\","
		"\"algorithms\":[\"HS256\"]}"),
		I ".jwt.algorithms: HS algorithms need jwt.secret and exclude "
		"key sets" },
	{ "E44", INBOUND("\"jwt\":{\"secret\":\"" LONG "\",\"audience\":\"a\","
		"\"algorithms\":[\"RS256\"]}"), "HS algorithms need" },
	{ "E44", INBOUND("\"jwt\":{\"secret\":\"" LONG "\",\"audience\":\"a\","
		"\"algorithms\":[\"HS256\",\"RS256\"]}"), "HS algorithms need" },
	{ "E45", INBOUND("\"jwt\":{\"secret\":\"0123456789abcdef0123456789abcde"
		"\",\"audience\":\"a\"}"),
		I ".jwt.secret: secret is shorter than 32 bytes or a published "
		"sample" },
	{ "E45", INBOUND("\"jwt\":{\"secret\":\"my-test-key-but-now-longer-than"
		"-32-bytes\",\"audience\":\"a\"}"), "a published sample" },
	{ "E45", INBOUND("\"jwt\":{\"secret\":\"a-string-secret-at-least-256-"
		"bits-long\",\"audience\":\"a\"}"), "a published sample" },
	{ "E45", INBOUND("\"token\":{\"values\":[\"CHANGE_ME_0123456789\"]}"),
		"a published sample" },
	{ "E45", GATE("\"secretKey\":\"short\""),
		"mcpProxy.secretKey[0]: secret is shorter than 32 bytes" },
	{ "E46", INBOUND("\"strategy\":\"apikey\""), ": no key is set" },
	{ "E48", OPTIONS("\"security\":{\"cors\":{\"allowedOrigins\":[\"*\"],"
		"\"allowCredentials\":true}}"),
		O ".security.cors.allowedOrigins[0]: allowedOrigins \"*\" and "
		"allowCredentials exclude each other" },
	{ "E48", "{\"mcpProxy\":{\"options\":{\"security\":{\"cors\":{"
		"\"allowedOrigins\":\"*\",\"allowCredentials\":true}}}}}",
		"allowCredentials exclude each other" },
	{ "E02", OPTIONS("\"security\":{\"cors\":{\"allowedOrigins\":["
		"\"https://a.test/\"]}}"), O ".security.cors.allowedOrigins[0]: "
		"expected an origin like https://app.example.com" },
	{ "E02", OPTIONS("\"security\":{\"cors\":{\"allowedOrigins\":["
		"\"https://a.*.test\"]}}"), "expected an origin" },
	{ "E63", AUTH("\"tokens\":[\"t\"],\"prefix\":\"a\\nb\""),
		O ".auth.prefix: \"a?b\" cannot be a header here" },
	{ "E63", OPTIONS("\"security\":{\"cors\":{\"allowedMethods\":["
		"\"GET, X\\r\"]}}"), "cannot be a header here" },
	{ "E63", OPTIONS("\"security\":{\"cors\":{\"allowedHeaders\":["
		"\"X A\"]}}"), "\"X A\" cannot be a header here" },
	{ "E63", OPTIONS("\"security\":{\"headers\":{\"set\":{"
		"\"Content-Length\":\"1\"}}}"), O ".security.headers.set."
		"Content-Length: \"Content-Length\" cannot be a header here" },
	{ "E63", OPTIONS("\"security\":{\"headers\":{\"set\":{"
		"\"x-accel-redirect\":\"/x\"}}}"), "cannot be a header here" },
	{ "E63", OPTIONS("\"security\":{\"headers\":{\"set\":{"
		"\"X-A\":\"a\\nB: c\"}}}"), "\"X-A\" cannot be a header here" },
	{ "E02", GATE("\"allowedHosts\":[\"gate.test:80\"]"),
		"mcpProxy.allowedHosts[0]: expected a host without a port" },
	{ "E49", GATE("\"trustedProxies\":[\"10.0.0.0/8\",\"proxy.local\"]"),
		"mcpProxy.trustedProxies[1]: \"proxy.local\" is not an address "
		"or CIDR block" },
	{ "E49", OPTIONS("\"security\":{\"ipDeny\":[\"unix:\"]}"),
		"mcpServers.s.options.security.ipDeny[0]: \"unix:\" is not an "
		"address or CIDR block" },
	{ "E49", OPTIONS("\"security\":{\"ipDeny\":[{\"address\":\"1.2.3\"}]}"),
		"\"1.2.3\" is not an address or CIDR block" },
	{ "E49", GATES("\"ipAllow\":[\"1.2.3\"]", SECURITY_OF_ITS_OWN),
		G "ipAllow[0]: \"1.2.3\" is not an address or CIDR block" },
	{ "E49", GATES("\"ipDeny\":[\"::1\",\"x\"]", SECURITY_OF_ITS_OWN),
		G "ipDeny[1]: \"x\" is not an address or CIDR block" },
	{ "E49", GATES("\"ipDeny\":[\"x\"]", "{}"),
		G "ipDeny[0]: \"x\" is not an address or CIDR block" },
	{ "E50", GATE("\"admin\":{\"tokens\":[\"0123456789abcde\"]}"),
		"mcpProxy.admin.tokens[0]: admin credential is shorter than 16 "
		"bytes or a published sample" },
	{ "E60", "{\"mcpServers\":{\"s\":{}}}",
		S ": \"command\", \"url\" and \"openapi\" exclude each other "
		"(or none is there)" },
	{ "E60", SERVER(",\"command\":\"x\""), S ": \"command\", \"url\"" },
	{ "E61", "{\"mcpServers\":{\"a b\":{\"url\":\"http://u/\"}}}",
		"mcpServers.a b: name \"a b\" cannot be a path" },
	{ "E61", "{\"mcpServers\":{\"a/../b\":{\"url\":\"http://u/\"}}}",
		"cannot be a path" },
	{ "E61", "{\"mcpServers\":{\"health\":{\"url\":\"http://u/\"}}}",
		"name \"health\" cannot be a path" },
	{ "E62", "{\"mcpServers\":{\"s\":{\"url\":\"u.test/x\"}}}",
		S ".url: must be an absolute http(s) URL" },
	{ "E62", "{\"mcpServers\":{\"s\":{\"url\":\"https://a:b@u.test/\"}}}",
		S ".url: must be an absolute http(s) URL" },
	{ "E62", GATE("\"baseURL\":\"ftp://x/\""), "mcpProxy.baseURL: must be" },
	{ "E63", INBOUND("\"apikey\":{\"header\":\"cookie\",\"value\":\"" LONG
		"\"}"), I ".apikey.header: \"cookie\" cannot be a header here" },
	{ "E63", INBOUND("\"header\":\"Cookie\",\"token\":{\"values\":[\"" LONG
		"\"]}"), I ".header: \"Cookie\" cannot be a header here" },
	{ "E63", SERVER(",\"headers\":{\"X A\":\"1\"}"),
		S ".headers.X A: \"X A\" cannot be a header here" },
	{ "E63", INBOUND("\"proxy\":{\"param\":\"CONTENT_TYPE\"}"),
		I ".proxy.param: \"CONTENT_TYPE\" cannot be a header here" },
	{ "E63", INBOUND("\"proxy\":{\"param\":\"QUERY_STRING\"}"),
		I ".proxy.param: \"QUERY_STRING\" cannot be a header here" },
	{ "E63", GATE("\"clientIp\":{\"peerParam\":\"PATH_INFO\"}"),
		"mcpProxy.clientIp.peerParam: \"PATH_INFO\" cannot be a "
		"header here" },
	{ "E63", GATE("\"clientIp\":{\"peerParam\":\"HTTP_X\"}"),
		"\"HTTP_X\" cannot be a header here" },
	{ "E63", OPTIONS("\"passthrough\":{\"rename\":{\"X-T\":"
		"\"Authorization\"}}"),
		O ".passthrough.rename.X-T: \"Authorization\" cannot be a "
		"header here" },
	{ "E63", SERVER(",\"headers\":{\"X-A\":\"a\\r\\nB: c\"}"),
		S ".headers.X-A: \"X-A\" cannot be a header here" },
	{ "E63", AUTH("\"tokens\":[\"t\"],\"header\":\"content-length\""),
		O ".auth.header: \"content-length\" cannot be a header here" },
	{ "E63", AUTH("\"tokens\":[\"t\"],\"header\":\"Transfer-Encoding\""),
		"cannot be a header here" },
	{ "E63", AUTH("\"tokens\":[\"t\"],\"header\":\"Mcp-Session-Id\""),
		"cannot be a header here" },
	{ "E63", AUTH("\"tokens\":[\"t\"],\"header\":\"Host\""),
		"cannot be a header here" },
	{ "E63", OPTIONS("\"outboundAuth\":{\"strategy\":\"apiKey\",\"apiKey\":"
		"{\"header\":\"Connection\",\"value\":\"v\"}}"),
		"\"Connection\" cannot be a header here" },
	{ "E42", OPTIONS("\"outboundAuth\":{\"strategy\":\"apiKey\",\"apiKey\":"
		"{\"query\":\"\",\"value\":\"v\"}}"),
		"apiKey needs header or query" },
	{ "E64", "{\"mcpServers\":{\"a\":{\"url\":\"http://u/\",\"toolPrefix\":"
		"\"x\"},\"b\":{\"url\":\"http://u/\",\"toolPrefix\":\"x\"}}}",
		"mcpServers.b.toolPrefix: names collide: \"a\" and \"b\"" },
	{ "E65", GATE("\"store\":{\"type\":\"redis\",\"url\":\"redis://h/0\"},"
		"\"secretKey\":\"" LONG "\""),
		"mcpProxy.store.type: this build has no Redis; configure "
		"--with-redis" },
	{ "E65", OPTIONS("\"panicIfInvalid\":true,\"inboundAuth\":{\"strategy\":"
		"\"lua\",\"lua\":{\"source\":\"x\"}}"),
		": this build has no Lua; configure --with-lua" },
	{ "E02", GATE("\"socketMode\":\"\""),
		"mcpProxy.socketMode: expected a mode like 0660, found text" },
	{ "E02", GATE("\"socketMode\":\"1777\""),
		"mcpProxy.socketMode: expected a mode like 0660, found text" },
	{ "E02", GATE("\"listen\":\"unix:here.sock\""),
		"mcpProxy.listen: expected unix:/path, tcp:127.0.0.1:PORT or "
		"fd:0, found text" },
	{ "E03", GATE("\"listen\":\"unix:/" LONG LONG LONG "01234567890\""),
		"mcpProxy.listen: 108 is not within 1..107 bytes" },
	{ "E66", GATE("\"listen\":\"tcp:0.0.0.0:9000\""),
		"mcpProxy.listen: TCP is only opened on loopback" },
	{ "E68", GATE("\"store\":{\"type\":\"redis\",\"url\":\"redis://h/0\"}"),
		"mcpProxy.store.type: secretKey is required when several hosts "
		"share a store" },
	{ "W01", SERVER(",\"headers\":{\"authorization\":\"x\"},\"options\":{"
		"\"auth\":{\"tokens\":[\"a\"]}}"),
		S ".headers.authorization: headers.Authorization ignored "
		"because auth.tokens is set" },
	{ "W02", AUTH("\"tokens\":[\"a\",\"b\"]"),
		O ".auth.tokens: several tokens and no rotationMode: "
		"round-robin" },
	{ "W03", OPTIONS("\"authTokens\":[\"a\"]"),
		O ".authTokens: authTokens of \"s\" is mapped to auth.tokens "
		"with rotationMode round-robin; write auth.tokens, or "
		"legacyAuthTokens if clients send these tokens" },
	{ "W04", "{\"mcpProxy\":{\"options\":{\"authTokens\":[\"" LONG
		"\"]}}}",
		"mcpProxy.options.authTokens: authTokens of \"mcpProxy\" is the "
		"list of tokens that clients send; write "
		"inboundAuth.token.values" },
	{ "W05", AUTH("\"tokens\":[\"a\",\"\"]"),
		O ".auth.tokens[1]: token 1 is empty and skipped" },
	{ "W05", AUTH("\"tokens\":[]"),
		O ".auth.tokens: no token: no credential is added" },
	{ "W06", AUTH("\"tokens\":[\"a\",\"b\",\"a\"]"),
		O ".auth.tokens[2]: token 2 repeats token 0" },
	{ "W07", OPTIONS("\"inboundAuth\":{\"strategy\":[]}"),
		"\"s\" has no inbound authentication: only local clients "
		"are served" },
	{ "W07", SERVER(""),
		S ": \"s\" has no inbound authentication: only local clients "
		"are served" },
	{ "W08", INBOUND("\"strategy\":\"none\""),
		I ".strategy: \"s\" is open to everybody" },
	{ "W08", INBOUND("\"strategy\":\"token\",\"token\":{\"values\":[]}"),
		"\"s\" is open to everybody" },
	{ "W09", INBOUND("\"jwt\":{\"secret\":\"" LONG "\"}"),
		I ".jwt: jwt.audience is not set: tokens issued for other "
		"services are accepted" },
	{ "W10", SERVER(",\"timeout\":30000000000"),
		S ".timeout: bare number read as nanoseconds (= 30s); write "
		"\"30s\"" },
	{ "W10", SERVER(",\"timeout\":1000000"), "(= 1ms); write \"1ms\"" },
	{ "W11", OPTIONS("\"security\":{\"ipAllow\":[]}"),
		O ".security.ipAllow: empty allow list: nothing is allowed" },
	{ "W11", OPTIONS("\"security\":{\"ipAllow\":[" PAST("10.0.0.1") ","
		PAST("10.0.0.2") "]}"),
		O ".security.ipAllow: empty allow list: nothing is allowed" },
	{ "W11", GATES("\"ipAllow\":[]", SECURITY_OF_ITS_OWN),
		G "ipAllow: empty allow list: nothing is allowed" },
	{ "W11", GATES("\"ipAllow\":[" PAST("::1") "]", "{}"),
		G "ipAllow: empty allow list: nothing is allowed" },
	{ "W12", "{}", "baseURL is not set: no OAuth metadata is advertised" },
	{ "W14", GATE("\"addr\":\":9090\""),
		"mcpProxy.addr: addr is an HTTP address and is not opened; use "
		"listen" },
	{ "W15", "{\"globalShortcut\":\"x\"}",
		"globalShortcut: \"globalShortcut\" is ignored: it belongs to "
		"other programs" },
	{ "W15", OPTIONS("\"passthrough\":{\"headers\":[\"Cookie\"]}"),
		O ".passthrough.headers: \"Cookie\" is ignored: it is never "
		"passed on" },
	{ "W15", SERVER(",\"type\":\"sse\""),
		S ".type: \"sse\" is ignored: not in this build; \"s\" answers "
		"503" },
	{ "W15", GATE("\"type\":\"sse\""),
		"mcpProxy.type: \"type\" is ignored: not in this build" },
	{ "W15", GATE("\"store\":{\"onFailure\":\"refuse\"}"),
		"mcpProxy.store.onFailure: \"onFailure\" is ignored: not in "
		"this build" },
	{ "W15", SERVER(",\"toolPrefix\":\"x\""),
		S ".toolPrefix: \"toolPrefix\" is ignored: not in this build" },
	{ "W15", OPTIONS("\"protocol\":{\"bridge\":true}"),
		O ".protocol.bridge: \"bridge\" is ignored: not in this build" },
	{ "W15", OPTIONS("\"protocol\":{\"upstream\":\"legacy\"}"),
		O ".protocol.upstream: \"upstream\" is ignored: not in this "
		"build" },
	{ "W15", OPTIONS("\"protocol\":{\"upstream\":\"sse\"}"),
		O ".protocol.upstream: \"protocol.upstream\" is ignored: not "
		"in this build; \"s\" answers 503" },
	{ "W15", GATE("\"admin\":{\"enabled\":true}"),
		"mcpProxy.admin.enabled: \"enabled\" is ignored: not in this "
		"build" },
	{ "W15", OPTIONS("\"security\":{\"cors\":{\"allowedOrigins\":["
		"\"null\"]}}"), "\"null\" is ignored: it is never an allowed "
		"origin" },
	{ "W20", OPTIONS("\"security\":{\"cors\":{\"allowedOrigins\":["
		"\"*.example.com\"]}}"), "\"*.example.com\" has no scheme: "
		"read as https" },
	{ "W21", OPTIONS("\"security\":{\"ipDeny\":[\"10.1.2.3/8\"]}"),
		O ".security.ipDeny[0]: \"10.1.2.3/8\" has bits behind its "
		"prefix: read as 10.0.0.0/8" },
	{ "W21", OPTIONS("\"security\":{\"ipAllow\":[" LATER("2001:db8::1/32")
		"]}"), O ".security.ipAllow[0].address: \"2001:db8::1/32\" "
		"has bits behind its prefix: read as 2001:db8::/32" },
	{ "W21", GATE("\"trustedProxies\":[\"::1\",\"::ffff:10.0.0.1/120\"]"),
		"mcpProxy.trustedProxies[1]: \"::ffff:10.0.0.1/120\" has bits "
		"behind its prefix: read as 10.0.0.0/24" },
	{ "W16", OPTIONS("\"tls\":{\"insecureSkipVerify\":true}"),
		O ".tls.insecureSkipVerify: TLS of \"s\" is weakened: "
		"insecureSkipVerify" },
	{ "W16", OPTIONS("\"tls\":{\"minVersion\":\"1.1\"}"), "minVersion" },
	{ "W18", "{\"mcpServers\":{\"s\":{\"command\":\"x\"}}}",
		S ": \"s\": stdio needs our own worker pool; answers 503" },
	{ "W19", INBOUND("\"token\":{\"values\":[\"0123456789abcde\"]}"),
		I ".token.values[0]: inbound token 0 is shorter than 16 "
		"bytes" },
};

/* Texts that bring neither this id nor that sentence. */
static const struct {
	const char *id, *text;
} quiet[] = {
	{ "E03", GATE("\"workers\":64") },
	{ "E03", GATE("\"keepAlive\":\"35s\"") },
	{ "E03", GATE("\"limits\":{\"requestBody\":\"64MiB\"}") },
	{ "E06", OPTIONS("\"pingInterval\":0") },
	{ "E01", "{\"_note\":1,\"x-note\":2,\"$schema\":\"s\"}" },
	{ "W15", "{\"_note\":1,\"x-note\":2,\"$schema\":\"s\"}" },
	{ "W15", GATE("\"type\":\"streamable-http\"") },
	{ "W15", OPTIONS("\"protocol\":{\"upstream\":\"auto\","
		"\"bridge\":false}") },
	{ "E45", INBOUND("\"jwt\":{\"secret\":\"" LONG "\",\"audience\":"
		"\"a\"}") },
	{ "W09", INBOUND("\"jwt\":{\"secret\":\"" LONG "\",\"audience\":"
		"\"a\"}") },
	{ "E50", GATE("\"admin\":{\"tokens\":[\"0123456789abcdef\"]}") },
	{ "E02", GATE("\"allowedHosts\":[\"gate.test\",\"[::1]\",\"*\"]") },
	{ "W20", OPTIONS("\"security\":{\"cors\":{\"allowedOrigins\":["
		"\"https://*.example.com\",\"*\"]}}") },
	{ "E63", OPTIONS("\"security\":{\"headers\":{\"set\":{"
		"\"X-Frame-Options\":null}}}") },
	{ "W19", INBOUND("\"token\":{\"values\":[\"0123456789abcdef\"]}") },
	{ "W11", OPTIONS("\"security\":{\"ipAllow\":[" PAST("10.0.0.1") ","
		LATER("10.0.0.2") "]}") },
	{ "W11", OPTIONS("\"security\":{\"ipAllow\":[" PAST("10.0.0.1") ","
		"\"10.0.0.2\"]}") },
	{ "W11", OPTIONS("\"security\":{\"ipDeny\":[" PAST("10.0.0.1") "]}") },
	{ "W21", OPTIONS("\"security\":{\"ipDeny\":[\"10.0.0.0/8\",\"::/0\","
		"\"10.1.2.3\",\"10.1.2.3/32\",\"::ffff:10.0.0.0/104\"]}") },
	{ "W21", GATE("\"trustedProxies\":[\"unix:\",\"192.0.2.128/25\"]") },
	{ "E63", GATE("\"clientIp\":{\"peerParam\":\"MCPGATE_PEER_ADDR\"}") },
	{ "W02", AUTH("\"tokens\":[\"a\"]") },
	{ "W12", GATE("\"baseURL\":\"https://a/\"") },
	{ "W14", GATE("\"addr\":\"unix:/run/x\"") },
	{ "E66", GATE("\"listen\":\"tcp:127.0.0.1:9000\"") },
	{ "E03", GATE("\"listen\":\"unix:/" LONG LONG LONG "0123456789\"") },
	{ "E66", GATE("\"listen\":\"tcp:[::1]:9000\"") },
	{ "E03", OPTIONS("\"inboundAuth\":{\"jwt\":{\"maxStale\":\"10s\"}}") },
	{ "E03", OPTIONS("\"inboundAuth\":{\"jwt\":{\"maxStale\":0}}") },
	{ "E03", OPTIONS("\"inboundAuth\":{\"jwt\":{\"maxStale\":\"0s\"}}") },
	{ "E02", GATE("\"socketMode\":\"0777\"") },
	{ "E41", INBOUND("\"proxy\":{\"param\":\"REMOTE_USER\"}") },
	{ "E09", SERVER(",\"disabled\":\"${T_NONE:-true}\",\"options\":{"
		"\"disabled\":true}") },
	{ "E09", SERVER(",\"disabled\":\"${T_NONE:-false}\",\"enabled\":"
		"\"${T_NONE:-true}\"") },
	{ "E60", "{\"mcpServers\":{\"s\":{\"disabled\":true}}}" },
	{ "E05", "{\"mcpServers\":{\"s\":{\"url\":\"${T_NONE}\",\"disabled\":"
		"true}}}" },
};

static bool
said_exactly(struct conf_rig *r, const char *id, const char *says)
{
	for (uint32_t i = 0; i < r->messages.n; i++) {
		const struct conf_message *m = &r->messages.v[i];
		size_t at = str_search(m->text, str_of(says));

		if (strcmp(m->id, id) == 0 && at < m->text.n &&
		    str_starts(m->text, str_of(r->file)))
			return true;
	}
	return false;
}

static void
test_cases(struct conf_rig *r)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool loads = conf_rig_load(r, cases[i].text) != NULL;
		bool good = said_exactly(r, cases[i].id, cases[i].says);

		if (cases[i].id[0] == 'E')
			good = good && !loads && r->messages.errors > 0;
		if (!tap_ok(good, "%s %s", cases[i].id, cases[i].says)) {
			printf("# %s\n", cases[i].text);
			conf_rig_show(r);
		}
	}
	for (size_t i = 0; i < sizeof(quiet) / sizeof(quiet[0]); i++) {
		conf_rig_load(r, quiet[i].text);
		if (!tap_ok(!conf_rig_said(r, quiet[i].id, ""),
		    "no %s from %s", quiet[i].id, quiet[i].text))
			conf_rig_show(r);
	}
}

/* Every error of a file is told, each where it stands. */
static void
test_places(struct conf_rig *r)
{
	static const char *const lines[] = {
		":4:5: mcpProxy.wrokers: unknown key \"wrokers\"; did you mean "
		"\"workers\"?",
		":5:15: mcpProxy.type: \"x\" is not a known word; one of auto, "
		"sse, streamable-http",
		":8:21: mcpServers.a.url: must be an absolute http(s) URL",
		":9:53: mcpServers.b.timeout: a number needs a unit here; "
		"write \"5s\"",
	};

	OK(conf_rig_load(r, "{\n"
		"  // a comment\n  \"mcpProxy\": {\n"
		"    \"wrokers\": 1,\n"
		"    \"type\"  : \"x\", /* and\n more */\n"
		"  }, \"mcpServers\": {\n"
		"    \"a\":    {\"url\": \"x\",},\n"
		"    \"b\":    {\"url\": \"http://u.test/\", \"timeout\":    5},"
		"\n}}\n") == NULL);
	IS_INT(r->messages.errors, 4);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct str want = str_fmt(r->arena, "%s%s", r->file, lines[i]);
		bool found = false;

		for (uint32_t m = 0; m < r->messages.n; m++)
			found |= str_eq(r->messages.v[m].text, want);
		if (!tap_ok(found, "%s", lines[i]))
			conf_rig_show(r);
	}
}

/* What the gateway says to several servers is told once, also when the lists
 * of others came in between. */
static void
test_once(struct conf_rig *r)
{
	static const char own[] = "{\"url\":\"https://u.test/\","
		"\"options\":" SECURITY_OF_ITS_OWN "}";
	static const char none[] = "{\"url\":\"https://u.test/\"}";

	OK(conf_rig_load(r, str_fmt(r->arena, "{\"mcpProxy\":{\"options\":{"
		"\"security\":{\"ipAllow\":[\"x\"],\"ipDeny\":[\"y\"]}}},"
		"\"mcpServers\":{\"a\":%s,\"b\":%s,\"c\":%s,\"d\":%s}}", none,
		own, own, none).p) == NULL);
	IS_INT(r->messages.errors, 2);
}

static void
test_many(struct conf_rig *r)
{
	char text[8192] = "{\"mcpProxy\":{\"a0\":1";
	uint32_t errors = 0;

	for (int i = 1; i < 60; i++) {
		size_t n = strlen(text);

		snprintf(text + n, sizeof(text) - n, ",\"a%d\":1", i);
	}
	strncat(text, "}}", 3);
	OK(conf_rig_load(r, text) == NULL);
	IS_INT(r->messages.errors, 60);
	for (uint32_t i = 0; i < r->messages.n; i++)
		errors += r->messages.v[i].level == CONF_ERROR;
	IS_INT(errors, 50);
}

/* Controls of a file do not reach the terminal. */
static void
test_clean(struct conf_rig *r)
{
	OK(conf_rig_load(r, "{\"a\\u001b[31m\":1}") == NULL);
	for (uint32_t i = 0; i < r->messages.n; i++)
		OK(str_find(r->messages.v[i].text, '\033') ==
			r->messages.v[i].text.n);
}

int
main(void)
{
	struct conf_rig r = conf_rig_new();

	unsetenv("T_NONE");
	conf_rig_write(&r, "k", "-----BEGIN PUBLIC KEY-----\n", 0644);
	test_cases(&r);
	test_places(&r);
	test_once(&r);
	test_many(&r);
	test_clean(&r);
	conf_rig_end(&r);
	return tap_done();
}
