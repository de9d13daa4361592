import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { discard } from '../../../src/files/discard.ts';
import { turnsDuring } from '../../helpers/turns.ts';

/** So many that their system calls alone take several slices, on a machine of any speed. */
const MANY = 20_000;

let place: string;
let root: string;
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'runwire-turns-'));
  root = join(place, 'root');
  for (const name of ['root', 'beside']) mkdirSync(join(place, name));
});
afterEach(() => rmSync(place, { recursive: true, force: true }));

test('others have their turns while one directory of many files is deleted', async () => {
  for (let n = 0; n < MANY; n++) writeFileSync(join(root, `f${n}`), '');
  const turns = await turnsDuring(() => discard(root, join(place, 'beside')));
  expect(readdirSync(place)).toEqual(['beside']);
  expect(turns).toBeGreaterThan(3);
});
