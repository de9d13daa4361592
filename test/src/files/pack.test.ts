import { execFileSync, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ZipFile } from 'yazl';
import { blocksBetween } from '../../../src/files/blocks.ts';
import { type ArchiveFormat, archiveOf } from '../../../src/files/pack.ts';
import { type Entry, scan } from '../../../src/files/scan.ts';
import { tarHead } from '../../../src/files/tar-head.ts';

let place: string;
let root: string;
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'runwire-pack-'));
  root = join(place, 'root');
  mkdirSync(root);
});
afterEach(() => rmSync(place, { recursive: true, force: true }));

const entries = (): AsyncIterable<Entry> => scan({ root, isPrivate: () => false });

function put(path: string, content: string | Buffer, modified?: number): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content);
  const date = new Date((modified ?? 0) * 1000); // a number below nothing would be now
  if (modified !== undefined) utimesSync(join(root, path), date, date);
}

/** What a reader has that takes each buffer before it asks for the next. */
async function all(buffers: AsyncIterable<Buffer>): Promise<Buffer> {
  const copies: Buffer[] = [];
  for await (const buffer of buffers) copies.push(Buffer.from(buffer));
  return Buffer.concat(copies);
}

function sums(directory: string): Record<string, string> {
  const names = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  return Object.fromEntries(
    names.map(({ parentPath, name }) => {
      const path = join(parentPath, name);
      return [path.slice(directory.length), createHash('sha256').update(readFileSync(path)).digest('hex')];
    }),
  );
}

test.each(['tar', 'tar.gz', 'zip'] as ArchiveFormat[])(
  'files of all lengths, between each other, are what they were: %s',
  async (format) => {
    const lengths = [0, 1, 511, 512, 513, 65_535, 65_536, 65_537, 261_632, 262_144, 262_145, 1_000_000];
    for (const [index, length] of [...lengths, ...lengths.toReversed()].entries())
      put(`d${index % 5}/${index}-${length}`, randomBytes(length));
    for (let index = 0; index < 300; index++) put(`small/${index}`, randomBytes(3000));
    const archive = await all(archiveOf(entries(), format));
    mkdirSync(join(place, 'out'));
    if (format === 'zip') {
      writeFileSync(join(place, 'a.zip'), archive);
      execFileSync('python3', ['-c', "import zipfile; zipfile.ZipFile('../a.zip').extractall()"], {
        cwd: join(place, 'out'),
      });
    } else execFileSync('tar', [format === 'tar' ? 'x' : 'xz'], { cwd: join(place, 'out'), input: archive });
    expect(sums(join(place, 'out'))).toEqual(sums(root));
  },
);

test('a zip has names as they are: a backslash, and what would be a disk elsewhere', async () => {
  const names = ['a\\b', 'a/b', 'a_b', 'c:x', 'c:/in', '..\\up', 'end\\', 'di\\r/f'];
  for (const name of names) put(name, name);
  symlinkSync('a', join(root, 'li\\nk'));
  mkdirSync(join(root, 'emp\\ty'));
  writeFileSync(join(place, 'a.zip'), await all(archiveOf(entries(), 'zip')));
  const code =
    'import json, zipfile; z = zipfile.ZipFile("a.zip"); print(json.dumps({i.filename: z.read(i).decode() for i in z.infolist()}))';
  const told = JSON.parse(execFileSync('python3', ['-c', code], { cwd: place }).toString());
  const directories = ['a/', 'c:/', 'di\\r/', 'emp\\ty/'].map((name) => [name, '']);
  expect(told).toEqual(
    Object.fromEntries([...names.map((name) => [name, name]), ...directories, ['li\\nk', 'a']]),
  );
});

/** How often yazl looks at one of the entries that it has. */
async function looksAt(
  entries: AsyncIterable<Entry>,
): Promise<{ looks: number; most: number; archive: Buffer }> {
  let looks = 0;
  let most = 0;
  Object.defineProperty(ZipFile.prototype, 'entries', {
    configurable: true,
    set(this: object, entries: object[]) {
      const counting = new Proxy(entries, {
        get(target, key, receiver) {
          if (/^\d+$/.test(String(key))) looks++;
          most = Math.max(most, target.length);
          return Reflect.get(target, key, receiver);
        },
      });
      Object.defineProperty(this, 'entries', { value: counting, writable: true });
    },
  });
  try {
    return { archive: await all(archiveOf(entries, 'zip')), looks, most };
  } finally {
    Reflect.deleteProperty(ZipFile.prototype, 'entries');
  }
}

test('what a zip of many entries costs grows as their number, and of one that is written no stream is kept', async () => {
  const count = 1000;
  for (let index = 0; index < count; index++) {
    put(`d/empty-${index}`, '');
    put(`d/small-${index}`, `${index}`);
    mkdirSync(join(root, `in-${index}`));
    symlinkSync('d', join(root, `link-${index}`));
  }
  for (let index = 0; index < 20; index++) put(`d/large-${index}`, randomBytes(100_000));
  const { archive, looks, most } = await looksAt(entries());
  expect(looks).toBeGreaterThan(4 * count);
  expect(looks).toBeLessThan(20 * count);
  expect(most).toBe(1);
  writeFileSync(join(place, 'a.zip'), archive);
  const code =
    'import zipfile; z = zipfile.ZipFile("a.zip"); print(z.testzip(), len(z.infolist()), z.read("d/small-7").decode())';
  expect(execFileSync('python3', ['-c', code], { cwd: place }).toString()).toBe(`None ${4 * count + 21} 7\n`);
});

test('a zip of directories alone is not made before it is read', async () => {
  let given = 0;
  async function* many(): AsyncGenerator<Entry> {
    const stats = statSync(root);
    for (; given < 50_000; given++)
      yield { path: `d${given}`, type: 'directory', stats, target: '', open: () => null };
  }
  for await (const _ of archiveOf(many(), 'zip')) {
    await turn();
    break;
  }
  expect(given).toBeLessThan(10_000);
});

test('a tar has names, links and times that no field of it has a place for', async () => {
  const long = `${'d'.repeat(200)}/${'e'.repeat(200)}/${'f'.repeat(99)}`;
  put(long, 'long', 1_000_000_000);
  put('ünïcode ☃', 'snow', -86_400);
  put('late', 'late', 10_000_000_000);
  put('x'.repeat(100), 'just fits', 0);
  symlinkSync(long, join(root, 'link'));
  const tar = await all(archiveOf(entries(), 'tar'));
  const listed = execFileSync('tar', ['tv', '--full-time', '--utc', '--quoting-style=literal'], {
    input: tar,
    env: { ...process.env, LC_ALL: 'C.UTF-8' },
  }).toString();
  const lines = listed.split('\n').map((line) => line.replace(/^(\S+) \S+ +/, '$1 '));
  expect(lines).toContain(`-rw-r--r-- 4 2001-09-09 01:46:40 ${long}`);
  expect(lines).toContain('-rw-r--r-- 4 1969-12-31 00:00:00 ünïcode ☃');
  expect(lines).toContain('-rw-r--r-- 4 2286-11-20 17:46:40 late');
  expect(lines).toContain(`-rw-r--r-- 9 1970-01-01 00:00:00 ${'x'.repeat(100)}`);
  expect(listed).toContain(` link -> ${long}\n`);
  expect(listed).toMatch(/^drwx.* d{200}\/$/m);
});

test('a file of more than 8 GiB is as long in its head', () => {
  const size = 8 ** 11 + 5;
  const head = tarHead({ name: 'huge', type: 'file', size, mode: 0o640, modified: new Date(0) });
  // What follows is missing, which tar says after it has shown the entry.
  const { stdout } = spawnSync('tar', ['tv'], { input: head });
  expect(stdout.toString()).toMatch(new RegExp(`^-rw-r----- \\S+ +${size} .* huge$`, 'm'));
});

test.each(
  [1000, 1_000_000].flatMap((length) =>
    (['tar', 'tar.gz', 'zip'] as ArchiveFormat[]).map((format) => [length, format] as const),
  ),
)('a file of %d bytes that got shorter breaks the archive off: %s', async (length, format) => {
  put('a', randomBytes(length));
  async function* shortened(): AsyncGenerator<Entry> {
    for await (const entry of entries()) {
      truncateSync(join(root, 'a'), length - 1);
      yield entry;
    }
  }
  await expect(all(archiveOf(shortened(), format))).rejects.toThrow('got shorter');
});

test('blocks end with the file, and the last comes only for one that is what it was', async () => {
  const bytes = randomBytes(600_000);
  put('a', bytes);
  const fd = openSync(join(root, 'a'), 'r');
  try {
    expect(await all(blocksBetween(fd, 100, 300_000))).toEqual(bytes.subarray(100, 300_000));
    expect(await all(blocksBetween(fd, 590_000, 900_000))).toEqual(bytes.subarray(590_000));
    expect(await all(blocksBetween(fd, 7, 7))).toHaveLength(0);
    const came: number[] = [];
    const changed = async (): Promise<void> => {
      for await (const block of blocksBetween(fd, 0, 600_000, () => false)) came.push(block.length);
    };
    await expect(changed()).rejects.toThrow('was changed');
    expect(came).toEqual([262_144, 262_144]);
  } finally {
    closeSync(fd);
  }
});

test.each(['tar', 'tar.gz', 'zip'] as ArchiveFormat[])(
  'who leaves in the middle of a file leaves no descriptor open: %s',
  async (format) => {
    put('d/a', randomBytes(5_000_000));
    put('d/b', 'b');
    const open = (): number => readdirSync('/proc/self/fd').length;
    const before = open();
    let bytes = 0;
    for await (const buffer of archiveOf(entries(), format)) {
      bytes += buffer.length;
      if (bytes > 1_000_000) break;
    }
    await expect.poll(open).toBe(before);
  },
);
