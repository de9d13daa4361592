import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { hang, startBackend } from '../fixtures/backend.ts';
import { requires } from '../helpers/require.ts';
import { launchServer, startServer } from '../helpers/server-process.ts';

let dataDir: string;

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'runwire-hangup-'));
});
afterEach(() => {
  rmSync(dataDir, { recursive: true, force: true });
});

const post = (origin: string, invocation: object, query = ''): Promise<Response> =>
  fetch(`${origin}/invocations${query}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(invocation),
  });

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

requires('script')('A terminal that is closed', () => {
  test('ends the server in order', async () => {
    const id = randomUUID();
    const terminal = spawn('script', ['-qfec', 'echo pid $$; exec node src/server.ts', '/dev/null'], {
      cwd: resolve(import.meta.dirname, '../..'),
      env: {
        ...process.env,
        RUNWIRE_DATA_DIR: dataDir,
        RUNWIRE_PORT: '0',
        RUNWIRE_MIN_FREE_DISK_BYTES: '0',
        RUNWIRE_ON_EXIT: 'cancel',
        RUNWIRE_DRAIN_SECONDS: '0',
      },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    let output = '';
    terminal.stdout.on('data', (chunk) => {
      output += chunk;
    });
    await expect.poll(() => output).toMatch(/listens on http:\S+\s/);
    const pid = Number(/pid (\d+)/.exec(output)?.[1]);
    await using backend = await startBackend();
    backend.on('/', hang());
    const called = { invocation_id: id, runtime_kind: 'http', options: { http: { url: backend.url } } };
    await post(/listens on (http:\S+)/.exec(output)?.[1] ?? '', called);
    terminal.kill('SIGKILL'); // with the terminal goes its other side
    await expect.poll(() => isAlive(pid), { timeout: 15_000 }).toBe(false);
    const next = await startServer(dataDir);
    const record = await (await fetch(`${next.address}/invocations/${id}?wait=10`)).json();
    await next.stop();
    expect(record).toMatchObject({ status: 'cancelled', outcome: { cancelled_by: { by: 'shutdown' } } });
  });
});

test('SIGHUP without a terminal (nohup, a reload) ends nothing', async () => {
  const server = await startServer(dataDir);
  server.child.kill('SIGHUP');
  await expect.poll(() => server.output()).toContain('"signal":"SIGHUP"');
  expect((await fetch(`${server.address}/healthz`)).status).toBe(200);
  expect(await server.stop()).toEqual({ code: 0, signal: null });
});

test.each(['text', 'json'])('a log (%s) that nobody reads any more ends nothing', async (format) => {
  const server = await startServer(dataDir, { RUNWIRE_LOG_FORMAT: format });
  server.child.stdout?.destroy();
  for (let count = 0; count < 2; count++) {
    const failing = { runtime_kind: 'subprocess', command: ['false'] }; // it has a line in the log of both formats
    expect((await post(server.address, failing, '?wait=10')).status).toBe(200);
  }
  expect(await server.stop()).toEqual({ code: 0, signal: null });
});

test.each(['text', 'json'])('a log (%s) that the disk does not take ends nothing', async (format) => {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as { port: number };
  probe.close();
  const variables = { RUNWIRE_LOG_FORMAT: format, RUNWIRE_PORT: String(port) };
  const server = launchServer(dataDir, variables, ['sh', '-c', 'exec "$@" > /dev/full', 'sh']);
  server.listening.catch(() => {}); // it cannot say so
  const origin = `http://127.0.0.1:${port}`;
  const isThere = (): Promise<boolean> =>
    fetch(`${origin}/healthz`).then(
      ({ ok }) => ok,
      () => false,
    );
  await expect.poll(isThere, { timeout: 15_000 }).toBe(true);
  const failing = { runtime_kind: 'subprocess', command: ['false'] };
  for (let count = 0; count < 2; count++) expect((await post(origin, failing, '?wait=10')).status).toBe(200);
  expect(await server.stop()).toEqual({ code: 0, signal: null });
});
