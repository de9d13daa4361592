import { describe, expect, test } from 'vitest';
import { clientServer, TOKEN } from '../helpers/client-server.ts';
import { httpClient, LEGACY, MODERN } from '../helpers/mcp-client.ts';
import { message, post } from '../helpers/mcp-raw.ts';

const VERSIONS = [LEGACY, MODERN];

describe('POST /mcp', () => {
  const server = clientServer();
  const connect = (version: string) => httpClient(version, server.url, TOKEN);
  const call = (version: string, name: string, input: object) =>
    post(server.url, version, message(version, 'tools/call', { name, arguments: input }), { token: TOKEN });

  test.each(VERSIONS)('speaks %s with a client of the SDK', async (version) => {
    await using mcp = await connect(version);
    expect(mcp.client.getNegotiatedProtocolVersion()).toBe(version);
    const { text, facts, isError } = await mcp.call('run', { script: 'echo hello; echo wrong >&2; exit 3' });
    expect(isError).toBe(false);
    expect(facts).toMatchObject({ status: 'failed', finished: true, exit_code: 3 });
    expect(text).toMatch(/^run \S+: failed, exit code 3.*stdout and stderr, all 12 bytes:\n/);
  });

  test.each([undefined, 'wrong', ''])(
    'refuses the token %j before it looks at the message',
    async (token) => {
      for (const version of VERSIONS)
        for (const body of [message(version, 'tools/list'), '{'])
          expect(
            (await post(server.url, version, body, { ...(token !== undefined && { token }) })).status,
          ).toBe(401);
    },
  );

  test('is not there for pages of other sites, nor under other names', async () => {
    for (const headers of [
      { origin: 'https://evil.example' },
      { origin: 'http://localhost:3000' },
      { origin: 'null' },
      { 'sec-fetch-site': 'cross-site' },
    ]) {
      const answer = await post(server.url, LEGACY, message(LEGACY, 'tools/list'), { token: TOKEN, headers });
      expect([headers, answer.status]).toEqual([headers, 403]);
    }
    const { port } = new URL(server.url);
    const own = { origin: `http://127.0.0.1:${port}` };
    expect(
      (await post(server.url, LEGACY, message(LEGACY, 'tools/list'), { token: TOKEN, headers: own })).status,
    ).toBe(200);
  });

  test.each(['GET', 'DELETE', 'PUT'])('has no sessions: %s is 405', async (method) => {
    const response = await fetch(`${server.url}/mcp`, {
      method,
      headers: { authorization: `Bearer ${TOKEN}` },
    });
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST']);
  });

  test.each([
    ['no JSON', '{"jsonrpc":', 400],
    ['nothing', '', 422],
    ['a batch', '[{"jsonrpc":"2.0","id":1,"method":"tools/list"}]', 422],
    ['a word', '"tools/list"', 422],
    ['no message', '{"hello":1}', 400],
    ['a name that poisons prototypes', '{"jsonrpc":"2.0","id":1,"method":"tools/list","__proto__":{}}', 400],
    ['more than a body may have', `{"jsonrpc":"2.0","id":1,"method":"${'x'.repeat(2 << 20)}"}`, 413],
  ])('refuses %s', async (_name, body, status) => {
    expect((await post(server.url, LEGACY, body, { token: TOKEN })).status).toBe(status);
  });

  test('refuses a revision that it does not know, and says which it knows', async () => {
    const unknown = await post(server.url, '2023-01-01', message(LEGACY, 'tools/list'), { token: TOKEN });
    expect([unknown.status, unknown.error]).toMatchObject([
      400,
      { message: expect.stringContaining('2025-11-25') },
    ]);
    const modern = { ...message(MODERN, 'tools/list') };
    const text = JSON.stringify(modern).replace(MODERN, '2099-01-01');
    const headers = { 'mcp-method': 'tools/list' };
    const asked = await post(server.url, '2099-01-01', text, { token: TOKEN, headers });
    expect([asked.status, asked.error]).toMatchObject([400, { code: -32022, data: { supported: [MODERN] } }]);
  });

  test('compares headers with what is in the message, in 2026-07-28', async () => {
    const body = message(MODERN, 'tools/call', { name: 'list', arguments: {} });
    const answer = await post(server.url, MODERN, body, { token: TOKEN, headers: { 'mcp-name': 'run' } });
    expect([answer.status, answer.error?.code]).toEqual([400, -32020]);
  });

  test.each(VERSIONS)(
    '%s: what cannot be done is told to the model: what, where, and what to do next',
    async (version) => {
      const unknown = await call(version, 'nothing', {});
      expect(unknown.error).toMatchObject({ code: -32602, message: expect.stringContaining('tools/list') });
      const told = async (name: string, input: object) => {
        const { result } = await call(version, name, input);
        expect(result).toMatchObject({ isError: true });
        expect(result.structuredContent).toBeUndefined();
        return result.content[0].text;
      };
      expect(await told('run', { scrip: 'x', wait_seconds: -1 })).toMatch(
        /\[invalid_input\]\n(.*\n)*scrip: there is no such field/,
      );
      expect(await told('run', { script: 'true', workspace: 'none' })).toMatch(
        /options\.workspace.*\[invalid_invocation\]/,
      );
      expect(await told('output', { id: 'none' })).toMatch(/\[invocation_not_found\]\nlist shows/);
      expect(await told('get_file', { path: 'x' })).toMatch(/name one of workspace, run and snapshot/);
      expect(await told('signal', { id: 'none', signal: 'SIGINT' })).toMatch(/\[invocation_not_found\]/);
    },
  );

  test('does with a large input what the server does with it', async () => {
    const { result } = await call(MODERN, 'run', {
      command: ['true', ...Array(20_000).fill('x'.repeat(20))],
    });
    expect(result.structuredContent).toMatchObject({ status: 'succeeded' });
  });

  test('tells how it goes on, where that is wanted', async () => {
    await using mcp = await connect(MODERN);
    const told: { progress: number; total?: number | undefined; message?: string | undefined }[] = [];
    const result = await mcp.client.callTool(
      { name: 'run', arguments: { script: 'sleep 600', wait_seconds: 7 } },
      { onprogress: (progress) => told.push(progress) },
    );
    const { id } = result.structuredContent as { id: string };
    expect(told.length).toBeGreaterThan(0);
    expect(told[0]).toMatchObject({ total: 7, message: expect.stringContaining(id) });
    expect(told.map(({ progress }) => progress)).toEqual(
      [...told.map(({ progress }) => progress)].sort((a, b) => a - b),
    );
    await server.rw.attach(id).cancel({ graceSeconds: 0 });
  });

  test.each(VERSIONS)('%s: a client that leaves ends its wait, and no run', async (version) => {
    const leaves = new AbortController();
    const body = message(version, 'tools/call', {
      name: 'run',
      arguments: { script: 'sleep 600', name: `left-${version}` },
    });
    const answer = post(server.url, version, body, { token: TOKEN, signal: leaves.signal });
    const runs = server.rw.list({ runtime_name: `left-${version}` });
    await expect.poll(async () => (await runs.toArray(1))[0]?.status).toBe('running');
    leaves.abort();
    await expect(answer).rejects.toThrow();
    const [record] = await runs.toArray(1);
    const run = server.rw.attach(record?.invocation.invocation_id ?? '');
    expect((await run.refresh()).status).toBe('running');
    await run.cancel({ graceSeconds: 0 });
  });
});

describe('POST /mcp of a server without a token', () => {
  const server = clientServer({ RUNWIRE_TOKEN: '' });

  test('needs none, and is not there for pages of other sites', async () => {
    const list = message(MODERN, 'tools/list');
    expect((await post(server.url, MODERN, list)).result.tools.length).toBeGreaterThan(20);
    const headers = { origin: 'https://evil.example' };
    expect((await post(server.url, MODERN, list, { headers })).status).toBe(403);
  });
});
