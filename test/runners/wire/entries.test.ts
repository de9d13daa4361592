import { expect, test } from 'vitest';
import { checkSpec, HttpSpec } from '../../../runners/wire/spec.ts';

const many = (count: number): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [`n${at}`, 'v']));

test.each([
  ['headers', 1000],
  ['query', 10_000],
])('%s may have %i entries', (field, most) => {
  const check = (count: number) => () =>
    checkSpec(HttpSpec, { url: 'http://127.0.0.1/', [field]: many(count) }, 'http');
  expect(check(most)).not.toThrow();
  expect(check(most + 1)).toThrow(`options.http.${field}: has more than ${most} entries`);
});
