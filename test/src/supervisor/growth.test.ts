import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Growth } from '../../../src/supervisor/growth.ts';

function told() {
  const runs: string[] = [];
  return { runs, growth: new Growth((run) => runs.push(run)) };
}

test('what grows after a pause is told of in the same turn, once, however often it grew', async () => {
  const { runs, growth } = told();
  for (let times = 0; times < 5; times++) growth.grew('a');
  growth.grew('b');
  expect(runs).toEqual([]);
  await nextTurn();
  expect(runs).toEqual(['a', 'b']);
});

test('what grows on and on is told of now and then, and the last of it always', async () => {
  const { runs, growth } = told();
  let grown = 0;
  for (const end = performance.now() + 50; performance.now() < end; grown++) {
    growth.grew('a');
    await nextTurn();
  }
  const before = runs.length;
  expect(before).toBeGreaterThan(1);
  expect(before).toBeLessThan(grown / 2);
  growth.grew('a');
  await sleep(50);
  expect(runs.length).toBeGreaterThan(before);
});

test('one that grows on and on does not delay another', async () => {
  const { runs, growth } = told();
  growth.grew('a');
  await nextTurn();
  growth.grew('a');
  growth.grew('b');
  await nextTurn();
  expect(runs).toEqual(['a', 'b']);
  await sleep(50);
  expect(runs).toEqual(['a', 'b', 'a']);
});
