import fc from 'fast-check';
import { expect, test } from 'vitest';
import { asFieldValue } from '../../../runners/wire/header.ts';
import { rxpId } from '../../helpers/rxp-ids.ts';

test.each([
  ['job-1:a.b_c', 'job-1:a.b_c'],
  ['a b', 'a%20b'],
  ['100%', '100%25'],
  ['é😀', '%C3%A9%F0%9F%98%80'],
])('%j is the field value %j', (text, value) => {
  expect(asFieldValue(text)).toBe(value);
});

test('any id is visible ASCII, and itself again', () => {
  fc.assert(
    fc.property(rxpId, (id) => {
      expect(asFieldValue(id)).toMatch(/^[\x21-\x7e]+$/);
      expect(decodeURIComponent(asFieldValue(id))).toBe(id);
    }),
  );
});
