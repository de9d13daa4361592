import { expect, test } from 'vitest';
import { isInside } from '../../../src/platform/inside.ts';

test.each([
  ['/a', '/a', true],
  ['/a', '/a/b', true],
  ['/a', '/a/b/c', true],
  ['/', '/', true],
  ['/', '/a', true],
  ['/a', '/ab', false],
  ['/a/b', '/a', false],
  ['/a', '/', false],
])('seen from %s, %s is inside: %s', (root, path, inside) => {
  expect(isInside(root, path)).toBe(inside);
});
