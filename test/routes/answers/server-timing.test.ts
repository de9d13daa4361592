import { expect, test } from 'vitest';
import { serverTiming } from '../../../routes/answers/server-timing.ts';

const record = (timings: object, decoys: object = {}) =>
  JSON.stringify({
    invocation: decoys,
    result: { metadata: decoys },
    outcome: { timings, omitted: [{ path: '"timings":{"x_ms":1}' }] },
    links: {},
  });

test('phases are told in their order, fractions too', () => {
  expect(serverTiming(record({ queue_ms: 0.25, spawn_ms: 1, run_ms: 1.5e21 }))).toBe(
    'queue;dur=0.25, spawn;dur=1, run;dur=1.5e+21',
  );
});

test('what a client names the same does not become a header', () => {
  const decoys = { timings: { evil_ms: 666 }, text: '"timings":{"evil_ms":666}' };
  expect(serverTiming(record({ run_ms: 3 }, decoys))).toBe('run;dur=3');
});

test('no timings, no header', () => {
  expect(serverTiming(record({}))).toBeNull();
  expect(serverTiming('{"outcome":null}')).toBeNull();
});
