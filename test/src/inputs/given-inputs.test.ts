import { execFileSync } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { extract, pack } from 'tar-stream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { CannotBegin, Rejected } from '../../../src/contract/outcome.ts';
import { PrivatePlaces } from '../../../src/disk/private-places.ts';
import { type RunDirectory, runDirectory } from '../../../src/disk/run-directory.ts';
import type { ArtifactDescriptor } from '../../../src/documents/artifact.ts';
import type { Input } from '../../../src/documents/declared-files.ts';
import { RunwireError } from '../../../src/documents/errors.ts';
import {
  type AskedInputs,
  givenInputs,
  type InputTools,
  type PlacedInput,
} from '../../../src/inputs/given-inputs.ts';
import { pinInputs } from '../../../src/inputs/pin.ts';
import { HeldAssets } from '../../helpers/held-assets.ts';
import { requires } from '../../helpers/require.ts';

let dir = '';
let directory: RunDirectory;
let assets: HeldAssets;
let kept: Map<string, { file: string; sha256: string; size: number; path: string; type: string }>;
beforeEach(() => {
  dir = fs.mkdtempSync(join(tmpdir(), 'runwire-inputs-'));
  directory = runDirectory(join(dir, 'data'), 'r');
  fs.mkdirSync(directory.root, { recursive: true });
  fs.mkdirSync(join(dir, 'wd'));
  assets = new HeldAssets();
  kept = new Map();
});
afterEach(() => {
  execFileSync('chmod', ['-R', 'u+rwx', dir]);
  fs.rmSync(dir, { recursive: true, force: true });
});

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
const keep = (id: string, bytes: Buffer, path = `/wd/out/${id}`, type = 'application/octet-stream') => {
  const file = join(dir, `kept-${id}`);
  fs.writeFileSync(file, bytes);
  kept.set(id, { file, sha256: sha256(bytes), size: bytes.length, path, type });
  return file;
};
const artifacts: InputTools['artifacts'] = {
  artifactPath(run, id) {
    const found = kept.get(id);
    if (!found) throw new RunwireError('artifact_not_found', `${run} has no artifact ${id}`);
    const metadata = { sha256: found.sha256, size_bytes: String(found.size), media_type: found.type };
    const descriptor = { artifact_id: id, path: found.path, metadata } as unknown as ArtifactDescriptor;
    return { descriptor, file: found.file, isPrivate: () => false };
  },
  reading: (_run, read) => read(),
};
const tools = (): InputTools => ({
  artifacts,
  assets,
  caps: { bytes: 10_000_000, files: 100 },
  view: (own) => new PrivatePlaces(join(dir, 'data')).look(own),
});
const resolve = (inputs: Input[], more: Partial<AskedInputs> = {}) =>
  givenInputs(
    {
      ...{ inputs: pinInputs(inputs, artifacts), directory, workingDirectory: join(dir, 'wd') },
      ...{ confinedTo: null, sees: () => true },
      ...more,
    },
    tools(),
  );
const only = (input: Omit<Input, 'id'>, more: Partial<AskedInputs> = {}): PlacedInput => {
  const [given] = resolve([{ id: 'data', ...input }], more).given;
  if (!given) throw new Error('nothing is given');
  return given;
};

const never = new AbortController().signal;
/** Puts it in place; a file's bytes, or the names of a directory. */
async function put(given: PlacedInput, signal = never): Promise<string> {
  const place = join(dir, `placed-${randomUUID()}`, given.path);
  fs.mkdirSync(dirname(place), { recursive: true });
  await given.putAt(place, signal);
  return place;
}
/** What a tar has, by its names. */
async function untar(stream: Readable): Promise<Map<string, string>> {
  const tar = extract();
  const found = new Map<string, string>();
  stream.on('error', (error) => tar.destroy(error));
  stream.pipe(tar);
  for await (const entry of tar) {
    const { name, type, linkname, mode } = entry.header;
    const text = (await buffer(entry as unknown as Readable)).toString();
    found.set(
      name,
      type === 'symlink' ? `-> ${linkname}` : type === 'directory' ? `/${mode?.toString(8)}` : text,
    );
  }
  return found;
}
async function tarOf(entries: [string, string | { link: string }][]): Promise<Buffer> {
  const tar = pack();
  for (const [name, what] of entries)
    if (typeof what === 'string') tar.entry({ name }, what);
    else tar.entry({ name, type: 'symlink', linkname: what.link });
  tar.finalize();
  return buffer(tar as unknown as Readable);
}

test('Each source is a file of these very bytes, under its name, in place and packed', async () => {
  const bytes = Buffer.from([0, 255, 10, 13, 0xc3]);
  keep('model', bytes, '/elsewhere/model.bin');
  assets.put('base', 'weights');
  const cases: [Omit<Input, 'id'>, string, Buffer][] = [
    [{ text: 'ä\n' }, 'inputs/data/data', Buffer.from('ä\n')],
    [{ text: '' }, 'inputs/data/data', Buffer.alloc(0)],
    [{ text: 'x', filename: '-rf *.txt' }, 'inputs/data/-rf *.txt', Buffer.from('x')],
    [{ base64: bytes.toString('base64') }, 'inputs/data/data', bytes],
    [{ artifact: { invocation_id: 'train', artifact_id: 'model' } }, 'inputs/data/model.bin', bytes],
    [{ asset: 'base' }, 'inputs/data/base', Buffer.from('weights')],
    [{ asset: 'base@1', filename: 'other' }, 'inputs/data/other', Buffer.from('weights')],
  ];
  for (const [input, path, content] of cases) {
    const given = only(input);
    expect([given.path, given.type, given.writable, given.mounted(never)]).toEqual([
      path,
      'file',
      true,
      null,
    ]);
    const place = await put(given);
    expect(fs.readFileSync(place).equals(content), path).toBe(true);
    expect(fs.statSync(place).mode & 0o777).toBe(0o644);
    expect(Buffer.from((await untar(given.pack())).get(path) ?? 'none')).toEqual(
      Buffer.from(content.toString()),
    );
  }
});

test('A value is no file, and what the work sees where it is stays there', () => {
  const { given, inPlace } = resolve([
    { id: 'value', value: { a: 1 } },
    { id: 'nothing', value: null },
    { id: 'relative', file: 'in/a.txt' },
    { id: 'absolute', file: '/etc/hostname' },
  ]);
  expect(given).toEqual([]);
  expect(inPlace).toEqual([
    { id: 'relative', field: 'options.inputs.2.file', place: join(dir, 'wd/in/a.txt') },
    { id: 'absolute', field: 'options.inputs.3.file', place: '/etc/hostname' },
  ]);
});

test('An input is pinned: the artifact to its hash and name, the asset to its version', () => {
  keep('model', Buffer.from('x'), '/wd/out/deep/model.bin');
  keep('plots', Buffer.from('x'), '/wd/plots', 'application/x-tar');
  assets.put('base', 'one');
  assets.put('base', 'two');
  const ref = (artifact_id: string) => ({ invocation_id: 'train', artifact_id });
  const { pinned, assets: used } = resolve([
    { id: 'model', artifact: ref('model') },
    { id: 'plots', artifact: ref('plots') },
    { id: 'named', artifact: ref('model'), filename: 'm' },
    { id: 'newest', asset: 'base' },
    { id: 'first', asset: 'base@1' },
  ]);
  const hash = sha256(Buffer.from('x'));
  expect(pinned).toEqual([
    { id: 'model', artifact: { ...ref('model'), sha256: hash }, filename: 'model.bin' },
    { id: 'plots', artifact: { ...ref('plots'), sha256: hash }, filename: 'plots.tar' },
    { id: 'named', artifact: { ...ref('model'), sha256: hash }, filename: 'm' },
    { id: 'newest', asset: 'base@2' },
    { id: 'first', asset: 'base@1' },
  ]);
  expect(used.map(({ name, version }) => [name, version])).toEqual([
    ['base', 2],
    ['base', 1],
  ]);
});

test('What is not there is told at once, by its field', () => {
  assets.put('tree', { a: 'x' });
  keep('model', Buffer.from('x'));
  const told = (input: Omit<Input, 'id'>) => {
    try {
      resolve([
        { id: 'good', text: '' },
        { id: 'data', ...input },
      ]);
    } catch (error) {
      if (error instanceof RunwireError) return [error.code, error.errors?.[0]?.path, error.message];
      throw error;
    }
    return null;
  };
  const ref = (artifact_id: string, sha256?: string) => ({
    artifact: { invocation_id: 'train', artifact_id, ...(sha256 && { sha256 }) },
  });
  expect(told(ref('none'))).toEqual([
    'artifact_not_found',
    'options.inputs.1.artifact',
    'options.inputs.1.artifact: train has no artifact none',
  ]);
  expect(told(ref('model', '0'.repeat(64)))?.slice(0, 2)).toEqual([
    'invalid_invocation',
    'options.inputs.1.artifact.sha256',
  ]);
  expect(told(ref('model', sha256(Buffer.from('x'))))).toBeNull();
  expect(told({ asset: 'none' })?.slice(0, 2)).toEqual(['invalid_invocation', 'options.inputs.1.asset']);
  expect(told({ asset: 'tree', extract: true })?.slice(0, 2)).toEqual([
    'invalid_invocation',
    'options.inputs.1.extract',
  ]);
  expect(told({ text: '', filename: 'ä'.repeat(200) })?.slice(0, 2)).toEqual([
    'invalid_invocation',
    'options.inputs.1.filename',
  ]);
});

test('An archive becomes a directory of the run’s own: tar, gzip, zip, from each source', async () => {
  const tar = await tarOf([
    ['a/b', 'deep'],
    ['c', 'flat'],
    ['link', { link: 'a/b' }],
  ]);
  const source = join(dir, 'tree.tar.gz');
  fs.mkdirSync(join(dir, 'tree'));
  fs.writeFileSync(join(dir, 'tree/c'), 'flat');
  execFileSync('tar', ['czf', source, '-C', join(dir, 'tree'), '.']);
  keep('tarred', tar);
  assets.put('text-asset', 'no archive');
  const given = only({ artifact: { invocation_id: 'train', artifact_id: 'tarred' }, extract: true });
  expect([given.path, given.type, given.digest]).toEqual(['inputs/data', 'directory', null]);
  const place = await put(given);
  expect(fs.readFileSync(join(place, 'link'), 'utf8')).toBe('deep');
  expect(fs.readdirSync(dirname(place))).toEqual(['data']);
  expect([...(await untar(given.pack()))]).toEqual([
    ['inputs/data/', '/777'],
    ['inputs/data/a/', '/777'],
    ['inputs/data/a/b', 'deep'],
    ['inputs/data/c', 'flat'],
    ['inputs/data/link', '-> a/b'],
  ]);
  expect(fs.existsSync(`${directory.given}.unpacked/data`)).toBe(false);
  const zipped = await put(only({ base64: fs.readFileSync(source).toString('base64'), extract: true }));
  expect(fs.readdirSync(zipped)).toEqual(['c']);
  await expect(put(only({ asset: 'text-asset', extract: true }))).rejects.toThrow(
    /^input data: the archive cannot be unpacked: /,
  );
});

test('What a server left that died while it unpacked an archive is in nobody’s way', async () => {
  fs.writeFileSync(join(dir, 'file'), 'text');
  execFileSync('zip', ['-q', join(dir, 'z.zip'), 'file'], { cwd: dir });
  keep('z', fs.readFileSync(join(dir, 'z.zip')));
  const given = only({ artifact: { invocation_id: 'train', artifact_id: 'z' }, extract: true });
  const left = `${directory.given}.unpacked`;
  for (const half of ['data', 'data/tree']) {
    fs.mkdirSync(join(left, half), { recursive: true });
    fs.writeFileSync(join(left, `${half}.archive`), 'PK');
    fs.writeFileSync(join(left, half, 'other'), '');
  }
  expect([...(await untar(given.pack())).keys()]).toEqual(['inputs/data/', 'inputs/data/file']);
  expect(fs.existsSync(join(left, 'data'))).toBe(false);
});

test('A hostile archive is refused by the name of the input, and nothing of it is anywhere', async () => {
  const big = await tarOf([['big', 'x'.repeat(2000)]]);
  const cases: [Buffer, RegExp][] = [
    [await tarOf([['../up', 'x']]), /^input data: "\.\.\/up" leads out/],
    [await tarOf([['/etc/x', 'x']]), /^input data: "\/etc\/x" is absolute/],
    [await tarOf([['l', { link: '/etc' }]]), /^input data: "l" is a link that leads out/],
    [
      await tarOf([
        ['d/l', { link: '..' }],
        ['m', { link: 'd/l/../../etc' }],
      ]),
      /^input data: .*leads out/,
    ],
    [big.subarray(0, 1500), /^input data: the archive cannot be unpacked/],
    [Buffer.from('no archive'), /^input data: the archive cannot be unpacked/],
  ];
  for (const [bytes, words] of cases) {
    const given = only({ base64: bytes.toString('base64'), extract: true });
    const refusal = await put(given).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(Rejected);
    expect((refusal as Error).message).toMatch(words);
    await expect(untar(given.pack())).rejects.toThrow(words);
  }
  expect(fs.existsSync(join(dir, 'up'))).toBe(false);
  const caps = { bytes: 1999, files: 100 };
  const [given] = givenInputs(
    {
      inputs: [{ id: 'data', base64: big.toString('base64'), extract: true }],
      ...{ directory, workingDirectory: dir, confinedTo: null, sees: () => true },
    },
    { ...tools(), caps },
  ).given;
  await expect(put(given as PlacedInput)).rejects.toThrow(/^input data: More than 1999 bytes/);
});

test('An artifact that was deleted, replaced or changed since is refused by name, in place and packed', async () => {
  const file = keep('model', Buffer.from('weights'));
  const input = { artifact: { invocation_id: 'train', artifact_id: 'model' } };
  const plain = only(input);
  const archive = only({ ...input, extract: true });
  const refused = async (words: string) => {
    for (const given of [plain, archive]) {
      const refusal = await put(given).catch((error: unknown) => error);
      expect(refusal).toBeInstanceOf(Rejected);
      expect((refusal as Error).message).toBe(`input data: ${words}`);
      await expect(untar(given.pack())).rejects.toThrow(`input data: ${words}`);
    }
  };
  fs.writeFileSync(file, 'WEIGHTS');
  await refused('model of train was changed since it was kept');
  fs.writeFileSync(file, 'longer weights');
  await refused('model of train was changed since it was kept');
  fs.rmSync(file);
  fs.symlinkSync('/etc/passwd', file);
  await refused('model of train is no longer kept');
  fs.rmSync(file);
  await refused('model of train is no longer kept');
  keep('model', Buffer.from('another'));
  await refused('model of train is another one by now');
  kept.clear();
  await refused('train has no artifact model');
});

test('A file that the work does not see is copied, and judged as it is read', async () => {
  const file = (path: string, more: Partial<AskedInputs> = {}) =>
    only({ file: path }, { sees: () => false, ...more });
  const write = (path: string, text = 'text') => {
    fs.mkdirSync(dirname(join(dir, path)), { recursive: true });
    fs.writeFileSync(join(dir, path), text);
  };
  write('wd/in/a.txt');
  fs.symlinkSync('a.txt', join(dir, 'wd/in/link'));
  const given = file('in/a.txt');
  expect(given.path).toBe('inputs/data/a.txt');
  expect(fs.readFileSync(await put(given), 'utf8')).toBe('text');
  expect(fs.readFileSync(await put(file('in/link')), 'utf8')).toBe('text');
  write('data/secret', 'secret');
  write('outside', 'text');
  fs.symlinkSync(join(dir, 'data/secret'), join(dir, 'wd/private'));
  fs.symlinkSync('../outside', join(dir, 'wd/out'));
  const wd = join(dir, 'wd');
  const refused = async (given: PlacedInput, words: string) => {
    for (const work of [() => put(given), () => untar(given.pack())])
      await expect(work()).rejects.toThrow(`input data: ${words}`);
  };
  await refused(file('private'), `${wd}/private leads to the data of the server`);
  await refused(file('in'), `${wd}/in is not a regular file`);
  await refused(file('none'), `${wd}/none does not exist`);
  await refused(file('out', { confinedTo: wd }), `${wd}/out leads out of the working directory over a link`);
  expect(fs.readFileSync(await put(file('out')), 'utf8')).toBe('text');
  write('wd/empty', '');
  expect(fs.readFileSync(await put(file('empty')), 'utf8')).toBe('');
});

requires('linux')('A file of the kernel, whose size says nothing of what is in it', () => {
  test('is not given as an empty one', async () => {
    fs.symlinkSync('/proc/self/environ', join(dir, 'wd/link'));
    for (const path of ['/proc/self/environ', '/proc/meminfo', join(dir, 'wd/link')]) {
      const given = only({ file: path }, { sees: () => false });
      await expect(put(given)).rejects.toThrow(
        `input data: ${path} is a file of /proc, which has no content of its own`,
      );
      await expect(untar(given.pack())).rejects.toThrow('is a file of /proc');
    }
  });
});

test('What runs out while it is packed is told as what may be there again', async () => {
  const full = Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
  const failing: InputTools = {
    ...tools(),
    artifacts: { ...artifacts, reading: () => Promise.reject(full) },
  };
  keep('model', Buffer.from('x'));
  const inputs = pinInputs(
    [{ id: 'data', artifact: { invocation_id: 'train', artifact_id: 'model' } }],
    artifacts,
  );
  const asked = { inputs, directory, workingDirectory: dir, confinedTo: null, sees: () => true };
  const [given] = givenInputs(asked, failing).given;
  const refusal = await untar((given as PlacedInput).pack()).catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(CannotBegin);
  expect((refusal as Error).message).toMatch(
    /^what it is given cannot be made: the disk of the server is full/,
  );
});

test('What is in the way is not written through, and an abort ends it', async () => {
  const given = only({ text: 'x' });
  const place = join(dir, 'here/data');
  fs.mkdirSync(dirname(place));
  fs.symlinkSync(join(dir, 'target'), place);
  await expect(given.putAt(place, never)).rejects.toThrow();
  expect(fs.existsSync(join(dir, 'target'))).toBe(false);
  const reason = new Error('cancelled');
  await expect(put(given, AbortSignal.abort(reason))).rejects.toBe(reason);
});

test('A large artifact comes at flat memory, others have their turn, and it can be stopped', async () => {
  const file = keep('large', Buffer.alloc(0));
  const hash = createHash('sha256');
  const block = Buffer.alloc(1 << 20, 'x');
  const fd = fs.openSync(file, 'w');
  for (let n = 0; n < 400; n++) {
    fs.writeSync(fd, block);
    hash.update(block);
  }
  fs.closeSync(fd);
  kept.set('large', { file, sha256: hash.digest('hex'), size: 400 << 20, path: '/large', type: '' });
  const given = only({ artifact: { invocation_id: 'train', artifact_id: 'large' } });
  const before = process.memoryUsage.rss();
  let most = 0;
  let turns = 0;
  const watch = setInterval(() => {
    turns++;
    most = Math.max(most, process.memoryUsage.rss() - before);
  }, 1);
  expect(fs.statSync(await put(given)).size).toBe(400 << 20);
  let length = 0;
  for await (const bytes of given.pack()) length += (bytes as Buffer).length;
  clearInterval(watch);
  expect(length).toBe((400 << 20) + 3 * 512);
  expect(turns).toBeGreaterThan(20);
  expect(most).toBeLessThan(150 * (1 << 20));
  const stop = new AbortController();
  const stopped = put(given, stop.signal);
  setTimeout(() => stop.abort(new Error('enough')), 5);
  await expect(stopped).rejects.toThrow('enough');
});
