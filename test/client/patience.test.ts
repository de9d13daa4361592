import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { BusyError, ConnectionError, InvalidError } from '../../client/errors.ts';
import { Patience } from '../../client/patience.ts';
import { retryAfterSeconds } from '../../client/retry-after.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
afterEach(() => void vi.useRealTimers());
const lost = new ConnectionError('lost', { code: 'connection_lost' });

async function waited(patience: Patience, error: unknown): Promise<number> {
  const began = performance.now();
  const done = patience.after(error).then(() => performance.now() - began);
  await vi.runAllTimersAsync();
  return done;
}

test('it is not asked again before Retry-After', async () => {
  const busy = new BusyError('full', { code: 'queue_full', retryAfterSeconds: 7 });
  expect(await waited(new Patience(60), busy)).toBe(7000);
});

test('waits grow, up to 5 s, and begin anew when the server was there', async () => {
  const patience = new Patience(Number.POSITIVE_INFINITY);
  const waits: number[] = [];
  for (let n = 0; n < 12; n++) waits.push(await waited(patience, lost));
  for (const [n, ms] of waits.entries()) {
    const full = Math.min(5000, 100 * 2 ** n);
    expect([ms >= full / 2, ms <= full]).toEqual([true, true]);
  }
  patience.renew();
  expect(await waited(patience, lost)).toBeLessThanOrEqual(100);
});

test('patience ends, and what waiting does not help is not waited for', async () => {
  const patience = new Patience(1);
  const ended = (async () => {
    for (;;) await patience.after(lost);
  })();
  const seen = expect(ended).rejects.toBe(lost);
  await vi.runAllTimersAsync();
  await seen;
  const invalid = new InvalidError('no', { code: 'bad_request' });
  await expect(new Patience(60).after(invalid)).rejects.toBe(invalid);
});

test.each([
  [null, null],
  ['3', 3],
  [' 0 ', 0],
  ['Wed, 21 Oct 2026 07:28:10 GMT', 10],
  ['Wed, 21 Oct 2026 07:27:00 GMT', 0],
  ['soon', null],
  ['-1', null],
])('Retry-After: %s is %s s', (header, seconds) => {
  expect(retryAfterSeconds(header, Date.parse('2026-10-21T07:28:00Z'))).toBe(seconds);
});
