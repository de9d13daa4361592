import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { afterMs, LONGEST_MS } from '../../../src/platform/timer.ts';

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
