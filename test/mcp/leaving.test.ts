import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Runwire } from '../../client/runwire.ts';
import { localFetch } from '../../src/platform/local-fetch.ts';
import { LEGACY, MODERN, message, post } from '../helpers/mcp-raw.ts';
import { type ServerProcess, startServer } from '../helpers/server-process.ts';

let dataDir: string;
let server: ServerProcess;
beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'runwire-mcp-'));
  server = await startServer(dataDir, { RUNWIRE_LOG_LEVEL: 'error' });
});
afterAll(async () => {
  await server?.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

const sockets = () => readdirSync(`/proc/${server.child.pid}/fd`).length;
const call = (version: string, name: string, input: object, signal?: AbortSignal) =>
  post(server.address, version, message(version, 'tools/call', { name, arguments: input }), {
    ...(signal && { signal }),
    // Node's fetch makes a new connection for each that was broken off.
    ask: localFetch,
  });

test.each([LEGACY, MODERN])(
  '%s: nothing stays open for clients that left, whatever they waited for',
  async (version) => {
    const rw = new Runwire({ url: server.address });
    const run = await rw.submit({
      runtime_kind: 'subprocess',
      command: ['sh', '-c', 'echo begun; sleep 600'],
    });
    // What is loaded on the first call stays.
    await call(version, 'wait', { id: run.id, wait_seconds: 0.1 });
    await call(version, 'wait', { id: run.id, wait_seconds: 1, until_text: 'never' });
    const before = sockets();
    const leaves = new AbortController();
    const calls = Array.from({ length: 20 }, (_, n) =>
      call(
        version,
        'wait',
        { id: run.id, wait_seconds: 600, ...(n % 2 && { until_text: 'never' }) },
        leaves.signal,
      ).catch(() => {}),
    );
    // Each waits by two connections, theirs and our own.
    await expect.poll(sockets).toBeGreaterThanOrEqual(before + 40);
    leaves.abort();
    await Promise.all(calls);
    await expect.poll(sockets).toBeLessThanOrEqual(before + 2);
    expect((await run.refresh()).status).toBe('running');
    await run.cancel({ graceSeconds: 0 });
    await run.wait();
  },
);

test('what is read of a long output is bounded, and its rest is not waited for', async () => {
  const rw = new Runwire({ url: server.address });
  const run = await rw.submit({
    runtime_kind: 'subprocess',
    command: ['sh', '-c', 'yes | head -c 100000000'],
  });
  await run.wait();
  const before = sockets();
  for (const input of [
    {},
    { part: 'head' },
    { part: 'tail' },
    { offset: 50_000_000 },
    { stream: 'stdout' },
  ]) {
    const { result } = await call(MODERN, 'output', { id: run.id, ...input });
    expect(JSON.stringify(result.structuredContent).length).toBeLessThanOrEqual(16_384);
    expect(result.structuredContent.output.total_bytes).toBe(100_000_000);
  }
  const { result } = await call(MODERN, 'grep', { id: run.id, texts: ['no such text'] });
  expect(result.structuredContent).toMatchObject({
    matches: 0,
    searched: { from: 0, to: 100_000_000 },
    next_offset: null,
  });
  await expect.poll(sockets).toBeLessThanOrEqual(before + 2);
});
