import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { CollectionRequest } from '../../../src/artifacts/collection.ts';
import { artifactFile } from '../../../src/disk/run-directory.ts';
import type { Output } from '../../../src/documents/declared-files.ts';
import { directoryTar } from '../../../src/files/directory-tar.ts';
import { collecting, DEFAULT_CAPS } from '../../helpers/collecting.ts';
import { swapForLinks } from '../../helpers/swapped-directory.ts';

const { places, collect, kept } = collecting();
const sha256 = (bytes: string | Buffer) => createHash('sha256').update(bytes).digest('hex');

const declared = (
  outputs: Output[],
  { globs = [], ...request }: Partial<Omit<CollectionRequest, 'places'>> & { globs?: string[] } = {},
) =>
  collect(globs, {
    outputs: { declared: outputs, nowhere: null, brought: new Map(), broughtAs: '', tarOf: directoryTar },
    ...request,
  });

const write = (path: string, bytes: string | Buffer = path) => {
  fs.mkdirSync(join(places.wd, path, '..'), { recursive: true });
  fs.writeFileSync(join(places.wd, path), bytes);
};

/** The names in a kept tar, and its files. */
function listed(id: string): string[] {
  return execFileSync('tar', ['tf', artifactFile(places.run, id)], { encoding: 'utf8' })
    .trim()
    .split('\n');
}

test('An output is an artifact of its id, kind and description', async () => {
  write('out/model.bin', 'weights');
  fs.utimesSync(join(places.wd, 'out/model.bin'), 0, 1.5);
  const { artifacts, omitted, missing, bytes } = await declared([
    { id: 'model', path: 'out/model.bin', kind: 'model', description: 'What was learnt' },
    { id: 'same', path: 'out/model.bin' },
  ]);
  write('out/model.bin', 'changed');
  const facts = {
    path: join(places.wd, 'out/model.bin'),
    sizeBytes: 7,
    sha256: sha256('weights'),
    mediaType: 'application/octet-stream',
    modifiedAt: '1970-01-01T00:00:01.500Z',
  };
  expect(artifacts).toEqual([
    { id: 'model', kind: 'model', description: 'What was learnt', ...facts },
    { id: 'same', kind: 'file', description: 'out/model.bin', ...facts },
  ]);
  expect([kept('model'), kept('same'), bytes]).toEqual(['weights', 'weights', 14]);
  expect({ omitted, missing }).toEqual({ omitted: [], missing: [] });
});

test('A directory is one tar of all in it, in order, links as links; what has no content is said', async () => {
  for (const path of ['data/b', 'data/a/deep', 'data/a/.hidden', 'data/ü']) write(path);
  fs.mkdirSync(join(places.wd, 'data/empty'));
  fs.symlinkSync('/etc/passwd', join(places.wd, 'data/away'));
  fs.linkSync(join(places.wd, 'data/b'), join(places.wd, 'data/c'));
  const socket = net.createServer().listen(join(places.wd, 'data/socket'));
  await new Promise((resolve) => socket.once('listening', resolve));
  const { artifacts, omitted } = await declared([{ id: 'data', path: 'data' }]);
  socket.close();
  const bytes = fs.readFileSync(artifactFile(places.run, 'data'));
  expect(artifacts).toMatchObject([
    {
      id: 'data',
      kind: 'directory',
      description: 'data',
      path: join(places.wd, 'data'),
      mediaType: 'application/x-tar',
      sizeBytes: bytes.length,
      sha256: sha256(bytes),
    },
  ]);
  expect(omitted).toEqual([{ path: 'data/socket', reason: 'not a regular file: a socket' }]);
  const names = ['a/', 'a/.hidden', 'a/deep', 'away', 'b', 'c', 'empty/', 'ü'];
  expect(listed('data').map((name) => (name.startsWith('\\') ? 'ü' : name))).toEqual(names);
  const unpacked = join(places.dir, 'unpacked');
  fs.mkdirSync(unpacked);
  execFileSync('tar', ['xf', artifactFile(places.run, 'data'), '-C', unpacked]);
  expect(fs.readlinkSync(join(unpacked, 'away'))).toBe('/etc/passwd');
  expect(fs.readFileSync(join(unpacked, 'a/deep'), 'utf8')).toBe('data/a/deep');
});

test('The same directory is the same tar', async () => {
  for (let n = 0; n < 200; n++) write(`data/${n}`, 'x'.repeat(n * 997));
  const hashes = [];
  for (const id of ['one', 'other'])
    hashes.push((await declared([{ id, path: 'data' }])).artifacts[0]?.sha256);
  expect(hashes[0]).toMatch(/^[0-9a-f]{64}$/);
  expect(hashes[1]).toBe(hashes[0]);
});

test('What is an output is not collected once more, nor what is in one; what could not be kept is', async () => {
  for (const path of ['out/model', 'out/data/x', 'out/more/y', 'out/rest']) write(path);
  fs.symlinkSync('out/more', join(places.wd, 'link'));
  const outputs = [
    { id: 'model', path: 'out/model' },
    { id: 'data', path: 'out/data' },
    { id: 'more', path: 'link' },
  ];
  const request = { globs: ['**/*', 'link'], artifactDirectory: places.out };
  const { artifacts } = await declared(outputs, request);
  expect(artifacts.map(({ id }) => id).sort()).toEqual(['data', 'model', 'more', 'rest']);
  const small = await declared(outputs, { ...request, caps: { ...DEFAULT_CAPS, fileBytes: 1000 } });
  expect(small.artifacts.map(({ id }) => id).sort()).toEqual(['data_x', 'model', 'more_y', 'rest']);
});

test('An id that an output has is given to nothing else, though it is missing', async () => {
  write('out/model');
  const { artifacts, missing } = await declared([{ id: 'model', path: 'elsewhere' }], {
    artifactDirectory: places.out,
  });
  expect(artifacts.map(({ id }) => id)).toEqual(['model-2']);
  expect(missing).toEqual([{ id: 'model', path: 'elsewhere', reason: 'does not exist' }]);
});

test('What is missing is told by name and why, what may be missing in omitted alone; the rest is kept', async () => {
  const big = 'x'.repeat(101);
  write('there', 'y');
  write('big', big);
  write('bigs/x', big);
  execFileSync('mkfifo', [join(places.wd, 'pipe')]);
  fs.writeFileSync(join(places.dir, 'outside'), 'secret');
  fs.mkdirSync(join(places.dir, 'outer'));
  fs.writeFileSync(join(places.dir, 'outer/file'), 'secret');
  const link = (target: string, path: string) => fs.symlinkSync(target, join(places.wd, path));
  link('../outside', 'led');
  link('../outer', 'over');
  link('nowhere', 'dangling');
  link('loop', 'loop');
  link('there', 'good');
  const paths = [
    'gone',
    'there/below',
    'big',
    'bigs',
    'pipe',
    'led',
    'over',
    'over/file',
    'dangling',
    'loop',
  ];
  const outputs = paths.map((path, n) => ({ id: `o${n}`, path }));
  const { artifacts, omitted, missing } = await declared(
    [...outputs, { id: 'good', path: 'good' }, { id: 'may', path: 'gone', required: false }],
    { caps: { ...DEFAULT_CAPS, fileBytes: 100 } },
  );
  const reasons = [
    'does not exist',
    'does not exist',
    'larger than 100 bytes',
    'larger than 100 bytes',
    'neither a file nor a directory: a FIFO',
    ...Array(3).fill('a symbolic link out of the directory'),
    'a symbolic link that leads nowhere',
    'a symbolic link that leads to itself',
  ];
  expect(missing).toEqual(outputs.map((output, n) => ({ ...output, reason: reasons[n] })));
  expect(omitted).toEqual([
    ...paths.map((path, n) => ({ path, reason: reasons[n] })),
    { path: 'gone', reason: 'does not exist' },
  ]);
  expect(artifacts.map(({ id }) => [id, kept(id)])).toEqual([['good', 'y']]);
  expect(fs.readdirSync(places.run.artifacts)).toEqual(['good']);
});

test('Outputs count for the total and the number like all else, each at its edge', async () => {
  for (const path of ['a', 'b', 'c']) write(path, 'x'.repeat(10));
  const outputs = ['a', 'b', 'c'].map((path) => ({ id: path, path }));
  const total = await declared(outputs, { caps: { ...DEFAULT_CAPS, totalBytes: 20 } });
  expect(total.missing).toEqual([{ id: 'c', path: 'c', reason: 'total of 20 bytes reached' }]);
  const count = await declared(outputs, { caps: { ...DEFAULT_CAPS, count: 2 } });
  expect(count.missing).toEqual([
    { id: 'c', path: 'c', reason: 'more than 2 files: the rest was not looked at' },
  ]);
  write('data/x', '');
  const tar = [{ id: 'data', path: 'data' }];
  const exact = (await declared(tar)).bytes;
  expect((await declared(tar, { caps: { ...DEFAULT_CAPS, fileBytes: exact } })).missing).toEqual([]);
  const less = await declared(tar, { caps: { ...DEFAULT_CAPS, totalBytes: exact - 1 } });
  expect(less.missing).toMatchObject([{ reason: `total of ${exact - 1} bytes reached` }]);
  const names = await declared(tar, { caps: { ...DEFAULT_CAPS, entries: 0 } });
  expect(names.missing).toMatchObject([{ reason: 'more than 0 names are in it' }]);
});

test('A directory with something that cannot be told is missing as a whole, and says what it is', async () => {
  write('data/fine');
  fs.writeFileSync(Buffer.concat([Buffer.from(`${places.wd}/data/`), Buffer.from([0xff])]), '');
  const { missing } = await declared([{ id: 'data', path: 'data' }]);
  expect(missing).toEqual([{ id: 'data', path: 'data', reason: '"\ufffd" has a name that is not UTF-8' }]);
});

test('Data of the server is no output, nor is a directory around it', async () => {
  const data = join(places.dir, 'data');
  fs.mkdirSync(data, { recursive: true });
  fs.writeFileSync(join(data, 'runwire.db'), 'secret');
  const outputs = [
    { id: 'db', path: 'data/runwire.db' },
    { id: 'whole', path: 'data' },
    { id: 'around', path: '.' },
  ];
  const { artifacts, missing } = await declared(outputs.slice(0, 2), { workingDirectory: places.dir });
  expect(artifacts).toEqual([]);
  expect(missing.map(({ reason }) => reason)).toEqual([
    'holds the data of the server',
    'holds the data of the server',
  ]);
  fs.mkdirSync(join(places.dir, 'top'));
  fs.symlinkSync('..', join(places.dir, 'top/up'));
  const around = await declared([{ id: 'up', path: 'top/up' }], { workingDirectory: places.dir });
  expect(around.artifacts).toEqual([]);
  expect(around.missing).toMatchObject([{ reason: '"data" cannot be read' }]);
});

test('A run that was stopped keeps no more, and one whose directory was replaced nothing', async () => {
  write('a');
  const outputs = [{ id: 'a', path: 'a' }];
  const stopped = await declared(outputs, { signal: AbortSignal.abort() });
  expect(stopped.missing).toEqual([{ id: 'a', path: 'a', reason: 'the collection was stopped' }]);
  const replaced = await declared(outputs, { roots: { working: '/elsewhere', artifact: null } });
  expect(replaced.missing).toMatchObject([{ reason: 'was replaced while the run went on' }]);
  const refused = await declared(outputs, {
    roots: { working: null, artifact: null, refused: 'working directory does not exist' },
  });
  expect(refused.missing).toMatchObject([{ reason: 'working directory does not exist' }]);
  expect(refused.omitted).toEqual([{ path: 'a', reason: 'working directory does not exist' }]);
});

test('In a mounted directory links mean what they meant in the container', async () => {
  write('real/file', 'y');
  fs.symlinkSync('/workspace/real', join(places.wd, 'seen'));
  fs.symlinkSync(join(places.wd, 'real'), join(places.wd, 'here'));
  const { artifacts, missing } = await declared(
    [
      { id: 'seen', path: 'seen/file' },
      { id: 'here', path: 'here/file' },
    ],
    { mounts: [{ inside: '/workspace', source: fs.realpathSync(places.wd) }] },
  );
  expect(artifacts.map(({ id }) => [id, kept(id)])).toEqual([['seen', 'y']]);
  expect(missing).toMatchObject([{ id: 'here', reason: 'a symbolic link out of the directory' }]);
});

test('A large directory is kept at flat memory, and others have their turn', async () => {
  const block = Buffer.alloc(1 << 20, 'x');
  fs.mkdirSync(join(places.wd, 'data'));
  const fd = fs.openSync(join(places.wd, 'data/large'), 'w');
  for (let n = 0; n < 300; n++) fs.writeSync(fd, block);
  fs.closeSync(fd);
  for (let n = 0; n < 3000; n++) write(`data/${n}`, 'small');
  const before = process.memoryUsage.rss();
  let most = 0;
  let turns = 0;
  const watch = setInterval(() => {
    turns++;
    most = Math.max(most, process.memoryUsage.rss() - before);
  }, 1);
  const { artifacts } = await declared([{ id: 'data', path: 'data' }]);
  clearInterval(watch);
  expect(artifacts[0]?.sizeBytes).toBeGreaterThan(300 * (1 << 20));
  expect(turns).toBeGreaterThan(20);
  expect(most).toBeLessThan(100 * (1 << 20));
});

test('A directory that is swapped for a link while it is read has nothing of elsewhere kept', async () => {
  const outside = join(places.dir, 'outside');
  for (const at of [outside, join(places.wd, 'd')]) fs.mkdirSync(join(at, 'deep'), { recursive: true });
  for (const path of ['file', 'deep/file']) {
    fs.writeFileSync(join(outside, path), 'secret of another');
    write(`d/${path}`, 'own');
  }
  const outputs = ['d', 'd/deep', 'd/file', 'd/deep/file'].map((path, n) => ({ id: `o${n}`, path }));
  const seen = { kept: 0, missing: 0 };
  await using _ = await swapForLinks(join(places.wd, 'd'), outside);
  for (let round = 0; round < 150; round++) {
    const { artifacts, missing } = await declared(outputs);
    seen.kept += artifacts.length;
    seen.missing += missing.length;
    for (const { id } of artifacts) expect(kept(id)).not.toContain('secret');
  }
  // Else it was not tried.
  expect(seen.kept).toBeGreaterThan(0);
  expect(seen.missing).toBeGreaterThan(0);
});
