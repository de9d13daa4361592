import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Record as RunRecord } from '../../../src/documents/record.ts';
import { CrashingServer } from '../../helpers/crashing-server.ts';
import { codeOf, post, Worker } from '../../helpers/worker.ts';

let server: CrashingServer;
beforeEach(async () => {
  server = new CrashingServer();
  await server.start();
});
afterEach(() => server.end());

async function submit(invocation: Record<string, unknown> = {}): Promise<string> {
  const response = await server.post('/invocations', { runtime_kind: 'manual', ...invocation });
  expect(response.status).toBe(202);
  return ((await response.json()) as RunRecord).invocation.invocation_id;
}

async function record(id: string, wait = 0): Promise<RunRecord> {
  return (await (await fetch(`${server.url}/invocations/${id}?wait=${wait}`)).json()) as RunRecord;
}

/** The same worker, with the server at its new address. */
const again = (worker: Worker): Worker => new Worker(server.url, worker.claimed);

test('claimed and waiting runs go on after a crash: leases, output, uploads and order intact', async () => {
  const claimed = await submit();
  const worker = await Worker.sure(server.url, { worker: 'far' });
  await worker.events([
    { type: 'stdout', text: 'before ' },
    { type: 'stderr', base64: '4oI=' },
  ]);
  await worker.put('kept.txt', 'kept');
  const waiting = [await submit(), await submit()];
  await server.crash();
  await server.start();

  const same = again(worker);
  expect((await record(claimed)).status).toBe('running');
  expect((await same.heartbeat()).status).toBe(200);
  await same.events([
    { type: 'stdout', offset: 0, text: 'before after' },
    { type: 'stderr', base64: 'rA==' },
  ]);
  expect([(await Worker.sure(server.url)).id, (await Worker.sure(server.url)).id]).toEqual(waiting);
  expect(await Worker.claim(server.url)).toBeNull();
  expect((await same.complete({ status: 'succeeded', artifacts: ['kept.txt'] })).status).toBe(200);

  const { result, outcome } = await record(claimed);
  expect(result?.status).toBe('succeeded');
  expect(outcome?.stdout).toMatchObject({ bytes: 12 });
  expect(await (await fetch(`${server.url}/invocations/${claimed}/stdout`)).text()).toBe('before after');
  expect(await (await fetch(`${server.url}/invocations/${claimed}/stderr`)).text()).toBe('€');
  expect(await (await fetch(`${server.url}/invocations/${claimed}/artifacts/kept.txt`)).text()).toBe('kept');
  const events = await fetch(`${server.url}/invocations/${claimed}/events?follow=false`, {
    headers: { accept: 'application/x-ndjson' },
  });
  const seqs = (await events.text())
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).seq);
  expect(seqs).toEqual(seqs.map((_, index) => index + 1));
});

test('a claim that is lost while no server lives is lost to its worker, not to the run', async () => {
  const id = await submit({ options: { manual: { lease_seconds: 0.3 } } });
  const worker = await Worker.sure(server.url);
  await server.crash();
  await sleep(500);
  await server.start();
  const next = await Worker.sure(server.url);
  expect([next.id, next.claimed.claim.attempt]).toEqual([id, 2]);
  expect(codeOf(await again(worker).heartbeat())).toBe('claim_lost');
});

test('a completion that was taken decides, also when the server is killed at once', async () => {
  const id = await submit();
  const worker = await Worker.sure(server.url);
  await worker.events([{ type: 'stdout', text: 'all' }]);
  const answer = worker.complete({ status: 'succeeded', exit_code: 0 }).catch(() => null);
  await sleep(2);
  await server.crash();
  await answer;
  await server.start();
  const same = again(worker);
  const { status } = await same.complete({ status: 'succeeded', exit_code: 0 });
  expect(status).toBe(200);
  expect(codeOf(await same.complete({ status: 'failed' }))).toBe('completion_conflict');
  expect((await record(id, 20)).result).toMatchObject({ status: 'succeeded', exit_code: 0 });
});

test('a server that is asked to stop leaves manual runs to the next one', async () => {
  const id = await submit();
  const worker = await Worker.sure(server.url);
  const other = await submit();
  await server.stop();
  await server.start();
  expect((await again(worker).complete({ status: 'succeeded' })).status).toBe(200);
  expect((await record(id)).status).toBe('succeeded');
  expect((await Worker.sure(server.url)).id).toBe(other);
});

test('the token of a run is still its own after its end and a crash', async () => {
  await submit();
  const worker = await Worker.sure(server.url);
  await worker.complete({ status: 'succeeded' });
  await server.crash();
  await server.start();
  expect((await again(worker).complete({ status: 'succeeded' })).status).toBe(200);
  expect(codeOf(await again(worker).heartbeat())).toBe('not_running');
  const stranger = await post(`${server.url}/invocations/${worker.id}/heartbeat`, null, {
    authorization: 'Bearer rwc_nobody',
  });
  expect(stranger.status).toBe(401);
});
