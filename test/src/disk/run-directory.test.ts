import fc from 'fast-check';
import { expect, test } from 'vitest';
import { directoryName } from '../../../src/disk/run-directory.ts';
import { uuidV7 } from '../../../src/platform/uuid-v7.ts';
import { NASTY_IDS, rxpId } from '../../helpers/rxp-ids.ts';

test('an id that the server made is its own name', () => {
  const id = uuidV7();
  expect(directoryName(id)).toBe(id);
});

test('no two ids have one name, whatever a file system folds, and no name is a path', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.oneof(rxpId, fc.constantFrom(...NASTY_IDS)), { maxLength: 50 }), (ids) => {
      const names = ids.map(directoryName);
      for (const name of names) expect(name).toMatch(/^[a-z0-9_][a-z0-9-]{0,64}$/);
      expect(new Set(names).size).toBe(ids.length);
    }),
  );
});

test('an id that looks like the name of another is not its name', () => {
  expect(directoryName(directoryName('a/b'))).not.toBe(directoryName('a/b'));
});
