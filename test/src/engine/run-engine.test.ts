import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { RuntimeEvent } from '../../../src/documents/event.ts';
import { Record as RunRecord } from '../../../src/documents/record.ts';
import { RuntimeResult } from '../../../src/documents/result.ts';
import { buildEngine } from '../../helpers/build-engine.ts';
import { exited, fake, heldRunner, scripted } from '../../helpers/fake-runner.ts';

test('a run has events without holes, and `finished` is one, last, and after its result can be read', async () => {
  await using server = buildEngine();
  const { invocation } = await server.run(fake({ logs: ['one\n', 'two\n'] }));
  const events = await server.events(invocation.invocation_id);
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
  expect(events.map(({ type }) => type)).toEqual([
    'status',
    'status',
    'stdout',
    'stdout',
    'artifact',
    'artifact',
    'finished',
  ]);
});

test('whoever sees `finished` can read the final record at that moment', async () => {
  await using server = buildEngine();
  const { id, stored } = server.engine.submit(fake({ sleep_ms: 20 }));
  await stored;
  let seen = 'nothing';
  for await (const batch of server.engine.log(id).read({ after: 0, follow: true }))
    for (const event of batch)
      if (event.entry.type === 'finished') seen = server.engine.record(id).result?.status ?? 'no result';
  expect(seen).toBe('succeeded');
});

test('every document that is emitted is exact, whatever the end', async () => {
  await using server = buildEngine();
  const ends = [
    fake({ logs: ['x'] }),
    fake({ exit_code: 3 }),
    fake({ throw_message: 'no such thing' }),
    fake({ sleep_ms: 60_000 }, { timeout_seconds: 0.05 }),
    fake({}, { working_directory: '/nowhere/at/all' }),
    { runtime_kind: 'unknown' },
  ];
  const statuses: string[] = [];
  for (const invocation of ends) {
    const record = RunRecord.parse(await server.run(invocation));
    const id = record.invocation.invocation_id;
    RuntimeResult.parse((await server.get(`/invocations/${id}/result`)).json());
    const events = (await server.events(id)).map((event) => RuntimeEvent.parse(event));
    const last = events.at(-1);
    expect(last?.type === 'finished' && last.result).toEqual(record.result);
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
    expect(record.outcome?.last_seq).toBe(events.length);
    statuses.push(record.status);
  }
  expect(statuses).toEqual(['succeeded', 'failed', 'failed', 'timed_out', 'rejected', 'rejected']);
});

test('a kind without a runner is rejected at once, also while others wait for a place', async () => {
  const held = heldRunner();
  await using server = buildEngine({ runners: [held.runner], config: { RUNWIRE_MAX_CONCURRENT: '1' } });
  await server.post({ runtime_kind: 'held', invocation_id: 'working' });
  await server.post({ runtime_kind: 'held', invocation_id: 'waiting' });
  for (const kind of ['unknown', 'constructor', '__proto__']) {
    const record = await server.run({ runtime_kind: kind });
    expect(record.status).toBe('rejected');
    expect(record.runtime_kind).toBe(kind);
    expect(record.result?.runtime_kind).toBe('unknown');
    expect(record.outcome).toMatchObject({ ended: 'rejected', started: false, retry_safe: true });
  }
  expect(server.engine.status('waiting')).toBe('pending');
});

test('a working directory that does not exist is named in the refusal', async () => {
  await using server = buildEngine();
  const { status, result, outcome } = await server.run(fake({}, { working_directory: '/no/such/place' }));
  expect(status).toBe('rejected');
  expect(result?.error_summary).toBe('working directory does not exist: /no/such/place');
  expect(outcome).toMatchObject({ ended: 'rejected', started: false, retry_safe: true });
});

test('a final status never changes', async () => {
  await using server = buildEngine();
  const { invocation, result } = await server.run(fake());
  const id = invocation.invocation_id;
  const cancelled = await server.request({ method: 'POST', url: `/invocations/${id}/cancel` });
  expect(cancelled.statusCode).toBe(200);
  expect(cancelled.json()).toMatchObject({ status: 'succeeded', result });
  expect(
    server.store.finish(id, { status: 'failed', finishedAt: 1, result: '{}', outcome: '{}', outputBytes: 0 }),
  ).toBe(false);
  expect((await server.get(`/invocations/${id}`)).json()).toMatchObject({ status: 'succeeded', result });
});

test('what a runner writes after it has settled is in no file and no event', async () => {
  let writeLater: () => void = () => {};
  const runner = scripted(async ({ output }) => {
    output.write('stdout', Buffer.from('before'));
    writeLater = () => {
      output.write('stdout', Buffer.from('after'));
      output.progress({ message: 'after' });
    };
    return exited();
  });
  await using server = buildEngine({ runners: [runner] });
  const { invocation } = await server.run({ runtime_kind: 'scripted' });
  const events = await server.events(invocation.invocation_id);
  writeLater();
  expect(await server.events(invocation.invocation_id)).toEqual(events);
  const { body } = await server.get(`/invocations/${invocation.invocation_id}/stdout`);
  expect(body).toBe('before');
});

test('a run whose directory its program deleted still gets a result', async () => {
  const { rmSync } = await import('node:fs');
  const runner = scripted(async ({ directory }) => {
    rmSync(directory.root, { recursive: true });
    return exited();
  });
  await using server = buildEngine({ runners: [runner] });
  const record = RunRecord.parse(await server.run({ runtime_kind: 'scripted' }));
  expect(record.result).toMatchObject({ status: 'succeeded', error_summary: null });
  expect(readFileSync(record.result?.stdout_path ?? '', 'utf8')).toBe('');
  expect((await server.events(record.invocation.invocation_id)).at(-1)?.type).toBe('finished');
});

test('delete is refused while a run is not finished, and takes record and files of a finished one', async () => {
  const held = heldRunner();
  await using server = buildEngine({ runners: [held.runner] });
  await server.post({ runtime_kind: 'held', invocation_id: 'a' });
  const remove = () => server.request({ method: 'DELETE', url: '/invocations/a' });
  expect((await remove()).statusCode).toBe(409);
  held.release('a');
  await server.engine.waitFinished('a', 10_000);
  expect(existsSync(join(server.dataDir, 'runs', 'a'))).toBe(true);
  expect((await remove()).statusCode).toBe(204);
  expect(readdirSync(join(server.dataDir, 'runs'))).toEqual([]);
  for (const path of ['', '/events', '/result', '/stdout', '/artifacts'])
    expect((await server.get(`/invocations/a${path}`)).json().code).toBe('invocation_removed');
  expect((await remove()).statusCode).toBe(410);
});

test('an id is free again at once when its run is deleted, and the new run keeps its own files', async () => {
  await using server = buildEngine();
  for (let round = 0; round < 10; round++) {
    const text = `round ${round}`;
    const removing = round === 0 ? Promise.resolve() : server.engine.remove('same');
    const record = await server.run(fake({ logs: [text] }, { invocation_id: 'same' }));
    await removing;
    expect(record.status).toBe('succeeded');
    expect((await server.get('/invocations/same/stdout')).body).toBe(text);
    const events = await server.events('same');
    expect(events.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6]);
  }
});

test('many long polls of one run leave nothing behind', async () => {
  const held = heldRunner();
  await using server = buildEngine({ runners: [held.runner] });
  await server.post({ runtime_kind: 'held', invocation_id: 'a' });
  const aborted = AbortSignal.abort();
  expect(await server.engine.waitFinished('a', 3_600_000, aborted)).toBe(false);
  expect(await server.engine.waitFinished('a', 1)).toBe(false);
  const waits = Promise.all(Array.from({ length: 100 }, () => server.engine.waitFinished('a', 60_000)));
  held.release('a');
  expect(await waits).toEqual(Array.from({ length: 100 }, () => true));
});

test('lists filter by status, kind and name, newest first, page by page', async () => {
  const held = heldRunner();
  await using server = buildEngine({ runners: [held.runner] });
  for (let n = 1; n <= 5; n++)
    await server.run(fake({ exit_code: n % 2 }, { invocation_id: `f${n}`, runtime_name: `n${n % 3}` }));
  await server.post({ runtime_kind: 'held', invocation_id: 'h' });
  const list = async (query: string) => {
    const { items, next_cursor } = (await server.get(`/invocations?${query}`)).json();
    const ids = (items as RunRecord[]).map((item) => RunRecord.parse(item).invocation.invocation_id);
    return { ids, next: next_cursor as string | null };
  };
  expect((await list('')).ids).toEqual(['h', 'f5', 'f4', 'f3', 'f2', 'f1']);
  expect((await list('status=failed')).ids).toEqual(['f5', 'f3', 'f1']);
  expect((await list('status=running')).ids).toEqual(['h']);
  expect((await list('runtime_kind=fake&runtime_name=n1')).ids).toEqual(['f4', 'f1']);
  const first = await list('runtime_kind=fake&limit=2');
  expect(first.ids).toEqual(['f5', 'f4']);
  await server.run(fake({}, { invocation_id: 'between' }));
  const second = await list(`runtime_kind=fake&limit=2&cursor=${first.next}`);
  expect(second.ids).toEqual(['f3', 'f2']);
  const third = await list(`runtime_kind=fake&limit=2&cursor=${second.next}`);
  expect(third).toEqual({ ids: ['f1'], next: null });
});

test('that a waiting run has begun is told once a crash cannot forget it: it would begin at another time', async () => {
  await using server = buildEngine({ config: { RUNWIRE_MAX_CONCURRENT: '1' } });
  const { store, engine } = server;
  const held = Promise.withResolvers<number>();
  const stored = Promise.withResolvers<void>();
  const { markRunning, committed } = store;
  store.markRunning = (id, startedAt) => {
    held.resolve(startedAt);
    store.committed = () => stored.promise;
    return markRunning.call(store, id, startedAt);
  };
  await server.post(fake({ sleep_ms: 20 }, { invocation_id: 'a' }));
  await server.post(fake({}, { invocation_id: 'b' }));
  const startedAt = await held.promise;
  const { record, events } = { record: engine.record('b'), events: engine.log('b').journalSeq - 1 };
  store.committed = committed;
  stored.resolve();
  expect(record).toMatchObject({ status: 'pending', started_at: null });
  expect(events).toBe(1);
  await engine.waitFinished('b', 10_000);
  const [, running] = await server.events('b');
  expect(running).toMatchObject({ status: 'running', time: new Date(startedAt).toISOString() });
});
