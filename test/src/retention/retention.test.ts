import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { applyRetention, type RetentionLimits, startRetention } from '../../../src/retention/retention.ts';
import { InvocationStore } from '../../../src/store/invocation-store.ts';
import { newRow } from '../../helpers/documents.ts';

let directory: string;
let store: InvocationStore;
const NOW = 1_000_000;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'runwire-retention-'));
  store = new InvocationStore(join(directory, 'runwire.db'));
});
afterEach(async () => {
  store.close();
  await rm(directory, { recursive: true, force: true });
});

function add(id: string, finishedAt: number | null, outputBytes = 10, pendingDelivery = false): void {
  store.insert(newRow(id, pendingDelivery ? { delivery: { delivery: '{}', secret: null } } : {}));
  if (finishedAt !== null) finish(id, finishedAt, outputBytes);
}

function finish(id: string, finishedAt: number, outputBytes = 10): void {
  store.finish(id, { status: 'failed', finishedAt, result: '{}', outcome: '{}', outputBytes });
}

function options(limits: RetentionLimits, busy: string[] = []) {
  return {
    ...limits,
    store,
    now: () => NOW,
    isBusy: (id: string) => busy.includes(id),
    removeRun: async (id: string) => void store.remove(id),
  };
}
const left = () =>
  store
    .list({ limit: 1000 })
    .rows.map(({ id }) => id)
    .reverse()
    .join(' ');

test('runs that finished longer ago than the age are removed, however old the others are', async () => {
  add('waiting', null);
  add('old', NOW - 60_001);
  add('new', NOW - 60_000);
  expect(await applyRetention(options({ seconds: 60 }))).toBe(1);
  expect(left()).toBe('waiting new');
});

test('the runs that finished first go first, in whatever order they were accepted', async () => {
  for (const id of ['c', 'a', 'b']) add(id, null);
  for (const [id, at] of [
    ['a', 10],
    ['b', 20],
    ['c', 30],
  ] as const)
    finish(id, at);
  await applyRetention(options({ count: 1 }));
  expect(left()).toBe('c');
});

test('so they do when the clock was set back in between, and after a restart', async () => {
  add('before', NOW);
  add('after', NOW - 3_600_000);
  store.close();
  store = new InvocationStore(join(directory, 'runwire.db'));
  add('last', NOW - 3_500_000);
  await applyRetention(options({ count: 2 }));
  expect(left()).toBe('after last');
});

test('the sum of bytes comes down to the bound and no further', async () => {
  for (const [id, at] of [
    ['a', 1],
    ['b', 2],
    ['c', 3],
  ] as const)
    add(id, at, 100);
  await applyRetention(options({ bytes: 200 }));
  expect(left()).toBe('b c');
  await applyRetention(options({ bytes: 0 }));
  expect(left()).toBe('');
});

test('a run that is read, and one whose result is still to be delivered, are passed over for the next', async () => {
  add('read', 1);
  add('undelivered', 2, 10, true);
  add('a', 3);
  add('b', 4);
  await applyRetention(options({ count: 3 }, ['read']));
  expect(left()).toBe('read undelivered b');
  await applyRetention(options({ count: 0 }));
  expect(left()).toBe('undelivered');
});

test('a run that cannot be removed is reported and the others go on, over many batches', async () => {
  for (let at = 0; at < 100; at++) add(`r${at}`, 1);
  const failed: string[] = [];
  const removed = await applyRetention({
    ...options({ count: 0 }),
    removeRun: async (id) => {
      if (id === 'r3') throw new Error('busy disk');
      store.remove(id);
    },
    onError: (id) => failed.push(id),
  });
  expect([removed, failed, left()]).toEqual([99, ['r3'], 'r3']);
});

test('runs are removed together, not each after the one before, and no more than must go', async () => {
  for (let at = 0; at < 20; at++) add(`r${at}`, at);
  let under = 0;
  let most = 0;
  const removed = await applyRetention({
    ...options({ count: 3 }),
    removeRun: async (id) => {
      most = Math.max(most, ++under);
      await new Promise((resolve) => setTimeout(resolve, 1));
      store.remove(id);
      under--;
    },
  });
  expect([removed, left()]).toEqual([17, 'r17 r18 r19']);
  expect(most).toBe(17);
});

test('without a limit nothing runs', async () => {
  add('a', 1);
  const retention = startRetention({ ...options({ seconds: null }), intervalMs: 1 });
  await new Promise((resolve) => setTimeout(resolve, 20));
  await retention.stop();
  expect(left()).toBe('a');
});

test('it is applied again and again until it is stopped, and stop waits for the removal under way', async () => {
  const removed = Promise.withResolvers<void>();
  let under = 0;
  add('a', 1);
  const retention = startRetention({
    ...options({ count: 0 }),
    intervalMs: 1,
    removeRun: async (id) => {
      under++;
      await new Promise((resolve) => setImmediate(resolve));
      store.remove(id);
      under--;
      if (id === 'b') removed.resolve();
    },
  });
  add('b', 2);
  await removed.promise;
  add('c', 3);
  await retention.stop();
  expect(under).toBe(0);
  add('d', 4);
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(left()).toMatch(/d$/);
});
