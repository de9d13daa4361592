import { createHash, randomBytes } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Filling } from '../../../src/files/fill.ts';
import { Ledger } from '../../../src/files/ledger.ts';
import { Tree, TreeClosed } from '../../../src/files/tree.ts';
import { pieces } from '../../helpers/pieces.ts';

let place: string;
let tree: Tree;
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'runwire-fill-'));
  tree = new Tree(place);
});
afterEach(() => {
  tree.close();
  rmSync(place, { recursive: true, force: true });
});

const BLOCK = 512 * 1024;
const filling = () => new Filling(tree, new Ledger({ bytes: 100_000_000, files: 100 }));
const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

test('files of all lengths are what came, also where several come at the same time', async () => {
  const all = filling();
  const lengths = [0, 1, 65_536, 65_537, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, 5 * BLOCK + 7];
  const contents = lengths.map((length) => randomBytes(length));
  async function* slowly(bytes: Buffer): AsyncGenerator<Buffer> {
    for await (const piece of pieces(bytes, 60_001)) {
      await turn();
      yield piece;
    }
  }
  for (const round of [0, 1])
    await Promise.all(
      contents.map((bytes, index) =>
        all.file(
          { parts: [`${round}-${index}`], mode: 0o644 },
          round ? slowly(bytes) : pieces(bytes, 1_000_000),
        ),
      ),
    );
  for (const { path, sha256: sum } of all.files) {
    const bytes = contents[Number(path.slice(2))] as Buffer;
    expect([path, readFileSync(join(place, path)).equals(bytes)]).toEqual([path, true]);
    expect(sum).toBe(sha256(bytes));
  }
});

test('what is put in after it was given up lands nowhere, whoever has its descriptors by then', async () => {
  const others = mkdtempSync(join(tmpdir(), 'runwire-others-'));
  const gone = new Tree(place);
  const all = new Filling(gone, new Ledger({ bytes: 1000, files: 10 }));
  await all.file({ parts: ['d', 'a'], mode: 0o644 }, Buffer.from('a'));
  gone.close();
  gone.close();
  const taken = [0, 1, 2].map(() => openSync(others, 'r'));
  try {
    for (const parts of [['b'], ['d', 'b']])
      await expect(all.file({ parts, mode: 0o644 }, Buffer.from('b'))).rejects.toBeInstanceOf(TreeClosed);
    expect(() => gone.directory(['e'])).toThrow(TreeClosed);
    expect(() => gone.link(['l'], 'd')).toThrow(TreeClosed);
    expect(() => gone.hardLink(['h'], ['d', 'a'])).toThrow(TreeClosed);
    expect(readdirSync(others)).toEqual([]);
    expect(readdirSync(place)).toEqual(['d']);
  } finally {
    for (const fd of taken) closeSync(fd);
    rmSync(others, { recursive: true });
  }
});

test('contents are hashed where it is asked for', async () => {
  const some = filling();
  some.hashes = false;
  const bytes = randomBytes(100_000);
  await some.file({ parts: ['a'], mode: 0o644 }, pieces(bytes, 1000));
  await some.file({ parts: ['b'], mode: 0o644 }, Buffer.from('b'));
  await some.file({ parts: ['c'], mode: 0o644, hashed: true }, pieces(bytes, 1000));
  expect(some.files.map(({ sha256: sum }) => sum)).toEqual([null, null, sha256(bytes)]);
});

test('content that breaks off leaves no descriptor open, and the next file is what came', async () => {
  const open = (): number => readdirSync('/proc/self/fd').length;
  const all = filling();
  async function* broken(): AsyncGenerator<Buffer> {
    yield randomBytes(2 * BLOCK + 1);
    throw new Error('it broke off');
  }
  const before = open();
  await expect(all.file({ parts: ['a'], mode: 0o644 }, broken())).rejects.toThrow('it broke off');
  expect(open()).toBe(before);
  expect(all.files).toEqual([]);
  const bytes = randomBytes(3 * BLOCK);
  await all.file({ parts: ['b'], mode: 0o644 }, pieces(bytes, 100_000));
  expect(readFileSync(join(place, 'b')).equals(bytes)).toBe(true);
});
