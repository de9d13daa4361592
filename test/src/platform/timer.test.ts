import { spawn } from 'node:child_process';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { afterMs, LONGEST_MS, nap, Timer, TooLate, within } from '../../../src/platform/timer.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

test('it calls back once, after the time and not before', () => {
  const call = vi.fn();
  afterMs(1500.5, call);
  vi.advanceTimersByTime(1500);
  expect(call).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  vi.advanceTimersByTime(10_000);
  expect(call).toHaveBeenCalledOnce();
});

test('more than a timer can count is waited for in parts', () => {
  const call = vi.fn();
  afterMs(LONGEST_MS * 2.5, call);
  vi.advanceTimersByTime(LONGEST_MS * 2.4);
  expect(call).not.toHaveBeenCalled();
  vi.advanceTimersByTime(LONGEST_MS * 0.2);
  expect(call).toHaveBeenCalledOnce();
});

test('it can be taken back at any time, also in a later part', () => {
  const call = vi.fn();
  afterMs(10, call)();
  const later = afterMs(LONGEST_MS * 2, call);
  vi.advanceTimersByTime(LONGEST_MS * 1.5);
  later();
  vi.advanceTimersByTime(LONGEST_MS);
  expect(call).not.toHaveBeenCalled();
  expect(vi.getTimerCount()).toBe(0);
});

test('a time that has gone by is now', () => {
  const call = vi.fn();
  afterMs(-5, call);
  vi.advanceTimersByTime(1);
  expect(call).toHaveBeenCalledOnce();
});

test('a timer that is set anew forgets what it was set to', () => {
  const first = vi.fn();
  const second = vi.fn();
  const timer = new Timer();
  timer.set(10, first);
  timer.set(LONGEST_MS * 2, second);
  vi.advanceTimersByTime(LONGEST_MS * 1.9);
  expect(second).not.toHaveBeenCalled();
  vi.advanceTimersByTime(LONGEST_MS * 0.2);
  expect(second).toHaveBeenCalledOnce();
  expect(first).not.toHaveBeenCalled();
});

test('a timer knows when it is due, until then or until it is cleared', () => {
  const call = vi.fn();
  const timer = new Timer();
  expect(timer.due).toBeNull();
  timer.set(10, call);
  expect(timer.due).toBe(performance.now() + 10);
  timer.clear();
  expect(timer.due).toBeNull();
  vi.advanceTimersByTime(10);
  expect(call).not.toHaveBeenCalled();
  timer.set(10, () => call(timer.due));
  vi.advanceTimersByTime(10);
  expect(call).toHaveBeenCalledExactlyOnceWith(null);
});

test('a nap ends after its time, however long, or when its signal aborts or has aborted, and leaves nothing', async () => {
  const leaving = new AbortController();
  const rested = vi.fn();
  const nap1 = nap(LONGEST_MS * 1.5, leaving.signal).then(rested);
  await vi.advanceTimersByTimeAsync(LONGEST_MS * 1.4);
  expect(rested).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(LONGEST_MS * 0.2);
  await nap1;
  const nap2 = nap(1000, leaving.signal);
  leaving.abort();
  await nap2;
  await nap(1000, leaving.signal);
  expect(vi.getTimerCount()).toBe(0);
});

test('what is to come within a time is told when it is too late, or why not to wait, and nothing is left', () => {
  const leaving = new AbortController();
  const late = within(LONGEST_MS * 1.5, leaving.signal);
  vi.advanceTimersByTime(LONGEST_MS * 1.4);
  expect(late.signal.aborted).toBe(false);
  vi.advanceTimersByTime(LONGEST_MS * 0.2);
  expect(late.signal.reason).toBeInstanceOf(TooLate);
  const done = within(10, leaving.signal);
  done.done();
  const left = within(10, leaving.signal);
  leaving.abort('why');
  expect([left.signal.reason, done.signal.aborted]).toEqual(['why', false]);
  left.done();
  expect(within(10, leaving.signal).signal.reason).toBe('why');
});

test('a process that stood still hears what came meanwhile before it says that a time is over', async () => {
  vi.useRealTimers();
  const told: string[] = [];
  const talker = spawn('sh', ['-c', 'read line; echo in time'], { stdio: ['pipe', 'pipe', 'ignore'] });
  await new Promise((begun) => talker.once('spawn', begun));
  talker.stdout.once('data', () => told.push('heard'));
  const over = new Promise<void>((resolve) => {
    afterMs(20, () => {
      told.push('over');
      resolve();
    });
  });
  await new Promise((written) => talker.stdin.write('\n', written));
  for (const until = performance.now() + 1500; performance.now() < until; );
  await over;
  expect(told).toEqual(['heard', 'over']);
});
