import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { describe, expect, test } from 'vitest';
import { clientServer, TOKEN } from '../helpers/client-server.ts';
import { BIN } from '../helpers/command-line.ts';
import { compileCache } from '../helpers/compiled-once.ts';
import { LEGACY, MODERN, stdioClient } from '../helpers/mcp-client.ts';
import { message } from '../helpers/mcp-raw.ts';

describe('runwire mcp', () => {
  const server = clientServer();
  const variables = () => ({ RUNWIRE_URL: server.url, RUNWIRE_TOKEN: TOKEN });

  test.each([LEGACY, MODERN])('speaks %s with a client of the SDK', async (version) => {
    await using mcp = await stdioClient(version, variables());
    expect(mcp.client.getNegotiatedProtocolVersion()).toBe(version);
    const { text, facts, isError } = await mcp.call('run', { script: 'echo hello; echo wrong >&2; exit 3' });
    expect(isError).toBe(false);
    expect(facts).toMatchObject({ status: 'failed', finished: true, exit_code: 3 });
    expect(text).toMatch(/^run \S+: failed, exit code 3.*stdout and stderr, all 12 bytes:\n/);
    const again = await mcp.call('output', { id: facts.id, stream: 'stderr' });
    expect(again.facts.output.text).toBe('wrong\n');
  });

  test('is killed in the midst of a run, and another one finds it and all that it wrote', async () => {
    const first = await stdioClient(MODERN, variables());
    const { facts } = await first.call('run', {
      script: 'echo before; read line; echo after $line',
      stdin_open: true,
      wait_seconds: 0,
      name: 'found-again',
    });
    process.kill(first.pid ?? 0, 'SIGKILL');
    await first.client.close();
    await using second = await stdioClient(LEGACY, variables());
    const { facts: list } = await second.call('list', { name: 'found-again' });
    expect(list.runs).toMatchObject([{ id: facts.id, finished: false }]);
    await second.call('wait', { id: facts.id, until_text: 'before' });
    await second.call('stdin', { id: facts.id, text: 'a line\n', eof: true });
    const { facts: end } = await second.call('wait', { id: facts.id });
    expect(end).toMatchObject({ status: 'succeeded', output: { text: 'before\nafter a line\n' } });
  });

  test('a call that is given up ends its wait, and no run', async () => {
    await using mcp = await stdioClient(MODERN, variables());
    const given = new AbortController();
    const call = mcp.client.callTool(
      { name: 'run', arguments: { script: 'sleep 600', name: 'given-up' } },
      { signal: given.signal },
    );
    const runs = server.rw.list({ runtime_name: 'given-up' });
    await expect.poll(async () => (await runs.toArray(1))[0]?.status).toBe('running');
    given.abort();
    await expect(call).rejects.toThrow();
    const [record] = await runs.toArray(1);
    const run = server.rw.attach(record?.invocation.invocation_id ?? '');
    expect((await mcp.call('show', { id: run.id })).facts.status).toBe('running');
    await run.cancel({ graceSeconds: 0 });
  });

  test('passes over what is no message, and ends when nobody speaks any more', async () => {
    const { child, next } = speaking(variables());
    child.stdin?.write('this is no JSON\n[1,2]\n\n{"jsonrpc":"2.0"}\n\u0000\u0001\n');
    child.stdin?.write(`${JSON.stringify(message(MODERN, 'tools/list'))}\n`);
    const answer = JSON.parse(await next());
    expect(answer).toMatchObject({ id: 1, result: { resultType: 'complete' } });
    child.stdin?.end();
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  test('says that the server is not there, and what that means', async () => {
    await using mcp = await stdioClient(MODERN, { RUNWIRE_URL: 'http://127.0.0.1:9' });
    const { text, isError } = await mcp.call('list');
    expect(isError).toBe(true);
    expect(text).toMatch(/\[unreachable\]\nNothing was done/);
    await using other = await stdioClient(MODERN, { RUNWIRE_URL: server.url, RUNWIRE_TOKEN: 'wrong' });
    expect((await other.call('list')).text).toMatch(/\[unauthorized\]\n.*RUNWIRE_TOKEN/);
  });
});

/** The process, and what it says line by line. */
function speaking(variables: Record<string, string>): { child: ChildProcess; next(): Promise<string> } {
  const child = spawn(process.execPath, [BIN, 'mcp'], {
    env: { PATH: process.env.PATH, ...compileCache(), ...variables },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return { child, next: async () => (await lines.next()).value ?? '' };
}
