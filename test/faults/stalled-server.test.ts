import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Claimed } from '../../src/documents/claim.ts';
import type { Record as RunRecord } from '../../src/documents/record.ts';
import { CrashingServer } from '../helpers/crashing-server.ts';

/** Each deadline, s; the server stands still over it. */
const SOON_S = 8;
const place = mkdtempSync(join(tmpdir(), 'runwire-stalled-'));
const server = new CrashingServer();
/** Answered when the server already stands still. */
const held: ServerResponse[] = [];
const backend = createServer((request, response) => {
  if (request.url === '/kickoff') response.writeHead(202).end('{"id":"1","state":"working"}');
  else held.push(response);
});
let url = '';

beforeAll(async () => {
  await server.start();
  await new Promise<void>((resolve) => backend.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(backend.address() as AddressInfo).port}`;
});

afterAll(async () => {
  await server.end();
  backend.closeAllConnections();
  backend.close();
  rmSync(place, { recursive: true, force: true });
});

const at = (name: string): string => join(place, name);
const until = (name: string): string => `until [ -e '${at(name)}' ]; do sleep 0.1; done`;
const recordOf = async (id: string, wait = 0): Promise<RunRecord> =>
  (await (await fetch(`${server.url}/invocations/${id}?wait=${wait}`)).json()) as RunRecord;

const RUNS: Record<string, () => object> = {
  run: () => ({ command: ['sh', '-c', `${until('go')}; touch '${at('run')}'`], timeout_seconds: SOON_S }),
  setup: () => ({
    command: ['touch', at('setup')],
    options: { setup: { commands: [until('go')], timeout_seconds: SOON_S } },
  }),
  idle: () => ({
    command: ['sh', '-c', `until [ -e '${at('enough')}' ]; do echo on; sleep 0.1; done`],
    options: { idle_timeout_seconds: SOON_S },
  }),
  http: () => ({ runtime_kind: 'http', timeout_seconds: SOON_S, options: { http: { url } } }),
  job: () => ({
    runtime_kind: 'http_async',
    timeout_seconds: SOON_S,
    options: {
      http_async: {
        url: `${url}/kickoff`,
        poll_url_template: '/jobs/{run_id}',
        poll_run_id_path: 'id',
        poll_status_path: 'state',
        poll_terminal_states: ['completed'],
      },
    },
  }),
  person: () => ({ runtime_kind: 'manual', options: { manual: { max_attempts: 1 } } }),
};

test('a server that stood still over a deadline tells what had come in time as it came', async () => {
  for (const [id, invocation] of Object.entries(RUNS))
    await server.post('/invocations', { invocation_id: id, runtime_kind: 'subprocess', ...invocation() });
  const claimed = await server.post('/manual/claims', { lease_seconds: SOON_S });
  const { claim } = (await claimed.json()) as Claimed;
  const headers = { authorization: `Bearer ${claim.token}` };
  await expect.poll(() => held.length, { timeout: 20_000 }).toBe(2);
  const over = performance.now() + (SOON_S + 1) * 1000;

  process.kill(server.pid, 'SIGSTOP');
  const renewed = fetch(`${server.url}/invocations/person/heartbeat`, { method: 'POST', headers });
  for (const response of held) response.end('{"id":"1","state":"completed"}');
  writeFileSync(at('go'), '');
  await expect.poll(() => existsSync(at('run')) && existsSync(at('setup')), { timeout: 20_000 }).toBe(true);
  await sleep(Math.max(0, over - performance.now()));
  process.kill(server.pid, 'SIGCONT');

  expect((await renewed).status).toBe(200);
  await expect
    .poll(
      async () => Promise.all(['run', 'setup', 'http', 'job'].map(async (id) => (await recordOf(id)).status)),
      {
        timeout: 20_000,
      },
    )
    .toEqual(Array(4).fill('succeeded'));
  writeFileSync(at('enough'), '');
  expect((await recordOf('idle', 20)).status).toBe('succeeded');
  const completed = await fetch(`${server.url}/invocations/person/completion`, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: '{"status":"succeeded"}',
  });
  expect(completed.status).toBe(200);
});
