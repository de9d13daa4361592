import { expect, test } from 'vitest';
import { PathBelow } from '../../../src/documents/asset-use.ts';

test.each([
  ['/workspace/model.bin', 'must be a relative path, and begins with a slash'],
  ['./model.bin', 'must be a relative path without ./ before it'],
  ['out/curves/', 'must not end with a slash, of a directory neither'],
  ['out//model.bin', 'must be a relative path, without empty parts, . or ..'],
  ['../model.bin', 'must be a relative path, without empty parts, . or ..'],
])('%s is no path below another, in words that say what to change', (path, words) => {
  expect(PathBelow.safeParse(path).error?.issues.map(({ message }) => message)).toEqual([words]);
});
