import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runDirectory } from '../../../src/disk/run-directory.ts';
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

test('a run that 0.1.0 began goes on as it was: setup in the captures of the command, one count for both', async () => {
  const id = await submit();
  const worker = await Worker.sure(server.url);
  await worker.events([
    { type: 'stdout', text: 'ready ' },
    { type: 'stdout', text: 'work ' },
  ]);
  await server.crash();
  // As that release wrote it.
  const { root, journal } = runDirectory(server.dataDir, id);
  const lines = readFileSync(journal, 'utf8').split('\n');
  const old = lines.map((line) => {
    if (!line.includes('"offset":0,')) return line;
    const open = line.replace('"phase":"command"', '"phase":"setup"').replace(/,"crc":\d+\}$/, '');
    return `${open},"crc":${crc32(open)}}`;
  });
  expect(old).not.toEqual(lines);
  writeFileSync(journal, old.join('\n'));
  const claims = JSON.parse(readFileSync(`${root}/claims.json`, 'utf8'));
  claims.claim.reported = { stdout: 0, stderr: 0 };
  writeFileSync(`${root}/claims.json`, JSON.stringify(claims));
  await server.start();

  const same = again(worker);
  const batch = [
    { type: 'stdout', offset: 6, text: 'work ' },
    { type: 'stdout', phase: 'setup', offset: 11, text: 'setup ' },
    { type: 'stdout', offset: 17, text: 'end' },
  ];
  for (let time = 0; time < 2; time++) expect((await same.events(batch)).status).toBe(200);
  await same.complete({ status: 'succeeded' });
  const { result, outcome } = await record(id, 20);
  expect(outcome).not.toHaveProperty('setup_stdout');
  expect(outcome?.stdout).toMatchObject({ bytes: 20, kept: 20 });
  expect(result?.artifacts.map(({ artifact_id }) => artifact_id)).toEqual(['stdout', 'stderr']);
  const text = async (path: string) => (await fetch(`${server.url}/invocations/${id}/${path}`)).text();
  expect(await text('stdout')).toBe('ready work setup end');
  expect(await text('output')).toBe('ready work setup end');
  expect(await text('output?phase=setup')).toBe('');
  const events = (await text('events?follow=false')).match(/"type":"stdout","phase":"\w+","offset":\d+/g);
  expect(events).toEqual([
    '"type":"stdout","phase":"setup","offset":0',
    '"type":"stdout","phase":"command","offset":6',
    '"type":"stdout","phase":"setup","offset":11',
    '"type":"stdout","phase":"command","offset":17',
  ]);
});

test('what a worker told of both phases survives a crash between them, and goes on', async () => {
  const id = await submit();
  const worker = await Worker.sure(server.url);
  const setup = { type: 'stdout', phase: 'setup' };
  await worker.events([{ ...setup, offset: 0, base64: '4oI=' }]); // held: half a character
  await server.crash();
  await server.start();
  await again(worker).events([{ ...setup, offset: 2, base64: 'rA==' }]);
  await again(worker).events([{ type: 'stdout', offset: 0, text: 'work' }]);
  await server.crash();
  await server.start();
  await again(worker).events([
    { ...setup, offset: 0, text: '€ more' },
    { type: 'stdout', offset: 0, text: 'work on' },
  ]);
  await again(worker).complete({ status: 'succeeded' });
  const { outcome } = await record(id, 20);
  expect(outcome).toMatchObject({
    stdout: { kept: 7 },
    setup_stdout: { kept: 8 },
    setup_stderr: { kept: 0 },
  });
  const text = async (path: string) => (await fetch(`${server.url}/invocations/${id}/${path}`)).text();
  expect([await text('stdout'), await text('stdout?phase=setup')]).toEqual(['work on', '€ more']);
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
