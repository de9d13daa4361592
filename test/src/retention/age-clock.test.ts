import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ageClock } from '../../../src/retention/age-clock.ts';

const HOUR = 3_600_000;
const NOON = Date.parse('2026-01-01T12:00:00Z');

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date', 'performance'], now: NOON });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Time goes by, on both clocks. */
const pass = (ms: number): void => void vi.advanceTimersByTime(ms);
/** Somebody sets the wall clock; the other goes on. */
const set = (ms: number): void => void vi.setSystemTime(Date.now() + ms);

test('time that goes by is told by the wall clock', () => {
  const now = ageClock(HOUR);
  for (let n = 0; n < 10; n++) {
    pass(HOUR);
    expect(now()).toBe(Date.now());
  }
});

test('a clock set forward makes nothing old that was there before', () => {
  const now = ageClock(2 * HOUR);
  const finishedAt = Date.now();
  pass(HOUR);
  set(5 * HOUR);
  expect(now() - finishedAt).toBe(HOUR);
  pass(HOUR / 2);
  expect(now() - finishedAt).toBe(1.5 * HOUR);
});

test('once all that was there before is old anyway, the wall clock counts again', () => {
  const now = ageClock(2 * HOUR);
  set(5 * HOUR);
  now();
  pass(1.9 * HOUR);
  expect(now()).toBe(Date.now() - 5 * HOUR);
  pass(0.2 * HOUR);
  expect(now()).toBe(Date.now());
});

test('a clock set back makes nothing old either, nor does one that is set forward again', () => {
  const now = ageClock(2 * HOUR);
  const before = Date.now();
  set(-3 * HOUR);
  pass(1000);
  expect(now() - before).toBeLessThan(1000);
  const between = Date.now();
  set(3 * HOUR);
  pass(1000);
  expect(now() - before).toBeLessThan(HOUR);
  expect(now() - between).toBeLessThan(HOUR);
});

test('a clock that is slewed is no step', () => {
  const now = ageClock(HOUR);
  pass(30_000);
  set(15);
  expect(now()).toBe(Date.now());
});
