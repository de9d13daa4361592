import { expect, test } from 'vitest';
import { LiveSessions } from '../../../src/sessions/live.ts';

test('Those in which nothing goes on are forgotten, and who waits for one hears only of what has changed in it', async () => {
  const all = new LiveSessions();
  const idle = all.get('idle');
  const used = all.get('used');
  used.runs.add('run');
  const waited = all.get('waited').next();
  const asked = all.get('asked');
  asked.askedAt = performance.now();
  all.forget();
  expect(['idle', 'used', 'waited', 'asked'].map((id) => all.peek(id) !== undefined)).toEqual([
    ...[false, true, true, true],
  ]);
  let told = false;
  void waited.then(() => {
    told = true;
  });
  await Promise.resolve();
  expect(told).toBe(false);
  all.changed(all.get('waited'));
  expect(await waited).toBe(true);
  used.runs.delete('run');
  all.changed(used);
  expect([all.peek('used'), all.get('idle') === idle]).toEqual([undefined, false]);
});
