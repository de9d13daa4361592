import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { PlainHash, sha256 } from '../../client/sha256.ts';

const bytes = Uint8Array.from({ length: 1000 }, (_, at) => (at * 7919) % 251);
const expected = (part: Uint8Array) => createHash('sha256').update(part).digest('hex');

test('a browser, which has no hash of parts, comes to the same', () => {
  for (let length = 0; length <= 300; length++) {
    const hash = new PlainHash();
    hash.update(bytes.subarray(0, length));
    expect(hash.digest()).toBe(expected(bytes.subarray(0, length)));
  }
});

test('in whatever parts they come', () => {
  for (const size of [1, 3, 55, 63, 64, 65, 127, 128, 500]) {
    const hashes = [new PlainHash(), sha256()];
    for (const hash of hashes)
      for (let at = 0; at < bytes.length; at += size) hash.update(bytes.subarray(at, at + size));
    expect(hashes.map((hash) => hash.digest())).toEqual([expected(bytes), expected(bytes)]);
  }
});
