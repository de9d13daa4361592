import fs from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Hands } from '../../src/snapshots/hands.ts';
import { requires } from '../helpers/require.ts';
import { NOTHING_PRIVATE } from '../helpers/tree-room.ts';
import { SmallDisk } from './small-disk.ts';

requires(
  'linux',
  'root',
  'mount',
)('Trees on a disk that fills up', () => {
  let disk: SmallDisk;
  let hands: Hands;
  let job: { root: string; index: string; seen: typeof NOTHING_PRIVATE };

  beforeEach(() => {
    disk = new SmallDisk(8 * 1024 * 1024);
    hands = new Hands(join(disk.path, 'data'));
    job = { root: join(disk.path, 'tree'), index: join(disk.path, 'index'), seen: NOTHING_PRIVATE };
    fs.mkdirSync(job.root);
    for (let at = 0; at < 300; at++) fs.writeFileSync(join(job.root, `f${at}`), `${at}`.padStart(8192, 'x'));
  });
  afterEach(async () => {
    await hands.close();
    disk[Symbol.dispose]();
  });

  test('a capture is told so, nothing half of it is kept, and it goes well when there is room again', async () => {
    disk.fill(400_000);
    await expect(hands.capture(job)).rejects.toMatchObject({ code: 'insufficient_storage', status: 507 });
    expect(fs.readdirSync(join(disk.path, 'data/contents/new'))).toEqual([]);
    disk.clear();
    expect((await hands.capture(job)).files).toBe(300);
  });

  test('a restore leaves the tree as it is, and goes well when there is room again', async () => {
    const { digest } = await hands.capture(job);
    for (let at = 0; at < 300; at++) fs.writeFileSync(join(job.root, `f${at}`), 'new');
    disk.fill(400_000);
    let staged = 0;
    const restore = () =>
      hands.restore({
        ...{ ...job, beside: join(disk.path, 'beside'), digest, mode: 'exact' },
        onStaged: async () => void staged++,
      });
    await expect(restore()).rejects.toMatchObject({ code: 'insufficient_storage' });
    expect(staged).toBe(0);
    for (let at = 0; at < 300; at++) expect(fs.readFileSync(join(job.root, `f${at}`), 'utf8')).toBe('new');
    disk.clear();
    await restore();
    expect((await hands.capture({ ...job, index: job.index })).digest).toBe(digest);
  });
});
