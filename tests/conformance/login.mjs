// SPDX-License-Identifier: MIT
// A client that knows nothing but the URL: 401, metadata, token, call, 403, more scopes, call.
//   node login.mjs URL ISSUER legacy|modern|sdk1 machine|person TOOL...
const [url, issuer, how, who, ...tools] = process.argv.slice(2);
const id = { clientId: 'driver', clientSecret: 'driver-secret' };
const old = how === 'sdk1';
const { Client } = await import(old ? '@modelcontextprotocol/sdk/client/index.js' : '@modelcontextprotocol/client');
const { StreamableHTTPClientTransport: Transport } = await import(old
  ? '@modelcontextprotocol/sdk/client/streamableHttp.js' : '@modelcontextprotocol/client');
const { ClientCredentialsProvider } = await import(old
  ? '@modelcontextprotocol/sdk/client/auth-extensions.js' : '@modelcontextprotocol/client');

let code, kept, verifier;
const person = {                                       // the browser is a fetch
  redirectUrl: 'http://localhost:9/callback',
  clientMetadata: { redirect_uris: ['http://localhost:9/callback'], client_name: 'driver' },
  clientInformation: () => ({ client_id: id.clientId, client_secret: id.clientSecret }),
  tokens: () => kept, saveTokens: t => { kept = t; },
  codeVerifier: () => verifier, saveCodeVerifier: v => { verifier = v; },
  async redirectToAuthorization(to) {
    const r = await fetch(to, { redirect: 'manual' });
    code = new URL(r.headers.get('location')).searchParams;
  }
};
const provider = who === 'person' ? person
  : new ClientCredentialsProvider({ ...id, expectedIssuer: issuer, ...(old ? { scope: 'mcp' } : {}) });

let client, transport;
async function open() {
  transport = new Transport(new URL(url), { authProvider: provider });
  client = new Client({ name: 'login', version: '1' }, how === 'modern' ? { versionNegotiation: { mode: 'auto' } } : {});
  await client.connect(transport);
}
async function sure(what) {                            // a person comes back from the browser and tries again
  try { return await what(); } catch (e) {
    if (!code) throw e;
    if (old) await transport.finishAuth(code.get('code'), code.get('iss')); else await transport.finishAuth(code);
    code = undefined;
    if (what === open) return await open();
    return await what();
  }
}
await sure(open);
console.log('listed', (await client.listTools()).tools.length);
for (const name of tools) {
  const r = await sure(() => client.callTool({ name, arguments: {} }));
  console.log(name, r.isError ? 'error' : 'ok');
}
await client.close();
process.exit(0);
