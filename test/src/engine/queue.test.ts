import { expect, test } from 'vitest';
import { RunQueue } from '../../../src/engine/queue.ts';
import { buildEngine } from '../../helpers/build-engine.ts';
import { fake, heldRunner } from '../../helpers/fake-runner.ts';

function queueOf(concurrent: number, waiting: number) {
  const started: string[] = [];
  const runs: Record<string, { id: string }> = {};
  const of = (id: string) => (runs[id] ??= { id });
  const queue = new RunQueue<{ id: string }>({ concurrent, waiting }, ({ id }) => void started.push(id));
  return {
    started,
    queue,
    add: (...ids: string[]) => ids.forEach((id) => void queue.add(of(id))),
    occupy: (id: string) => queue.occupy(of(id)),
    release: (...ids: string[]) => ids.forEach((id) => void queue.release(of(id))),
    remove: (id: string) => queue.remove(of(id)),
    places: (...ids: string[]) => ids.map((id) => queue.placeOf(of(id))),
  };
}

test('runs start in the order they came, so many at once', () => {
  const { queue, started, add, release } = queueOf(2, 10);
  add('a', 'b', 'c', 'd', 'e');
  expect(started).toEqual(['a', 'b']);
  release('a', 'b', 'c');
  expect(started).toEqual(['a', 'b', 'c', 'd', 'e']);
  expect(queue.running).toBe(2);
  expect(queue.queued).toBe(0);
});

test('it is full when every place is taken and no more may wait', () => {
  const { queue, add, remove } = queueOf(1, 1);
  expect(queue.full).toBe(false);
  add('a');
  expect(queue.full).toBe(false);
  add('b');
  expect(queue.full).toBe(true);
  remove('b');
  expect(queue.full).toBe(false);
});

test('without waiting room a run is taken only while there is a place', () => {
  const { queue, add, release } = queueOf(1, 0);
  expect(queue.full).toBe(false);
  add('a');
  expect(queue.full).toBe(true);
  release('a');
  expect(queue.full).toBe(false);
});

test('a run that is resumed takes a place beyond the limit, and gives back only its own', () => {
  const { started, occupy, add, release } = queueOf(1, 5);
  occupy('old1');
  occupy('old2');
  add('new');
  release('old1');
  expect(started).toEqual(['old1', 'old2']);
  release('old2');
  expect(started).toEqual(['old1', 'old2', 'new']);
});

test('a paused queue starts nothing', () => {
  const { queue, started, add, release } = queueOf(1, 5);
  add('a', 'b');
  queue.pause();
  release('a');
  add('c');
  expect(started).toEqual(['a']);
  expect(queue.queued).toBe(2);
});

test('a run that was taken out is not started', () => {
  const { started, add, remove, release } = queueOf(1, 5);
  add('a', 'b', 'c');
  expect([remove('b'), remove('b'), remove('a')]).toEqual([true, false, false]);
  release('a');
  expect(started).toEqual(['a', 'c']);
});

test('it tells the place of each that waits, and who works, the oldest first', () => {
  const { queue, add, occupy, remove, release, places } = queueOf(2, 9);
  add('a', 'b', 'c', 'd', 'e', 'f');
  expect(places('a', 'b', 'c', 'd', 'e', 'f')).toEqual([null, null, 1, 2, 3, 4]);
  expect(queue.holders).toEqual(['a', 'b']);
  remove('d');
  expect(places('c', 'd', 'e', 'f')).toEqual([1, null, 2, 3]);
  release('a');
  expect(places('c', 'd', 'e', 'f')).toEqual([null, null, 1, 2]);
  expect(queue.holders).toEqual(['b', 'c']);
  for (let n = 0; n < 20; n++) occupy(`more${n}`);
  expect(queue.holders).toHaveLength(10);
  expect(queue.holders.slice(0, 3)).toEqual(['b', 'c', 'more0']);
});

test('a run that ends does not free the place of one that has its id by now', () => {
  const { queue, started, add, occupy } = queueOf(1, 5);
  const old = { id: 'same' };
  queue.occupy(old);
  occupy('same');
  add('next');
  queue.release(old);
  expect([queue.running, started]).toEqual([1, ['same', 'same']]);
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
