import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { type Pack, pack } from 'tar-stream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { CopyOut } from '../../../runners/docker/copy-out.ts';
import type { DockerDaemon } from '../../../runners/docker/daemon.ts';
import { PrivatePlaces } from '../../../src/disk/private-places.ts';

let dir: string;
beforeEach(() => {
  dir = fs.mkdtempSync(join(tmpdir(), 'runwire-copy-out-'));
  fs.mkdirSync(join(dir, 'data/runs/mine/work'), { recursive: true });
  fs.writeFileSync(join(dir, 'data/callback.key'), 'key');
});
afterEach(() => fs.rmSync(dir, { recursive: true, force: true }));

async function bytesOf(tar: Pack): Promise<Buffer[]> {
  const chunks: Buffer[] = [];
  for await (const chunk of tar as AsyncIterable<Buffer>) chunks.push(chunk);
  return chunks;
}

/** A daemon whose container has one file, `callback.key`. */
async function engineWithKey(): Promise<DockerDaemon> {
  const tar = pack();
  tar.entry({ name: 'out/', type: 'directory' });
  tar.entry({ name: 'out/callback.key' }, 'forged');
  tar.finalize();
  const chunks = await bytesOf(tar);
  return { ask: async () => Readable.from(chunks) } as unknown as DockerDaemon; // nothing else of it is asked for
}

/** What was left out of a copy to `to`. */
async function copied(to: string): Promise<string[]> {
  const places = new PrivatePlaces(join(dir, 'data')).look({ work: join(dir, 'data/runs/mine/work') });
  const copying = new CopyOut({ fileBytes: 1000, totalBytes: 1000, count: 10 }, places);
  await copying.copy({ daemon: await engineWithKey(), id: 'c', from: '/out', to, globs: null });
  return copying.omitted.map(({ path, reason }) => `${path}: ${reason}`);
}

test('files of a container are copied to the own scratch directory, and not over the data of the server', async () => {
  const link = join(dir, 'link');
  fs.symlinkSync('data', link);
  expect(await copied(link)).toEqual([`${link}: holds the data of the server`]);
  expect(fs.readFileSync(join(dir, 'data/callback.key'), 'utf8')).toBe('key');
  const work = join(dir, 'data/runs/mine/work');
  expect(await copied(work)).toEqual([]);
  expect(fs.readFileSync(join(work, 'callback.key'), 'utf8')).toBe('forged');
});

/** A daemon whose container has these entries in `/out`, and nothing that is asked for by its own name. */
function engineWith(entries: [name: string, content: string, type?: 'symlink' | 'link'][]): DockerDaemon {
  return {
    ask: async () => {
      const tar = pack();
      tar.entry({ name: 'out/', type: 'directory' });
      for (const [name, content, type] of entries)
        if (type) tar.entry({ name: `out/${name}`, type, linkname: content });
        else tar.entry({ name: `out/${name}` }, content);
      tar.finalize();
      return Readable.from(await bytesOf(tar));
    },
  } as unknown as DockerDaemon; // nothing else of it is asked for
}

test('a link or a second name is never one of a file that was here before', async () => {
  const work = join(dir, 'data/runs/mine/work');
  fs.writeFileSync(join(work, 'here'), 'of this machine');
  const places = new PrivatePlaces(join(dir, 'data')).look({ work });
  const copying = new CopyOut({ fileBytes: 1000, totalBytes: 1000, count: 10 }, places);
  const daemon = engineWith([
    ['soft', 'here', 'symlink'],
    ['hard', 'out/here', 'link'],
    // Read by its words it stays inside; by the link on its way it does not.
    ['a/b/s', '/out/a', 'symlink'],
    ['a/b/escape', 's/../../x', 'symlink'],
    ['a/real', 'real'],
    ['good', 'a/b/s/real', 'symlink'],
  ]);
  await copying.copy({ daemon, id: 'c', from: '/out', to: work, globs: null });
  expect(copying.omitted.map(({ path, reason }) => `${path}: ${reason}`)).toEqual([
    '/out/hard: another name of a file that was not copied',
    '/out/soft: a symbolic link to what was not copied',
    '/out/a/b/s: a symbolic link to what was not copied',
    '/out/a/b/escape: a symbolic link out of the directory',
  ]);
  expect(fs.readlinkSync(join(work, 'good'))).toBe('a/real');
  expect(fs.readdirSync(work).sort()).toEqual(['a', 'good', 'here']);
});
