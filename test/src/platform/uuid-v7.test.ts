import { expect, test } from 'vitest';
import { madeHere, uuidV7 } from '../../../src/platform/uuid-v7.ts';

const VERSION_7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

test.each([
  ['Node', uuidV7],
  ['Runwire, where Node has none', madeHere()],
])('ids of %s are UUIDs of version 7 of the time', (_, make) => {
  const before = Date.now();
  const id = make();
  expect(id).toMatch(VERSION_7);
  const time = Number.parseInt(id.replace('-', '').slice(0, 12), 16);
  expect(time).toBeGreaterThanOrEqual(before);
  expect(time).toBeLessThanOrEqual(Date.now());
});

test('ids made here are in order and different, in one millisecond and when the clock goes back', () => {
  let time = 1_700_000_000_000;
  const make = madeHere(() => time);
  const ids = Array.from({ length: 5000 }, make);
  time -= 1000;
  ids.push(make());
  time += 5000;
  ids.push(make());
  expect(ids).toEqual([...new Set(ids)].sort());
  for (const id of ids) expect(id).toMatch(VERSION_7);
});
