import { expect, test } from 'vitest';
import { stubApp } from '../../helpers/stub-app.ts';

const many = (count: number, name = 'n', value: unknown = '1'): Record<string, unknown> =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [`${name}${at}`, value]));
const run = { runtime_kind: 'subprocess', command: ['true'] };
const calling = (body: unknown) => ({
  runtime_kind: 'http',
  options: { http: { url: 'http://127.0.0.1:9', body } },
});

test.each([
  ['/invocations', { ...run, metadata: many(10_000) }, null],
  ['/invocations', { ...run, metadata: many(10_001) }, 'metadata: has more than 10000 entries'],
  ['/invocations', { ...run, environment: many(10_001) }, 'environment: has more than 10000 entries'],
  ['/workspaces', { metadata: many(10_001) }, 'metadata: has more than 10000 entries'],
  ['/invocations', calling(many(90_000)), null],
  ['/invocations', calling(many(100_000)), 'has more than 100000 names'],
  ['/invocations', calling(many(10_001, '\n')), 'has more than 10000 names with an escape in them'],
  ['/invocations', calling(Array(100_000).fill([])), 'has more than 100000 lists and objects'],
  ['/invocations', { ...run, metadata: { a: '\n'.repeat(2_000_000) } }, null],
  [
    '/invocations',
    { ...run, metadata: { a: '\n'.repeat(2_000_001) } },
    'has more than 2000000 escapes in its texts',
  ],
])('what a body of %s may have at most: %#', async (url, payload, words) => {
  await using stub = stubApp({ maxBodyBytes: 5 * 1024 * 1024 });
  const answer = await stub.app.inject({ method: 'POST', url, payload });
  if (words === null) expect(answer.json().detail ?? '').not.toMatch(/more than/);
  else expect([answer.statusCode, answer.json().detail]).toEqual([422, words]);
});

test.each([100_001, 12_000_000])(
  'a number of %s digits is refused, also where digits are kept',
  async (digits) => {
    await using stub = stubApp({ maxBodyBytes: 16 * 1024 * 1024 });
    const number = '1'.repeat(digits);
    for (const payload of [
      `{"runtime_kind":"subprocess","command":["true"],"timeout_seconds":${number}}`,
      `{"runtime_kind":"http","options":{"http":{"url":"http://127.0.0.1:9","body":${number}}}}`,
    ]) {
      const headers = { 'content-type': 'application/json' };
      const answer = await stub.app.inject({ method: 'POST', url: '/invocations', headers, payload });
      expect([answer.statusCode, answer.json().detail]).toEqual([
        422,
        'has a number of more than 100000 characters',
      ]);
    }
  },
);
