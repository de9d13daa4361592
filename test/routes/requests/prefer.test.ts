import { expect, test } from 'vitest';
import { preference } from '../../../routes/requests/prefer.ts';

test.each([
  ['wait=5', '5'],
  ['wait=5, respond-async', '5'],
  ['respond-async, wait = "5"', '5'],
  ['respond-async,WAIT=5', '5'],
  ['wait=5; foo=bar', '5'],
  ['wait=5 ; foo="a, wait=9"; x', '5'],
  [', ,wait=5,', '5'],
  ['foo="a, wait=9", wait=5', '5'],
  ['foo="a\\", wait=9", wait=5', '5'],
  // The first counts (RFC 7240, 2), whatever it says.
  ['wait=5, wait=9', '5'],
  ['wait=soon, wait=9', 'soon'],
  ['wait, wait=9', ''],
  ['wait=, wait=9', ''],
  ['wait=""', ''],
  // A parameter is no preference, nor is a part of a name or of a string.
  ['foo=bar; wait=9', undefined],
  ['foo; wait=9', undefined],
  ['await=9', undefined],
  ['foo="wait=9"', undefined],
  ['', undefined],
  [undefined, undefined],
])('Prefer: %s says wait %j', (header, value) => {
  expect(preference(header, 'wait')).toBe(value);
});
