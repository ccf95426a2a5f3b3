// SPDX-License-Identifier: MIT
// Dual-era MCP server for the conformance run: POST, GET and DELETE on /mcp.      PORT=3200 node fixture.mjs
import http from 'node:http';
import { randomBytes, randomUUID } from 'node:crypto';
import {
  McpServer, ResourceTemplate, acceptedContent, classifyInboundRequest, createMcpHandler,
  createRequestStateCodec, fromJsonSchema, inputRequired, isInitializeRequest
} from '@modelcontextprotocol/server';
import { NodeStreamableHTTPServerTransport, toNodeHandler } from '@modelcontextprotocol/node';

// ---- small words
const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGP4z8DwHwAFAAH/iZk9HQAAAABJRU5ErkJggg==';
const WAV = Buffer.from('524946462400000057415645666d74201000000001000100401f0000803e0000020010006461746100000000',
  'hex').toString('base64');
const str = { type: 'string' }, flag = { type: 'boolean' };
const obj = (properties = {}, required = Object.keys(properties)) => ({ type: 'object', properties, required });
const text = t => ({ type: 'text', text: t });
const say = t => ({ content: [text(t)] });
const image = { type: 'image', data: PNG, mimeType: 'image/png' };
const embed = (uri, mimeType, t) => ({ type: 'resource', resource: { uri, mimeType, text: t } });
const sleep = ms => new Promise(r => setTimeout(r, ms));
const list = items => ({ type: 'array', items });
const titled = (...t) => t.map((title, i) => ({ const: `value${i + 1}`, title }));
const states = createRequestStateCodec({ key: new Uint8Array(randomBytes(32)) });
const sessions = new Map();

// modern: ask the client by an input_required result; legacy: push a request on the POST stream
const ask = (message, requestedSchema) => inputRequired.elicit({ message, requestedSchema });
const think = (t, maxTokens) => inputRequired.createMessage(
  { messages: [{ role: 'user', content: text(t) }], maxTokens });
const need = async (inputRequests, state) => inputRequired(state === undefined ? { inputRequests }
  : { inputRequests, requestState: await states.mint({ ...state, nonce: randomUUID() }) });
const answers = ctx => ctx.mcpReq.inputResponses;
const push = async (ctx, method, params) => {
  try { return await ctx.mcpReq.send({ method, params }); } catch (e) { return { failed: String(e?.message ?? e) }; }
};
const form = async (ctx, word, message, properties, required) => {
  const r = await push(ctx, 'elicitation/create', { message, requestedSchema: obj(properties, required) });
  return say(r.failed ? `elicitation failed: ${r.failed}`
    : `${word}: action=${r.action}, content=${JSON.stringify(r.content ?? {})}`);
};

const dialect = {
  $schema: 'https://json-schema.org/draft/2020-12/schema', type: 'object',
  $defs: { address: { $anchor: 'addressDef', type: 'object', properties: { street: str, city: str } } },
  properties: { name: str, address: { $ref: '#/$defs/address' }, contactMethod: { ...str, enum: ['phone', 'email'] },
    phone: str, email: str },
  allOf: [{ anyOf: [{ required: ['phone'] }, { required: ['email'] }] }],
  if: { properties: { contactMethod: { const: 'phone' } }, required: ['contactMethod'] },
  then: { required: ['phone'] }, else: { required: ['email'] }, additionalProperties: false
};
const defaults = { name: { ...str, default: 'John Doe' }, age: { type: 'integer', default: 30 },
  score: { type: 'number', default: 95.5 }, verified: { ...flag, default: true },
  status: { ...str, enum: ['active', 'inactive', 'pending'], default: 'active' } };
const options = ['option1', 'option2', 'option3'];
const enums = { untitledSingle: { ...str, enum: options },
  titledSingle: { ...str, oneOf: titled('First Option', 'Second Option', 'Third Option') },
  legacyEnum: { ...str, enum: ['opt1', 'opt2', 'opt3'], enumNames: ['Option One', 'Option Two', 'Option Three'] },
  untitledMulti: list({ ...str, enum: options }),
  titledMulti: list({ anyOf: titled('First Choice', 'Second Choice', 'Third Choice') }) };

// ---- tools: name -> run(args, ctx), or [schema, run]
const tools = {
  test_simple_text: () => say('This is a simple text response for testing.'),
  test_image_content: () => ({ content: [image] }),
  test_audio_content: () => ({ content: [{ type: 'audio', data: WAV, mimeType: 'audio/wav' }] }),
  test_embedded_resource: () => ({ content: [
    embed('test://embedded-resource', 'text/plain', 'This is an embedded resource content.')] }),
  test_multiple_content_types: () => ({ content: [text('Multiple content types test:'), image,
    embed('test://mixed-content-resource', 'application/json', '{"test":"data","value":123}')] }),
  test_error_handling: () => ({ isError: true, ...say('This tool intentionally returns an error for testing') }),
  test_tool_with_logging: async (a, ctx) => {
    for (const data of ['Tool execution started', 'Tool processing data', 'Tool execution completed']) {
      await ctx.mcpReq.notify({ method: 'notifications/message', params: { level: 'info', data } });
      await sleep(50);
    }
    return say('done');
  },
  test_tool_with_progress: async (a, ctx) => {
    const progressToken = ctx.mcpReq._meta?.progressToken;
    for (const progress of progressToken === undefined ? [] : [0, 50, 100]) {
      await ctx.mcpReq.notify({ method: 'notifications/progress', params: { progressToken, progress, total: 100 } });
      await sleep(50);
    }
    return say('done');
  },
  test_reconnection: async (a, ctx) => {               // drops its own SSE stream in the middle of the call
    sessions.get(ctx.sessionId)?.transport.closeSSEStream(ctx.mcpReq.id);
    await sleep(100);
    return say('after the break');
  },
  test_sampling: [obj({ prompt: str }), async (a, ctx) => {
    const messages = [{ role: 'user', content: text(a.prompt) }];
    const r = await push(ctx, 'sampling/createMessage', { messages, maxTokens: 100 });
    return say(r.failed ? `sampling failed: ${r.failed}` : `LLM response: ${r.content?.text}`);
  }],
  test_elicitation: [obj({ message: str }), (a, ctx) =>
    form(ctx, 'User response', a.message, { username: str, email: str })],
  test_elicitation_sep1034_defaults: (a, ctx) => form(ctx, 'Elicitation completed', 'Check', defaults, []),
  test_elicitation_sep1330_enums: (a, ctx) => form(ctx, 'Elicitation completed', 'Choose', enums, []),
  json_schema_2020_12_tool: [dialect, a => say(JSON.stringify(a))],

  // 2026-07-28 only
  test_x_mcp_header: [obj({ region: { ...str, 'x-mcp-header': 'Region' }, level: { type: 'integer' } }, []),
    a => say(`region=${a.region}`)],
  test_missing_capability: (a, ctx) => answers(ctx)?.answer ? say('ok') : need({ answer: think('Say pong', 16) }),
  test_streaming_elicitation: () => say('no requests on this stream'),
  test_logging_tool: async (a, ctx) => { await ctx.mcpReq.log('info', 'only with logLevel'); return say('logged'); },
  test_trigger_tool_change: () => { modern.notify.toolsChanged(); return say('tools changed'); },
  test_trigger_prompt_change: () => { modern.notify.promptsChanged(); return say('prompts changed'); },
  test_input_required_result_elicitation: (a, ctx) => {
    const name = acceptedContent(answers(ctx), 'user_name')?.name;
    return typeof name === 'string' ? say(`Hello, ${name}!`)
      : need({ user_name: ask('What is your name?', obj({ name: str })) });
  },
  test_input_required_result_sampling: (a, ctx) => {
    const r = answers(ctx)?.capital_question;
    return r ? say(`Sampling response: ${r.content?.text}`)
      : need({ capital_question: think('What is the capital of France?', 100) });
  },
  test_input_required_result_list_roots: (a, ctx) => {
    const r = answers(ctx)?.client_roots?.roots;
    return Array.isArray(r) ? say(`roots: ${r.map(x => x.uri).join(' ')}`)
      : need({ client_roots: inputRequired.listRoots() });
  },
  test_input_required_result_request_state: (a, ctx) => confirmed(ctx, 'state-ok'),
  test_input_required_result_tampered_state: (a, ctx) => confirmed(ctx, 'integrity-ok'),
  test_input_required_result_multiple_inputs: (a, ctx) => {
    const r = answers(ctx) ?? {};
    return r.user_name && r.greeting && r.client_roots ? say('all three arrived')
      : need({ user_name: ask('What is your name?', obj({ name: str })), greeting: think('Generate a greeting', 50),
        client_roots: inputRequired.listRoots() }, { kinds: 3 });
  },
  test_input_required_result_multi_round: (a, ctx) => {
    const round = ctx.mcpReq.requestState()?.round ?? 0;
    if (round === 2) return say('two rounds done');
    const step = [['step1', 'Step 1: What is your name?', 'name'],
      ['step2', 'Step 2: What is your favorite color?', 'color']][round];
    return need({ [step[0]]: ask(step[1], obj({ [step[2]]: str })) }, { round: round + 1 });
  },
  test_input_required_result_capabilities: (a, ctx) => {
    if (answers(ctx)) return say('answered');
    const c = ctx.mcpReq.envelope?.['io.modelcontextprotocol/clientCapabilities'] ?? {}, want = {};
    if (c.elicitation) want.user_name = ask('What is your name?', obj({ name: str }));
    if (c.sampling) want.greeting = think('Generate a greeting', 50);
    if (c.roots) want.client_roots = inputRequired.listRoots();
    return Object.keys(want).length ? need(want) : say('nothing declared');
  }
};
const confirmed = (ctx, word) => acceptedContent(answers(ctx), 'confirm') && ctx.mcpReq.requestState() ? say(word)
  : need({ confirm: ask('Please confirm', obj({ ok: flag })) }, { word });

// ---- prompts: name -> [argument names, run(args) -> contents];  resources: uri -> [type, body]
const prompts = {
  test_simple_prompt: [[], () => [text('This is a simple prompt for testing.')]],
  test_prompt_with_arguments: [['arg1', 'arg2'], a =>
    [text(`Prompt with arguments: arg1='${a.arg1}', arg2='${a.arg2}'`)]],
  test_prompt_with_embedded_resource: [['resourceUri'], a =>
    [embed(a.resourceUri, 'text/plain', 'Embedded resource content for testing.'),
      text('Please process the embedded resource above.')]],
  test_prompt_with_image: [[], () => [image, text('Please analyze the image above.')]]
};
const resources = {
  'test://static-text': ['text/plain', { text: 'This is the content of the static text resource.' }],
  'test://static-binary': ['image/png', { blob: PNG }],
  'test://watched-resource': ['text/plain', { text: 'watched' }]
};

function build() {
  const s = new McpServer({ name: 'gate-fixture', version: '1' }, {
    capabilities: { tools: { listChanged: true }, prompts: { listChanged: true }, logging: {}, completions: {},
      resources: { subscribe: true, listChanged: true } },
    requestState: { verify: states.verify }
  });
  for (const [name, tool] of Object.entries(tools)) {
    const [schema, run] = Array.isArray(tool) ? tool : [obj(), tool];
    s.registerTool(name, { description: `fixture ${name}`, inputSchema: fromJsonSchema(schema) },
      async (a, ctx) => run(a ?? {}, ctx));
  }
  for (const [name, [args, run]] of Object.entries(prompts)) {
    const how = { description: `fixture ${name}` };
    if (args.length) how.argsSchema = fromJsonSchema(obj(Object.fromEntries(args.map(a => [a, str]))));
    s.registerPrompt(name, how, async a => ({ messages: run(a ?? {}).map(content => ({ role: 'user', content })) }));
  }
  s.registerPrompt('test_input_required_result_prompt', { description: 'asks first' }, async ctx => {
    const c = acceptedContent(answers(ctx), 'user_context')?.context;
    return typeof c === 'string' ? { messages: [{ role: 'user', content: text(c) }] }
      : need({ user_context: ask('What context should the prompt use?', obj({ context: str })) });
  });
  for (const [uri, [mimeType, body]] of Object.entries(resources))
    s.registerResource(uri.slice(7), uri, { description: `fixture ${uri}`, mimeType },
      async () => ({ contents: [{ uri, mimeType, ...body }] }));
  const mimeType = 'application/json';
  s.registerResource('template', new ResourceTemplate('test://template/{id}/data', { list: undefined }),
    { description: 'fixture template', mimeType }, async (uri, { id }) => ({ contents: [{ uri: uri.toString(), mimeType,
      text: JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` }) }] }));
  for (const m of ['resources/subscribe', 'resources/unsubscribe', 'logging/setLevel'])
    s.server.setRequestHandler(m, async () => ({}));
  s.server.setRequestHandler('completion/complete',
    async () => ({ completion: { values: [], total: 0, hasMore: false } }));
  return s;
}

// ---- HTTP: modern requests are served one by one, legacy ones in sessions with replay
const modern = createMcpHandler(build, { onerror: e => console.error('modern:', e.message) });
const serveModern = toNodeHandler(modern);
function eventStore() {
  const log = [];
  return {
    async storeEvent(stream, message) {
      log.push({ stream, message, id: `${stream}~${log.length}` });
      return log.at(-1).id;
    },
    async replayEventsAfter(last, { send }) {
      const at = log.findIndex(e => e.id === last), stream = log[at]?.stream;
      for (const e of log.slice(at + 1))
        if (e.stream === stream && Object.keys(e.message ?? {}).length) await send(e.id, e.message);
      return stream;
    }
  };
}
const local = v => v === undefined
  || ['localhost', '127.0.0.1', '[::1]'].includes(new URL(v.includes('//') ? v : `http://${v}`).hostname);
const fail = (res, status, code, message) => res.writeHead(status, { 'content-type': 'application/json' })
  .end(JSON.stringify({ jsonrpc: '2.0', id: null, error: { code, message } }));

http.createServer(async (req, res) => {
  const h = req.headers;
  if (!local(h.host) || !local(h.origin)) return fail(res, 403, -32600, 'forbidden host or origin');
  if (new URL(req.url, 'http://x').pathname !== '/mcp') return fail(res, 404, -32600, 'no such path');
  let body;
  if (req.method === 'POST') {
    const parts = [];
    for await (const p of req) parts.push(p);
    try { body = JSON.parse(Buffer.concat(parts)); } catch { return fail(res, 400, -32700, 'parse error'); }
    const era = classifyInboundRequest({ httpMethod: 'POST', body,
      protocolVersionHeader: h['mcp-protocol-version'], mcpMethodHeader: h['mcp-method'] });
    if (era.kind !== 'legacy') return serveModern(req, res, body);
  }
  const id = h['mcp-session-id'];
  if (id) {
    const s = sessions.get(id);
    return s ? s.transport.handleRequest(req, res, body) : fail(res, 404, -32001, 'session not found');
  }
  if (!isInitializeRequest(body)) return fail(res, 400, -32000, 'session id required');
  const transport = new NodeStreamableHTTPServerTransport({
    sessionIdGenerator: randomUUID, eventStore: eventStore(), retryInterval: 5000,
    onsessioninitialized: sid => sessions.set(sid, { transport })
  });
  transport.onclose = () => sessions.delete(transport.sessionId);
  await build().connect(transport);
  return transport.handleRequest(req, res, body);
}).listen(process.env.PORT ?? 3200, () => console.log('fixture ready'));
