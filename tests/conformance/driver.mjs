// SPDX-License-Identifier: MIT
// Plays one client scenario of the suite; argv[2] is the URL, the runner sets MCP_CONFORMANCE_*.
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';

const env = process.env, modern = env.MCP_CONFORMANCE_PROTOCOL_VERSION === '2026-07-28';
const calls = JSON.parse(env.MCP_CONFORMANCE_CONTEXT ?? '{}').toolCalls ?? [];
const call = (c, name, args = {}) => c.callTool({ name, arguments: args });
const first = items => items.slice(0, 1);

async function open(capabilities = {}) {
  const c = new Client({ name: 'driver', version: '1' },
    { capabilities, ...(modern ? { versionNegotiation: { mode: 'auto' } } : {}) });
  if (capabilities.elicitation)
    c.setRequestHandler('elicitation/create',
      async () => ({ action: 'accept', content: modern ? { confirmed: true } : {} }));
  await c.connect(new StreamableHTTPClientTransport(new URL(process.argv[2])));
  return c;
}
async function listed(capabilities) {
  const c = await open(capabilities);
  return [c, (await c.listTools()).tools];
}

const play = {
  async 'initialize'() { return (await listed())[0]; },
  async 'json-schema-ref-no-deref'() { return (await listed())[0]; },
  async 'request-metadata'() { return open({ roots: {}, sampling: {}, elicitation: {} }); },
  async 'tools_call'() { const [c] = await listed(); await call(c, 'add_numbers', { a: 5, b: 3 }); return c; },
  async 'sse-retry'() { const [c] = await listed(); await call(c, 'test_reconnection'); return c; },
  async 'elicitation-sep1034-client-defaults'() {
    const [c] = await listed({ elicitation: { form: { applyDefaults: true } } });
    await call(c, 'test_client_elicitation_defaults');
    return c;
  },
  async 'http-standard-headers'() {
    const [c, tools] = await listed();
    for (const t of first(tools)) await call(c, t.name);
    for (const r of first((await c.listResources()).resources)) await c.readResource({ uri: r.uri });
    for (const p of first((await c.listPrompts()).prompts)) await c.getPrompt({ name: p.name, arguments: {} });
    return c;
  },
  async 'http-custom-headers'() {
    const [c] = await listed();
    for (const t of calls) await call(c, t.name, t.arguments);
    return c;
  },
  async 'http-invalid-tool-headers'() {
    const [c, tools] = await listed();
    for (const t of tools) await call(c, t.name, { region: 'us-west1' }).catch(() => {});
    return c;
  },
  async 'sep-2322-client-request-state'() {
    const c = await open({ elicitation: {} });
    for (const t of ['echo_state', 'no_state', 'unrelated', 'no_result_type'])
      await call(c, `test_mrtr_${t}`).catch(() => {});
    return c;
  },
  async 'json-schema-2020-12-preservation'() {
    const [c, tools] = await listed();
    const { inputSchema } = tools.find(t => t.name === 'json_schema_2020_12_tool');
    await call(c, 'json_schema_echo', { schema: inputSchema });
    return c;
  }
};
await (await play[env.MCP_CONFORMANCE_SCENARIO]()).close();
process.exit(0);
