import { createHash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Record as RunRecord } from '../../../src/documents/record.ts';
import { type BuiltApp, buildApp } from '../../helpers/build-app.ts';
import { codeOf, post, Worker } from '../../helpers/worker.ts';

let app: BuiltApp;
let server: string;
beforeEach(async () => {
  app = await buildApp();
  server = await app.listen();
});
afterEach(() => app.end());

async function submit(invocation: Record<string, unknown> = {}): Promise<string> {
  const { status, body } = await post<RunRecord>(`${server}/invocations`, {
    runtime_kind: 'manual',
    ...invocation,
  });
  if (status !== 202) throw new Error(`${status}: ${JSON.stringify(body)}`);
  return body.invocation.invocation_id;
}

async function finished(id: string): Promise<RunRecord> {
  const response = await fetch(`${server}/invocations/${id}?wait=30`);
  return (await response.json()) as RunRecord;
}

async function eventsOf(id: string): Promise<Record<string, unknown>[]> {
  const response = await fetch(`${server}/invocations/${id}/events?follow=false`, {
    headers: { accept: 'application/x-ndjson' },
  });
  const text = await response.text();
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

test('an upload takes the place of another only as its conditions allow', async () => {
  const id = await submit();
  const worker = await Worker.sure(server);
  const put = async (body: string, headers: Record<string, string>) => {
    const response = await fetch(`${server}/invocations/${id}/artifacts/a`, {
      method: 'PUT',
      headers: { ...worker.authorization, ...headers },
      body,
    });
    await response.text();
    return [response.status, response.headers.get('etag')];
  };
  const tag = (body: string) => `"${createHash('sha256').update(body).digest('hex')}"`;
  expect(await put('one', { 'if-match': '*' })).toEqual([412, null]);
  expect(await put('one', { 'if-none-match': '*' })).toEqual([200, tag('one')]);
  expect(await put('two', { 'if-none-match': '*' })).toEqual([412, null]);
  expect(await put('two', { 'if-match': tag('other') })).toEqual([412, null]);
  expect(await put('two', { 'if-match': tag('one') })).toEqual([200, tag('two')]);
  // Both ask before either has come to its end: one finds what it asks for, and the other what has come meanwhile.
  const big = 'x'.repeat(3_000_000);
  const both = await Promise.all([
    put(big, { 'if-match': tag('two') }),
    put('three', { 'if-match': tag('two') }),
  ]);
  expect(both.map(([status]) => status).sort()).toEqual([200, 412]);
  const kept = both[0]?.[0] === 200 ? big : 'three';
  await worker.complete({ status: 'succeeded' });
  const response = await fetch(`${server}/invocations/${id}/artifacts/a`);
  expect([response.headers.get('etag'), (await response.text()) === kept]).toEqual([tag(kept), true]);
});

test('a worker uploads outputs by their ids; one that has to be there and is not fails the run', async () => {
  const outputs = [
    { id: 'model', path: 'model.bin', kind: 'model', description: 'What was learnt' },
    { id: 'notes', path: 'notes.txt', required: false },
  ];
  const id = await submit({ options: { outputs } });
  const worker = await Worker.sure(server);
  expect(worker.claimed.invocation.options.outputs).toEqual(outputs);
  expect(codeOf(await worker.put('Model', 'x'))).toBe('invalid_field');
  expect(await worker.put('model', 'weights')).toMatchObject({
    body: { artifact_id: 'model', kind: 'model', description: 'What was learnt' },
  });
  await worker.complete({ status: 'succeeded' });
  const done = await finished(id);
  expect([done.status, done.result?.error_summary]).toEqual(['succeeded', null]);
  expect(done.outcome?.omitted).toEqual([{ path: 'notes.txt', reason: 'was not uploaded under this id' }]);
  const missing = await submit({ options: { outputs } });
  const other = await Worker.sure(server);
  await other.put('notes', 'x');
  await other.complete({ status: 'succeeded', exit_code: 0 });
  const { status, result, outcome } = await finished(missing);
  expect([status, result?.error_summary, result?.exit_code]).toEqual([
    'failed',
    'missing outputs: model (model.bin: was not uploaded under this id)',
    0,
  ]);
  expect(outcome).toMatchObject({ ended: 'completed', failure: { reason: 'output_missing' } });
  expect(result?.artifacts.map(({ artifact_id }) => artifact_id)).toContain('notes');
});

test('in a workspace an output that was not uploaded is the file at its path', async () => {
  const workspace = `w-${randomUUID().slice(0, 8)}`;
  await app.workspaces.create({ workspace_id: workspace });
  const outputs = ['model', 'notes', 'none'].map((id) => ({ id, path: `${id}.txt` }));
  const id = await submit({ options: { outputs, workspace } });
  const worker = await Worker.sure(server);
  await worker.put('notes', 'uploaded');
  for (const path of ['model.txt', 'notes.txt']) {
    const url = `${server}/invocations/${id}/files/${path}`;
    const sent = await fetch(url, { method: 'PUT', headers: worker.authorization, body: 'in the workspace' });
    expect(sent.ok, await sent.text()).toBe(true);
  }
  await worker.complete({ status: 'succeeded' });
  const { status, result } = await finished(id);
  expect([status, result?.error_summary]).toEqual([
    'failed',
    'missing outputs: none (none.txt: does not exist)',
  ]);
  const bytes = async (artifact: string) =>
    (await fetch(`${server}/invocations/${id}/artifacts/${artifact}`)).text();
  expect([await bytes('model'), await bytes('notes')]).toEqual(['in the workspace', 'uploaded']);
});

test('a worker claims a run, reports, uploads and completes it', async () => {
  const id = await submit({ runtime_name: 'review', metadata: { question: 'why' } });
  expect((await app.engine.record(id)).status).toBe('running');
  const worker = await Worker.sure(server, { worker: 'ann' });
  expect(worker.id).toBe(id);
  expect(worker.claimed.invocation.metadata).toEqual({ question: 'why' });
  expect(worker.claimed.claim).toMatchObject({ attempt: 1, token: expect.stringMatching(/^rwc_[\w-]{43}$/) });

  const beat = await worker.events([
    { type: 'stdout', text: 'half €' },
    { type: 'progress', message: 'reading', data: { page: 1 } },
    { type: 'stderr', base64: Buffer.from([0xff, 0x00]).toString('base64') },
  ]);
  expect(beat).toMatchObject({ status: 200, body: { cancel_requested: false } });
  const put = await worker.put('answer.txt', 'because');
  expect(put).toMatchObject({ status: 200, body: { artifact_id: 'answer.txt', kind: 'file' } });
  const done = await worker.complete({
    status: 'succeeded',
    exit_code: 0,
    metadata: { by: 'ann' },
    artifacts: ['answer.txt'],
    invocation_id: id,
  });
  expect(done.status).toBe(200);

  const { result, outcome } = await finished(id);
  expect(result).toMatchObject({ status: 'succeeded', exit_code: 0, metadata: { by: 'ann' } });
  expect(result?.artifacts.map(({ artifact_id }) => artifact_id)).toEqual(['stdout', 'stderr', 'answer.txt']);
  expect(outcome).toMatchObject({ ended: 'completed', started: true, retry_safe: false });
  expect(await (await fetch(`${server}/invocations/${id}/stdout`)).text()).toBe('half €');
  expect(await (await fetch(`${server}/invocations/${id}/artifacts/answer.txt`)).text()).toBe('because');
  expect((await eventsOf(id)).map(({ type }) => type)).toEqual([
    'status',
    'status',
    'progress',
    'stdout',
    'progress',
    'stderr',
    'artifact',
    'artifact',
    'artifact',
    'finished',
  ]);
});

test('what a worker tells of a setup is captured apart, and counted with the run', async () => {
  const id = await submit({ options: { max_output_bytes: 6 } });
  const worker = await Worker.sure(server);
  const half = Buffer.from('€');
  const base64 = (bytes: Buffer): string => bytes.toString('base64');
  await worker.events([
    {
      type: 'stdout',
      phase: 'setup',
      base64: base64(Buffer.concat([Buffer.from('get'), half.subarray(0, 1)])),
    },
    { type: 'stdout', text: 'do ' },
    { type: 'stderr', phase: 'setup', base64: base64(Buffer.from([0xff])) },
  ]);
  await worker.events([
    { type: 'stdout', phase: 'setup', base64: base64(half.subarray(1)) },
    { type: 'stdout', phase: 'setup', text: 'more' },
  ]);
  await worker.complete({ status: 'succeeded' });

  const { result, outcome } = await finished(id);
  const ids = ['stdout', 'stderr', 'setup_stdout', 'setup_stderr'];
  expect(result?.artifacts.map(({ artifact_id }) => artifact_id)).toEqual(ids);
  expect(result?.artifacts[2]).toMatchObject({
    ...{ kind: 'log_excerpt', description: 'captured stdout of the setup' },
    metadata: { size_bytes: '6', sha256: createHash('sha256').update('get€').digest('hex') },
  });
  expect(outcome).toMatchObject({
    stdout: { bytes: 3, kept: 3 },
    stderr: { bytes: 0, kept: 0 },
    setup_stdout: { bytes: 10, kept: 6 },
    setup_stderr: { bytes: 1, kept: 1 },
  });
  const events = await eventsOf(id);
  expect(events.at(-1)).toMatchObject({ type: 'finished', seq: outcome?.last_seq });
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, at) => at + 1));
  const told = events.flatMap(({ type, stream, phase, offset, length, text, base64 }) =>
    offset === undefined
      ? []
      : [[type, stream ?? null, phase ?? null, offset, length, text ?? base64 ?? null]],
  );
  expect(told).toEqual([
    ['stdout', null, 'setup', 0, 3, 'get'],
    ['stdout', null, 'command', 0, 3, 'do '],
    ['stderr', null, 'setup', 0, 1, '/w=='],
    ['stdout', null, 'setup', 3, 3, '€'],
    ['gap', 'stdout', 'setup', 6, 4, null],
  ]);
  const artifact = (name: string, headers = {}) =>
    fetch(`${server}/invocations/${id}/artifacts/${name}`, { headers });
  expect(await (await artifact('setup_stdout')).text()).toBe('get€');
  const part = await artifact('setup_stdout', { range: 'bytes=1-2' });
  expect([part.status, await part.text()]).toEqual([206, 'et']);
  const metrics = await (await fetch(`${server}/metrics`)).text();
  expect(metrics).toMatch(/^runwire_finished_runs_bytes 10$/m);
  expect(metrics).toMatch(/^runwire_output_bytes_total 14$/m);
  const { root } = app.engine.directory(id);
  expect((await fetch(`${server}/invocations/${id}`, { method: 'DELETE' })).status).toBe(204);
  await expect.poll(() => existsSync(root)).toBe(false);
  expect(await (await fetch(`${server}/metrics`)).text()).toMatch(/^runwire_finished_runs_bytes 0$/m);
});

test('a completion is taken once: the same again changes nothing, another is refused', async () => {
  await submit();
  const worker = await Worker.sure(server);
  const body = { status: 'failed', exit_code: 3, metadata: { a: '1', b: '2' } };
  expect((await worker.complete(body)).status).toBe(200);
  const reordered = { metadata: { b: '2', a: '1' }, exit_code: 3, status: 'failed' };
  expect((await worker.complete(reordered)).status).toBe(200);
  const other = await worker.complete({ ...body, exit_code: 4 });
  expect([other.status, codeOf(other)]).toEqual([409, 'completion_conflict']);
  expect(codeOf(await worker.events([{ type: 'stdout', text: 'late' }]))).toBe('not_running');
  expect(codeOf(await worker.heartbeat())).toBe('not_running');
  expect(codeOf(await worker.put('late', 'x'))).toBe('not_running');
  expect((await finished(worker.id)).result).toMatchObject({ status: 'failed', exit_code: 3 });
});

test('a lost lease gives the run to the next worker, and the late one is fenced off', async () => {
  const id = await submit();
  const late = await Worker.sure(server, { lease_seconds: 0.2 });
  await late.events([{ type: 'stdout', text: 'first ' }]);
  await late.put('a.txt', 'of the first');
  const next = await Worker.sure(server);
  expect([next.id, next.claimed.claim.attempt]).toEqual([id, 2]);
  for (const answer of [
    await late.events([{ type: 'stdout', text: 'late' }]),
    await late.heartbeat(),
    await late.put('b.txt', 'late'),
    await late.complete({ status: 'succeeded' }),
  ])
    expect([answer.status, codeOf(answer)]).toEqual([409, 'claim_lost']);
  await next.events([{ type: 'stdout', offset: 0, text: 'second' }]);
  await next.complete({ status: 'succeeded' });
  const { result } = await finished(id);
  expect(result?.artifacts.map(({ artifact_id }) => artifact_id)).toEqual(['stdout', 'stderr']);
  expect(await (await fetch(`${server}/invocations/${id}/stdout`)).text()).toBe('first second');
  expect(codeOf(await late.complete({ status: 'succeeded' }))).toBe('claim_lost');
  const messages = (await eventsOf(id)).flatMap(({ type, message }) =>
    type === 'progress' ? [message] : [],
  );
  expect(messages).toEqual(['claimed', 'claim lost', 'claimed']);
});

test('a run whose claims are all lost fails, and says so', async () => {
  const id = await submit({ options: { manual: { max_attempts: 2, lease_seconds: 0.1 } } });
  await Worker.sure(server);
  await Worker.sure(server);
  const { result, outcome } = await finished(id);
  expect(result).toMatchObject({
    status: 'failed',
    error_summary: expect.stringContaining('2 claims were lost'),
  });
  expect(outcome).toMatchObject({ ended: 'lost', started: true, retry_safe: false });
});

test('every report keeps the lease', async () => {
  await submit({ options: { manual: { lease_seconds: 0.6, max_attempts: 1 } } });
  const worker = await Worker.sure(server);
  for (let count = 0; count < 4; count++) {
    await sleep(250);
    expect((await worker.heartbeat()).status).toBe(200);
    await sleep(250);
    expect((await worker.events([{ type: 'progress', message: String(count) }])).status).toBe(200);
  }
  expect((await worker.complete({ status: 'succeeded' })).status).toBe(200);
});

test('a cancelled run tells its worker, and keeps what it says within the grace', async () => {
  const id = await submit({ options: { kill_grace_seconds: 30 } });
  const worker = await Worker.sure(server);
  const waiting = worker.heartbeat({ wait_seconds: 20 });
  await post(`${server}/invocations/${id}/cancel`, {});
  expect(await waiting).toMatchObject({ status: 200, body: { cancel_requested: true } });
  expect((await worker.complete({ status: 'cancelled', metadata: { why: 'asked' } })).status).toBe(200);
  expect((await finished(id)).result).toMatchObject({ status: 'cancelled', metadata: { why: 'asked' } });
});

test('a cancelled run ends after the grace whatever its worker does', async () => {
  const id = await submit({ options: { kill_grace_seconds: 0.1 } });
  const worker = await Worker.sure(server);
  await post(`${server}/invocations/${id}/cancel`, {});
  const { result, outcome } = await finished(id);
  expect(result?.status).toBe('cancelled');
  expect(outcome).toMatchObject({ started: true, retry_safe: false });
  expect(codeOf(await worker.complete({ status: 'succeeded' }))).toBe('not_running');
});

test('a waiting run that is cancelled ends at once and is given to nobody', async () => {
  const id = await submit();
  await post(`${server}/invocations/${id}/cancel`, {});
  const { result, outcome } = await finished(id);
  expect(result?.status).toBe('cancelled');
  expect(outcome).toMatchObject({ started: false, retry_safe: true });
  expect(await Worker.claim(server)).toBeNull();
});

test('a run that is out of time ends, and its token with it', async () => {
  const id = await submit({ timeout_seconds: 0.3, options: { kill_grace_seconds: 60 } });
  const worker = await Worker.sure(server);
  await worker.events([{ type: 'stdout', text: 'kept' }]);
  await worker.put('kept.txt', 'kept');
  const { result, outcome } = await finished(id);
  expect(result?.status).toBe('timed_out');
  expect(outcome).toMatchObject({ timeout_reason: 'run', stdout: { bytes: 4 } });
  expect(result?.artifacts.map(({ artifact_id }) => artifact_id)).toContain('kept.txt');
  expect(codeOf(await worker.heartbeat())).toBe('not_running');
});

test('a run that nobody claims in queue_timeout_seconds is out of time and safe to try again', async () => {
  const id = await submit({ options: { queue_timeout_seconds: 0.1 } });
  const { result, outcome } = await finished(id);
  expect(result).toMatchObject({ status: 'timed_out', error_summary: expect.stringContaining('worker') });
  expect(outcome).toMatchObject({ ended: 'never_started', retry_safe: true, timeout_reason: 'queue' });
});

test('workers get runs in the order of acceptance, and only those of the name they ask for', async () => {
  const ids = [];
  for (const name of ['x', 'y', 'x', 'y']) ids.push(await submit({ runtime_name: name }));
  const order = [];
  for (const request of [{ runtime_name: 'y' }, {}, {}, {}])
    order.push((await Worker.sure(server, request)).id);
  expect(order).toEqual([ids[1], ids[0], ids[2], ids[3]]);
  expect(await Worker.claim(server, { runtime_name: 'y' })).toBeNull();
});

test('a worker that waits is given the run that comes; one that left is not', async () => {
  const gone = new AbortController();
  const leaving = fetch(`${server}/manual/claims`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"wait_seconds":30}',
    signal: gone.signal,
  }).catch(() => 'left');
  await sleep(100);
  gone.abort();
  await leaving;
  await sleep(100);
  const waiting = Worker.sure(server);
  await sleep(50);
  const id = await submit();
  const worker = await waiting;
  expect([worker.id, worker.claimed.claim.attempt]).toEqual([id, 1]);
});

test('two workers racing for 1,000 waiting runs get each of them exactly once', async () => {
  const ids = new Set<string>();
  for (let from = 0; from < 1000; from += 100) {
    const batch = await Promise.all(Array.from({ length: 100 }, () => submit()));
    for (const id of batch) ids.add(id);
  }
  expect(ids.size).toBe(1000);
  const race = async () => {
    const mine: string[] = [];
    for (;;) {
      const worker = await Worker.claim(server);
      if (worker === null) return mine;
      mine.push(worker.id);
      const { status } = await worker.complete({ status: 'succeeded', exit_code: 0 });
      if (status !== 200) throw new Error(`completion answered ${status}`);
    }
  };
  const [first, second] = await Promise.all([race(), race()]);
  const claimed = [...(first ?? []), ...(second ?? [])];
  expect(claimed.length).toBe(1000);
  expect(new Set(claimed)).toEqual(ids);
  expect(first?.length).toBeGreaterThan(0);
  expect(second?.length).toBeGreaterThan(0);
  const statuses = new Set([...ids].map((id) => app.engine.status(id)));
  expect([...statuses]).toEqual(['succeeded']);
});
