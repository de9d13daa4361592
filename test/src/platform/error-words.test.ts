import { expect, test } from 'vitest';
import { codeOf, messageOf } from '../../../src/platform/error-words.ts';

test('whatever is thrown has words', () => {
  expect([new TypeError('why'), 'why', 7, null, undefined].map(messageOf)).toEqual([
    'why',
    'why',
    '7',
    'null',
    'undefined',
  ]);
});

test('an error is called what the system calls it', () => {
  expect(codeOf(Object.assign(new Error('no space'), { code: 'ENOSPC' }))).toBe('ENOSPC');
});

test('what has no name has none: the numbers of DOMException are not told as one', () => {
  const timedOut = new DOMException('too late', 'TimeoutError');
  expect(timedOut.code).toBe(23);
  expect([timedOut, new Error('why'), 'ENOSPC', null, undefined].map(codeOf)).toEqual(
    Array(5).fill(undefined),
  );
});
