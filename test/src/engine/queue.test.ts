import { expect, test } from 'vitest';
import { RunQueue } from '../../../src/engine/queue.ts';
import { buildEngine } from '../../helpers/build-engine.ts';
import { fake, heldRunner } from '../../helpers/fake-runner.ts';

function queueOf(concurrent: number, waiting: number) {
  const started: string[] = [];
  const queue = new RunQueue<string>({ concurrent, waiting }, (run) => void started.push(run));
  return { queue, started };
}

test('runs start in the order they came, so many at once', () => {
  const { queue, started } = queueOf(2, 10);
  for (const run of ['a', 'b', 'c', 'd', 'e']) queue.add(run);
  expect(started).toEqual(['a', 'b']);
  queue.release();
  queue.release();
  queue.release();
  expect(started).toEqual(['a', 'b', 'c', 'd', 'e']);
  expect(queue.running).toBe(2);
  expect(queue.queued).toBe(0);
});

test('it is full when every place is taken and no more may wait', () => {
  const { queue } = queueOf(1, 1);
  expect(queue.full).toBe(false);
  queue.add('a');
  expect(queue.full).toBe(false);
  queue.add('b');
  expect(queue.full).toBe(true);
  queue.remove('b');
  expect(queue.full).toBe(false);
});

test('without waiting room a run is taken only while there is a place', () => {
  const { queue } = queueOf(1, 0);
  expect(queue.full).toBe(false);
  queue.add('a');
  expect(queue.full).toBe(true);
  queue.release();
  expect(queue.full).toBe(false);
});

test('a run that is carried on takes a place beyond the limit, and gives back only its own', () => {
  const { queue, started } = queueOf(1, 5);
  queue.occupy('old1');
  queue.occupy('old2');
  queue.add('new');
  queue.release();
  expect(started).toEqual(['old1', 'old2']);
  queue.release();
  expect(started).toEqual(['old1', 'old2', 'new']);
});

test('a paused queue starts nothing', () => {
  const { queue, started } = queueOf(1, 5);
  queue.add('a');
  queue.add('b');
  queue.pause();
  queue.release();
  queue.add('c');
  expect(started).toEqual(['a']);
  expect(queue.queued).toBe(2);
});

test('a run that was taken out is not started', () => {
  const { queue, started } = queueOf(1, 5);
  for (const run of ['a', 'b', 'c']) queue.add(run);
  expect(queue.remove('b')).toBe(true);
  expect(queue.remove('b')).toBe(false);
  expect(queue.remove('a')).toBe(false);
  queue.release();
  expect(started).toEqual(['a', 'c']);
});

const NARROW = { RUNWIRE_MAX_CONCURRENT: '1', RUNWIRE_MAX_QUEUE: '2' };

test('a full queue says so with 429 and when to come again, and takes runs again when one has ended', async () => {
  const held = heldRunner();
  await using server = buildEngine({ runners: [held.runner], config: NARROW });
  for (const id of ['a', 'b', 'c']) await server.post({ runtime_kind: 'held', invocation_id: id });
  const refused = await server.post({ runtime_kind: 'held', invocation_id: 'd' });
  expect(refused.json()).toMatchObject({ status: 429, code: 'queue_full' });
  expect(Number(refused.headers['retry-after'])).toBeGreaterThanOrEqual(1);
  expect((await server.get('/invocations/d')).statusCode).toBe(404);
  expect((await server.get('/readyz')).statusCode).toBe(503);
  const known = await server.post({ runtime_kind: 'held', invocation_id: 'c' });
  expect(known.headers['idempotency-replayed']).toBe('true');
  held.release('a');
  await server.engine.waitFinished('a', 10_000);
  expect((await server.post({ runtime_kind: 'held', invocation_id: 'd' })).statusCode).toBe(202);
});

test('runs are worked on in the order they came', async () => {
  const held = heldRunner();
  await using server = buildEngine({ runners: [held.runner], config: { RUNWIRE_MAX_CONCURRENT: '1' } });
  const ids = ['a', 'b', 'c', 'd'];
  for (const id of ids) await server.post({ runtime_kind: 'held', invocation_id: id });
  for (const id of ids) {
    held.release(id);
    await server.engine.waitFinished(id, 10_000);
  }
  expect(held.started).toEqual(ids);
});

test('a waiting run that is cancelled ends at once, never starts, and gives its place away', async () => {
  const held = heldRunner();
  await using server = buildEngine({ runners: [held.runner], config: NARROW });
  for (const id of ['a', 'b', 'c']) await server.post({ runtime_kind: 'held', invocation_id: id });
  await server.request({ method: 'POST', url: '/invocations/b/cancel' });
  expect(await server.engine.waitFinished('b', 10_000)).toBe(true);
  const record = server.engine.record('b');
  expect(record).toMatchObject({ status: 'cancelled', started_at: null });
  expect(record.outcome).toMatchObject({ ended: 'cancelled', started: false, retry_safe: true });
  expect((await server.events('b')).map(({ type }) => type)).toEqual(['status', 'finished']);
  held.release('a');
  await expect.poll(() => held.started).toEqual(['a', 'c']);
});

test('a run that waits longer than it may is timed out without having started', async () => {
  const held = heldRunner();
  await using server = buildEngine({ runners: [held.runner], config: NARROW });
  await server.post({ runtime_kind: 'held', invocation_id: 'a' });
  const record = await server.run(fake({}, { options: { queue_timeout_seconds: 0.05 } }));
  expect(record).toMatchObject({ status: 'timed_out', started_at: null });
  expect(record.result?.error_summary).toBe('waited to start for longer than 0.05 s');
  expect(record.outcome).toMatchObject({ timeout_reason: 'queue', started: false, retry_safe: true });
  held.release('a');
  const quick = await server.run(fake({ sleep_ms: 100 }, { options: { queue_timeout_seconds: 0.05 } }));
  expect(quick.status).toBe('succeeded');
});

test('waiting runs wait again at the next server, in order, and their clocks go on', async () => {
  const held = heldRunner();
  await using server = buildEngine({ runners: [held.runner], config: { RUNWIRE_MAX_CONCURRENT: '1' } });
  for (const id of ['z', 'y', 'x', 'w']) await server.post({ runtime_kind: 'held', invocation_id: id });
  await server.post({
    runtime_kind: 'held',
    invocation_id: 'late',
    options: { queue_timeout_seconds: 0.2 },
  });
  await server.engine.drain(0);
  expect((await server.post({ runtime_kind: 'held' })).json()).toMatchObject({
    status: 503,
    code: 'draining',
  });
  held.release('z');
  await server.engine.waitFinished('z', 10_000);
  expect(held.started).toEqual(['z']);
  const dataDir = await server.crash();
  await new Promise((resolve) => setTimeout(resolve, 250));
  const after = heldRunner();
  await using next = buildEngine({
    runners: [after.runner],
    dataDir,
    config: { RUNWIRE_MAX_CONCURRENT: '1' },
  });
  expect(await next.engine.waitFinished('late', 10_000)).toBe(true);
  expect(next.engine.record('late').outcome?.timeout_reason).toBe('queue');
  for (const id of ['y', 'x', 'w']) {
    after.release(id);
    expect(await next.engine.waitFinished(id, 10_000)).toBe(true);
    expect(next.engine.record(id).outcome?.timings.queue_ms).toBeGreaterThanOrEqual(250);
  }
  expect(after.started).toEqual(['y', 'x', 'w']);
});
