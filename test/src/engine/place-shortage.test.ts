import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { PlaceShortage } from '../../../src/engine/place-shortage.ts';
import { RunQueue } from '../../../src/engine/queue.ts';

let lines: { level: string; message: string; facts: object }[];
let queue: RunQueue<{ id: string }>;
let shortage: PlaceShortage;
const runs = Array.from({ length: 6 }, (_, n) => ({ id: `r${n}` }));

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] });
  lines = [];
  const line = (level: string) => (facts: object, message: string) =>
    void lines.push({ level, message, facts });
  queue = new RunQueue({ concurrent: 2, waiting: 10 }, () => {});
  shortage = new PlaceShortage('programs', queue, { info: line('info'), warn: line('warn') });
});
afterEach(() => {
  vi.useRealTimers();
});

const run = (n: number) => runs[n] as { id: string };
const add = (...ns: number[]) => {
  for (const n of ns) queue.add(run(n));
  shortage.look();
};
const release = (n: number) => {
  queue.release(run(n));
  shortage.look();
};
const told = () => lines.map(({ level }) => level);

test('runs that wait long are told of once, and once when none waits any more', () => {
  add(0, 1, 2, 3);
  vi.advanceTimersByTime(4_900);
  expect(lines).toEqual([]);
  vi.advanceTimersByTime(60_000);
  add(4);
  vi.advanceTimersByTime(60_000);
  expect(lines).toEqual([
    {
      level: 'warn',
      message: 'all 2 places of programs are taken (RUNWIRE_MAX_CONCURRENT), and runs wait',
      facts: { waiting: 2, holders: ['r0', 'r1'] },
    },
  ]);
  for (const n of [0, 1, 2]) release(n);
  expect(told()).toEqual(['warn', 'info']);
  add(5);
  vi.advanceTimersByTime(10_000);
  expect(told()).toEqual(['warn', 'info', 'warn']);
});

test('a line that moves is no shortage, however long there is one, and ends one', () => {
  add(0, 1, 2);
  for (let n = 3; n < 60; n++) {
    const next = { id: `m${n}` };
    runs[n] = next;
    vi.advanceTimersByTime(1000);
    add(n);
    release(n - 3);
  }
  expect(lines).toEqual([]);
  vi.advanceTimersByTime(10_000);
  expect(told()).toEqual(['warn']);
  for (let n = 60; n < 75; n++) {
    runs[n] = { id: `m${n}` };
    add(n);
    release(n - 3);
    vi.advanceTimersByTime(1000);
  }
  expect(told()).toEqual(['warn', 'info']);
});

test('places that are taken while nobody waits are no shortage, and a server that stops says nothing', () => {
  add(0, 1);
  vi.advanceTimersByTime(60_000);
  add(2);
  shortage.stop();
  vi.advanceTimersByTime(60_000);
  expect(lines).toEqual([]);
});
