import { expect, test } from 'vitest';
import { Waiters } from '../../../src/platform/waiters.ts';

test('all who wait are woken, once', async () => {
  const waiters = new Waiters();
  const waits = [waiters.next(), waiters.next({ ms: 60_000 })];
  waiters.wake();
  expect(await Promise.all(waits)).toEqual([true, true]);
  expect(waiters.size).toBe(0);
});

test('a wait ends after its time, and when its signal aborts or has aborted, and leaves nothing', async () => {
  const waiters = new Waiters();
  const leaving = new AbortController();
  expect(await waiters.next({ ms: 1 })).toBe(false);
  const wait = waiters.next({ signal: leaving.signal });
  leaving.abort();
  expect(await wait).toBe(false);
  expect(await waiters.next({ signal: leaving.signal })).toBe(false);
  expect(waiters.size).toBe(0);
});

test('who begins to wait while others are woken waits for the next time', async () => {
  const waiters = new Waiters();
  const order: string[] = [];
  const first = waiters.next().then(() => waiters.next().then(() => order.push('second')));
  waiters.wake();
  await new Promise((resolve) => setImmediate(resolve));
  expect(order).toEqual([]);
  waiters.wake();
  await first;
  expect(order).toEqual(['second']);
});
