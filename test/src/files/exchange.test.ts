import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { unpackInto } from '../../../src/files/exchange.ts';
import { forgetSyncs, noteSyncs } from '../../helpers/noted-syncs.ts';

let place: string;
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'runwire-exchange-'));
});
afterEach(() => {
  forgetSyncs();
  rmSync(place, { recursive: true, force: true });
});

test.each([true, false])(
  'what an archive brings is on the disk before it has its place: sync %s',
  async (sync) => {
    mkdirSync(join(place, 'from/d/e'), { recursive: true });
    for (const path of ['a', 'd/b', 'd/e/c']) writeFileSync(join(place, 'from', path), path, { mode: 0o200 });
    const bytes = execFileSync('tar', ['cC', join(place, 'from'), '.']);
    for (const name of ['root/d', 'beside']) mkdirSync(join(place, name), { recursive: true });
    const tree = {
      root: join(place, 'root'),
      beside: join(place, 'beside'),
      take: async () => {},
      isPrivate: () => false,
    };
    const paths = noteSyncs();
    const came = await unpackInto(tree, [], Readable.from([bytes]), {
      caps: { bytes: 1e6, files: 100 },
      sync,
    });
    forgetSyncs();
    expect(came).toEqual({ files: 3, bytes: 9 });
    expect(readFileSync(join(place, 'root/d/e/c'), 'utf8')).toBe('d/e/c');
    const names = paths.map((path) => path.replace(/^.*\/beside\/[^/]+\/tree/, 'tree').replace(place, ''));
    const staged = names.filter((name) => name.startsWith('tree'));
    const expected = ['tree/a', 'tree/d/b', 'tree/d/e/c', 'tree', 'tree/d', 'tree/d/e'];
    expect(staged.toSorted()).toEqual(sync ? expected.toSorted() : []);
    // Only then the directories that have new names in them.
    expect(new Set(names.slice(staged.length))).toEqual(new Set(sync ? ['/root', '/root/d'] : []));
  },
);
