import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pack } from 'tar-stream';
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

/** An daemon whose container has one file, `callback.key`. */
async function engineWithKey(): Promise<DockerDaemon> {
  const tar = pack();
  tar.entry({ name: 'out/', type: 'directory' });
  tar.entry({ name: 'out/callback.key' }, 'forged');
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar as AsyncIterable<Buffer>) chunks.push(chunk);
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
