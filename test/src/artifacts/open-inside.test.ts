import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openInside, reasonOf } from '../../../src/artifacts/open-inside.ts';
import { PrivatePlaces } from '../../../src/disk/private-places.ts';
import { bytePath } from '../../../src/platform/byte-path.ts';

let dir: string;
beforeEach(() => {
  dir = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'runwire-open-')));
  fs.mkdirSync(join(dir, 'root/real'), { recursive: true });
  fs.mkdirSync(join(dir, 'root-beside'));
  for (const file of ['root/real/file', 'root-beside/file']) fs.writeFileSync(join(dir, file), '');
});
afterEach(() => fs.rmSync(dir, { recursive: true, force: true }));

async function opened(path: string, type: 'file' | 'directory' = 'file'): Promise<string> {
  try {
    const bounds = {
      root: bytePath(join(dir, 'root')),
      places: new PrivatePlaces(join(dir, 'root/data')).look(null),
      mounts: null,
    };
    const { handle } = await openInside(bounds, bytePath(join(dir, path)), type);
    await handle.close();
    return 'opened';
  } catch (error) {
    return reasonOf(error);
  }
}

test('what is under the root is opened', async () => {
  expect(await opened('root/real/file')).toBe('opened');
  expect(await opened('root/real', 'directory')).toBe('opened');
  expect(await opened('root', 'directory')).toBe('opened');
});

test('a parent that became a link to the outside does not lead there', async () => {
  fs.symlinkSync('../root-beside', join(dir, 'root/swapped'));
  fs.symlinkSync('real', join(dir, 'root/harmless'));
  expect(await opened('root/swapped/file')).toBe('leads out of the directory');
  expect(await opened('root-beside', 'directory')).toBe('leads out of the directory');
  expect(await opened('root/harmless/file')).toBe('opened');
});

test('what became a link, a FIFO or nothing since it was found is refused or opened without waiting', async () => {
  fs.symlinkSync('real/file', join(dir, 'root/link'));
  fs.symlinkSync('real', join(dir, 'root/directory'));
  execFileSync('mkfifo', [join(dir, 'root/fifo')]);
  expect(await opened('root/link')).toBe('became a symbolic link before it could be read');
  expect(await opened('root/directory', 'directory')).not.toBe('opened');
  expect(await opened('root/fifo')).toBe('opened');
  expect(await opened('root/nothing')).toBe('vanished before it could be read');
});
