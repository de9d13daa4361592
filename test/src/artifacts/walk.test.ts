import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Effort } from '../../../src/artifacts/effort.ts';
import { compileGlobs, startOf } from '../../../src/artifacts/glob.ts';
import { StopWalk, walkFiles } from '../../../src/artifacts/walk.ts';
import { PrivatePlaces } from '../../../src/disk/private-places.ts';
import { artifactFile } from '../../../src/disk/run-directory.ts';
import { bytePath } from '../../../src/platform/byte-path.ts';
import { collecting, DEFAULT_CAPS } from '../../helpers/collecting.ts';

const { places, collect, whole, kept } = collecting();

test('links: one to a file inside is collected, all others are left out and say why', async () => {
  fs.writeFileSync(join(places.dir, 'secret'), 'secret');
  fs.mkdirSync(join(places.out, 'real'));
  fs.writeFileSync(join(places.out, 'real/file'), 'inside');
  const links = {
    device: '/dev/zero',
    directory: 'real',
    file: 'real/file',
    loop: 'loop',
    nowhere: 'nothing',
    outside: '../../secret',
    outsideDirectory: '../..',
  };
  for (const [name, target] of Object.entries(links)) fs.symlinkSync(target, join(places.out, name));
  const { artifacts, omitted } = await whole();
  expect(artifacts.map(({ id }) => [id, kept(id)])).toEqual([
    ['file', 'inside'],
    ['real_file', 'inside'],
  ]);
  expect(omitted.map(({ path, reason }) => [path.slice(places.out.length + 1), reason])).toEqual([
    ['device', 'a symbolic link out of the directory'],
    ['directory', 'a symbolic link to a directory'],
    ['loop', 'a symbolic link that leads to itself'],
    ['nowhere', 'a symbolic link that leads nowhere'],
    ['outside', 'a symbolic link out of the directory'],
    ['outsideDirectory', 'a symbolic link out of the directory'],
  ]);
});

test('a glob does not go through a link to a directory, and says so', async () => {
  fs.symlinkSync(places.dir, join(places.wd, 'up'));
  fs.writeFileSync(join(places.dir, 'secret.txt'), 'secret');
  const { artifacts, omitted } = await collect(['**/*.txt', 'up/secret.txt']);
  expect(artifacts).toEqual([]);
  expect(omitted[0]).toEqual({ path: join(places.wd, 'up'), reason: 'a symbolic link to a directory' });
});

test('FIFOs, sockets and links to them are left out and do not hang', async () => {
  execFileSync('mkfifo', [join(places.out, 'fifo')]);
  fs.symlinkSync('fifo', join(places.out, 'link'));
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(join(places.out, 'socket'), resolve));
  const { artifacts, omitted } = await whole();
  await new Promise((resolve) => server.close(resolve));
  expect(artifacts).toEqual([]);
  expect(omitted).toEqual([
    { path: join(places.out, 'fifo'), reason: 'not a regular file: a FIFO' },
    { path: join(places.out, 'link'), reason: 'a symbolic link to a FIFO' },
    { path: join(places.out, 'socket'), reason: 'not a regular file: a socket' },
  ]);
});

test('a hard link to a file elsewhere is an ordinary file, unless the file is private to the server', async () => {
  fs.writeFileSync(join(places.dir, 'secrets.json'), 'secret');
  fs.linkSync(join(places.dir, 'secrets.json'), join(places.out, 'private'));
  fs.writeFileSync(join(places.dir, 'elsewhere'), 'x');
  fs.linkSync(join(places.dir, 'elsewhere'), join(places.out, 'hard'));
  const { artifacts, omitted } = await whole();
  expect(artifacts.map(({ id }) => kept(id))).toEqual(['x']);
  expect(omitted).toEqual([{ path: join(places.out, 'private'), reason: 'holds the data of the server' }]);
});

test('file names of any bytes are collected', async () => {
  const names = ['with space', 'new\nline', 'ünï-日本-😀.txt', '%2e%2e', '"quote"', '-'].map((name) =>
    Buffer.from(name),
  );
  names.push(
    Buffer.from([0xff, 0xfe, 0x2e, 0x74, 0x78, 0x74]),
    Buffer.from([0xff, 0xfd, 0x2e, 0x74, 0x78, 0x74]),
  );
  for (const name of names) fs.writeFileSync(Buffer.concat([Buffer.from(`${places.out}/`), name]), name);
  const { artifacts, omitted } = await whole();
  expect(omitted).toEqual([]);
  const found = artifacts.map(({ id }) => fs.readFileSync(artifactFile(places.run, id)).toString('latin1'));
  expect(found.sort()).toEqual(names.map((name) => name.toString('latin1')).sort());
  expect(artifacts.map(({ path }) => path)).toContain(`${places.out}/\ufffd\ufffd.txt`);
  const globbed = await collect(['out/*.txt']);
  expect(globbed.artifacts.map(({ mediaType }) => mediaType)).toEqual(Array(3).fill('text/plain'));
});

test('a tree with too many names is not walked to its end', async () => {
  for (let n = 0; n < 50; n++) fs.writeFileSync(join(places.out, `${n}`), '');
  expect((await collect(['**/none'], { caps: { ...DEFAULT_CAPS, entries: 51 } })).omitted).toEqual([
    { path: '**/none', reason: 'no file matches' },
  ]);
  expect((await collect(['**/none'], { caps: { ...DEFAULT_CAPS, entries: 50 } })).omitted).toEqual([
    { path: places.wd, reason: 'more than 50 names: the rest was not looked at' },
  ]);
});

test('unreadable files and directories are left out', async () => {
  fs.writeFileSync(join(places.out, 'a'), '', { mode: 0 });
  fs.mkdirSync(join(places.out, 'b'), { mode: 0 });
  fs.mkdirSync(join(places.out, 'c'), { mode: 0o755 });
  const { omitted } = await asNobody(() => whole());
  fs.chmodSync(join(places.out, 'b'), 0o700);
  expect(omitted).toEqual([
    { path: join(places.out, 'a'), reason: 'not readable: permission denied' },
    { path: join(places.out, 'b'), reason: 'not readable: permission denied' },
  ]);
});

/** Root may read everything: what root tests runs with the rights of another user. */
async function asNobody<T>(work: () => Promise<T>): Promise<T> {
  if (process.geteuid?.() !== 0) return work();
  fs.chmodSync(places.dir, 0o755);
  process.seteuid?.(65534);
  try {
    return await work();
  } finally {
    process.seteuid?.(0);
  }
}

test.each([
  ['the outside', 'outside', 'out'],
  ['the files of another run', 'data/runs/b/artifacts', ''],
])(
  'a directory that is swapped for a link to %s while it is read gives nothing away',
  async (_, target, from) => {
    const outside = join(places.dir, target);
    const artifactDirectory = from === '' ? places.dir : places.out;
    fs.mkdirSync(outside, { recursive: true });
    fs.mkdirSync(join(places.out, 'd'));
    for (let n = 0; n < 20; n++) {
      fs.writeFileSync(join(outside, `${n}`), 'secret');
      fs.writeFileSync(join(places.out, 'd', `${n}`), 'inside');
    }
    fs.symlinkSync(outside, join(places.out, 'l'));
    let swapping = true;
    const swapper = (async () => {
      while (swapping) {
        fs.renameSync(join(places.out, 'd'), join(places.out, 't'));
        fs.renameSync(join(places.out, 'l'), join(places.out, 'd'));
        await new Promise(setImmediate);
        fs.renameSync(join(places.out, 'd'), join(places.out, 'l'));
        fs.renameSync(join(places.out, 't'), join(places.out, 'd'));
        await new Promise(setImmediate);
      }
    })();
    for (let n = 0; n < 30; n++) {
      const { artifacts } = await whole({ artifactDirectory });
      for (const { id } of artifacts) expect(kept(id)).toBe('inside');
    }
    swapping = false;
    await swapper;
  },
);

test('an artifact directory that leads elsewhere than before the run is not collected', async () => {
  fs.writeFileSync(join(places.dir, 'secret'), '');
  const roots = { working: null, artifact: fs.realpathSync(places.out) };
  fs.rmdirSync(places.out);
  fs.symlinkSync(places.dir, places.out);
  expect(await whole({ roots })).toMatchObject({
    artifacts: [],
    omitted: [{ path: places.out, reason: 'was replaced while the run went on' }],
    bytes: 0,
  });
  fs.rmSync(places.out);
  expect((await whole({ roots })).omitted).toEqual([{ path: places.out, reason: 'does not exist' }]);
});

test('the data of the server is not collected, a scratch directory is', async () => {
  fs.mkdirSync(places.run.work, { recursive: true });
  fs.writeFileSync(places.run.stdout, 'captured');
  fs.writeFileSync(join(places.run.work, 'made'), 'made');
  const all = await collect([], { artifactDirectory: places.dir });
  expect(all).toMatchObject({
    artifacts: [],
    omitted: [{ path: join(places.dir, 'data'), reason: 'holds the data of the server' }],
  });
  const own = { artifactDirectory: places.run.root, roots: { working: null, artifact: null } };
  expect((await collect([], own)).omitted).toEqual([
    { path: places.run.root, reason: 'holds the data of the server' },
  ]);
  const scratch = await collect(['*'], { workingDirectory: places.run.work });
  expect(scratch.artifacts.map(({ id }) => id)).toEqual(['made']);
});

test('a walk of which the patterns cost too much ends, and says so', async () => {
  for (const name of ['a', 'b', 'c']) fs.writeFileSync(join(places.wd, name), name);
  const bounds = {
    root: bytePath(fs.realpathSync(places.wd)),
    places: new PrivatePlaces(join(places.dir, 'data'), []).look(null),
    mounts: null,
  };
  const globs = startOf(
    compileGlobs(['*'], () => {}),
    new Effort(5),
  );
  const walk = async () => {
    for await (const _ of walkFiles({ bounds, globs, maxEntries: 10 }));
  };
  await expect(walk()).rejects.toThrow('the patterns take too long to compare');
  await expect(walk()).rejects.toThrow(StopWalk);
});
