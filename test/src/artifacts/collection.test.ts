import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import type { RunDirectory } from '../../../src/disk/run-directory.ts';
import { artifactFile } from '../../../src/disk/run-directory.ts';
import { collecting, DEFAULT_CAPS } from '../../helpers/collecting.ts';

const { places, collect, whole, kept } = collecting();
const sha256 = (bytes: string | Buffer) => createHash('sha256').update(bytes).digest('hex');

test('nothing asked for: nothing is touched', async () => {
  const unused = new Proxy({} as RunDirectory, {
    get: () => {
      throw new Error('the run directory was used');
    },
  });
  expect(await collect([], { directory: unused })).toMatchObject({ artifacts: [], omitted: [], bytes: 0 });
});

test('a collected file is described and stays what it was', async () => {
  fs.writeFileSync(join(places.wd, 'report.json'), '{}');
  fs.utimesSync(join(places.wd, 'report.json'), 0, 1.5);
  const { artifacts, omitted, bytes } = await collect(['*.json']);
  fs.writeFileSync(join(places.wd, 'report.json'), 'changed');
  expect(artifacts).toEqual([
    {
      id: 'report.json',
      path: join(places.wd, 'report.json'),
      kind: 'file',
      description: 'report.json',
      sizeBytes: 2,
      sha256: sha256('{}'),
      mediaType: 'application/json',
      modifiedAt: '1970-01-01T00:00:01.500Z',
    },
  ]);
  expect(kept('report.json')).toBe('{}');
  expect(fs.statSync(artifactFile(places.run, 'report.json')).mode & 0o777).toBe(0o600);
  expect({ omitted, bytes }).toEqual({ omitted: [], bytes: 2 });
});

test('the artifact directory is collected whole, hidden files too, and a file that a glob names again once', async () => {
  fs.mkdirSync(join(places.out, 'sub'));
  for (const name of ['b', 'a', '.hidden', 'sub/c']) fs.writeFileSync(join(places.out, name), name);
  fs.writeFileSync(join(places.wd, 'a'), 'other');
  const { artifacts, omitted } = await collect(['**/*'], { artifactDirectory: places.out });
  expect(artifacts.map(({ id, path }) => [id, path.slice(places.wd.length), kept(id)])).toEqual([
    ['a-2', '/a', 'other'],
    ['_hidden', '/out/.hidden', '.hidden'],
    ['a', '/out/a', 'a'],
    ['b', '/out/b', 'b'],
    ['sub_c', '/out/sub/c', 'sub/c'],
  ]);
  expect(omitted).toEqual([]);
});

test('ids that the run has already are not given again', async () => {
  fs.writeFileSync(join(places.out, 'a'), '');
  const { artifacts } = await whole({ takenIds: ['a'] });
  expect(artifacts.map(({ id }) => id)).toEqual(['a-2']);
});

test('patterns that can or do match nothing are said', async () => {
  fs.writeFileSync(join(places.dir, 'secret'), '');
  const patterns = ['../secret', join(places.dir, 'secret'), '{.,x}./secret', '*.none', 'missing/x', 'out'];
  const { artifacts, omitted } = await collect(patterns);
  expect(artifacts).toEqual([]);
  expect(omitted).toEqual([
    { path: '../secret', reason: 'the pattern contains ..' },
    { path: join(places.dir, 'secret'), reason: 'the pattern is absolute' },
    { path: '{.,x}./secret', reason: 'the pattern contains ..' },
    { path: places.out, reason: 'is a directory: ask for out/**' },
    { path: '*.none', reason: 'no file matches' },
    { path: 'missing/x', reason: 'no file matches' },
  ]);
});

test('sizes are right at the edges: empty, exactly a cap, one byte more', async () => {
  const file = (name: string, bytes: number) => fs.writeFileSync(join(places.out, name), 'x'.repeat(bytes));
  file('a-empty', 0);
  file('b-exact', 100);
  file('c-more', 101);
  file('d-rest', 50);
  file('e-over', 1);
  const { artifacts, omitted, bytes } = await whole({ caps: { fileBytes: 100, totalBytes: 150, count: 10 } });
  expect(artifacts.map(({ id, sizeBytes, sha256: hash }) => [id, sizeBytes, hash])).toEqual([
    ['a-empty', 0, sha256('')],
    ['b-exact', 100, sha256('x'.repeat(100))],
    ['d-rest', 50, sha256('x'.repeat(50))],
  ]);
  expect(bytes).toBe(150);
  expect(omitted).toEqual([
    { path: join(places.out, 'c-more'), reason: 'larger than 100 bytes' },
    { path: join(places.out, 'e-over'), reason: 'total of 150 bytes reached' },
  ]);
  expect(fs.readdirSync(places.run.artifacts).sort()).toEqual(['a-empty', 'b-exact', 'd-rest']);
});

test('exactly as many files as the limit are no omission, one more is', async () => {
  for (const name of ['a', 'b', 'c']) fs.writeFileSync(join(places.out, name), name);
  expect((await whole({ caps: { ...DEFAULT_CAPS, count: 3 } })).omitted).toEqual([]);
  const { artifacts, omitted } = await whole({ caps: { ...DEFAULT_CAPS, count: 2 } });
  expect(artifacts.map(({ id }) => id)).toEqual(['a', 'b']);
  expect(omitted).toEqual([{ path: places.out, reason: 'more than 2 files: the rest was not looked at' }]);
});

test('a list of omissions ends with a count of the rest', async () => {
  for (let n = 0; n < 1200; n++) fs.symlinkSync('nowhere', join(places.out, `${n}`));
  const { omitted } = await whole();
  expect(omitted).toHaveLength(1001);
  expect(omitted.at(-1)).toEqual({ path: '', reason: '200 more were left out' });
});

test('a large file is copied as it is', async () => {
  const bytes = Buffer.alloc(3 * 1024 * 1024 + 7, 'abc');
  fs.writeFileSync(join(places.out, 'large'), bytes);
  const { artifacts } = await whole();
  expect(artifacts[0]).toMatchObject({ sizeBytes: bytes.length, sha256: sha256(bytes) });
  expect(fs.readFileSync(artifactFile(places.run, 'large')).equals(bytes)).toBe(true);
});

test('size and hash are those of the copy while the file is being written', async () => {
  const path = join(places.out, 'growing');
  fs.writeFileSync(path, Buffer.alloc(1024 * 1024));
  const writing = setInterval(() => fs.appendFileSync(path, Buffer.alloc(64 * 1024, 'x')), 0);
  for (let n = 0; n < 20; n++) {
    if (n % 5 === 4) fs.truncateSync(path, 1000);
    const { artifacts } = await whole();
    const copy = fs.readFileSync(artifactFile(places.run, 'growing'));
    expect(artifacts[0]).toMatchObject({ sizeBytes: copy.length, sha256: sha256(copy) });
  }
  clearInterval(writing);
});

test('a collection that is stopped says so and leaves no half copies', async () => {
  for (let n = 0; n < 20; n++)
    fs.writeFileSync(join(places.out, `${n}`.padStart(2, '0')), Buffer.alloc(2 * 1024 * 1024));
  const stop = new AbortController();
  const collecting = whole({ signal: stop.signal });
  await vi.waitFor(() => expect(fs.existsSync(artifactFile(places.run, '01'))).toBe(true), { interval: 1 });
  stop.abort();
  const { artifacts, omitted } = await collecting;
  expect(omitted).toContainEqual({ path: places.out, reason: 'the collection was stopped' });
  expect(fs.readdirSync(places.run.artifacts).sort()).toEqual(artifacts.map(({ id }) => id).sort());
});

test('a copy that cannot be kept is said', async () => {
  fs.writeFileSync(join(places.out, 'a'), '');
  fs.mkdirSync(places.run.root, { recursive: true });
  fs.writeFileSync(places.run.artifacts, 'in the way');
  expect((await whole()).omitted).toEqual([
    { path: join(places.out, 'a'), reason: 'could not be collected: EEXIST' },
  ]);
});

test('a time that RFC 3339 cannot say becomes the last one that it can', async (context) => {
  if (!fs.existsSync('/dev/shm')) context.skip('no file system that keeps such times');
  const shm = fs.mkdtempSync('/dev/shm/runwire-artifacts-');
  fs.writeFileSync(join(shm, 'a'), '');
  fs.utimesSync(join(shm, 'a'), 0, 1e12);
  const { artifacts } = await collect(['a'], { workingDirectory: shm });
  fs.rmSync(shm, { recursive: true });
  expect(artifacts[0]?.modifiedAt).toBe('9999-12-31T23:59:59.999Z');
});
