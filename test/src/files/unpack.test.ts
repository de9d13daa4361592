import { execFileSync, spawn } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { type Header, pack } from 'tar-stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ZipFile } from 'yazl';
import { Filling } from '../../../src/files/fill.ts';
import { Ledger } from '../../../src/files/ledger.ts';
import { BadName } from '../../../src/files/names.ts';
import { Tree } from '../../../src/files/tree.ts';
import { unpack } from '../../../src/files/unpack.ts';

let place: string;
let root: string;
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'runwire-unpack-'));
  root = join(place, 'root');
  mkdirSync(root);
});
// The last thing that a program of the test began may still be under way.
afterEach(() => rmSync(place, { recursive: true, force: true, maxRetries: 5 }));

type Line = Partial<Header> & { name: string; text?: string };

async function tar(...lines: Line[]): Promise<Buffer> {
  const packing = pack();
  for (const { text = '', ...header } of lines) packing.entry(header, text);
  packing.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of packing) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

async function zip(
  ...lines: { name: string; text?: string; mode?: number; compress?: boolean }[]
): Promise<Buffer> {
  const packing = new ZipFile();
  for (const { name, text = '', mode = 0o100644, compress = true } of lines)
    if (name.endsWith('/')) packing.addEmptyDirectory(name, { mode });
    else packing.addBuffer(Buffer.from(text), name, { mode, compress });
  packing.end();
  const chunks: Buffer[] = [];
  for await (const chunk of packing.outputStream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

async function put(
  bytes: Buffer,
  { caps = { bytes: 1e9, files: 1000 }, piece = 64 * 1024, into = [] as string[] } = {},
) {
  const tree = new Tree(root);
  const filling = new Filling(tree, new Ledger(caps));
  const pieces = Array.from({ length: Math.ceil(bytes.length / piece) }, (_, i) =>
    bytes.subarray(i * piece, (i + 1) * piece),
  );
  try {
    await unpack(Readable.from(pieces), filling, { aside: join(place, `aside-${randomUUID()}`), into });
  } finally {
    tree.close();
  }
  return filling;
}

const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const modeOf = (path: string): number => lstatSync(join(root, path)).mode & 0o777;

test.each([1, 3, 511, 64 * 1024])(
  'a tar, a tar in gzip and a zip are told by their bytes, in pieces of %i',
  async (piece) => {
    const lines = [
      { name: 'a.txt', text: 'hello' },
      { name: 'deep/er/run.sh', text: '#!/bin/sh\n', mode: 0o755 },
      { name: 'empty/', type: 'directory' as const, mode: 0o700 },
    ];
    const plain = await tar(...lines);
    for (const bytes of [
      plain,
      gzipSync(plain),
      await zip(
        ...lines.map(({ name, text = '', mode = 0o644 }) => ({
          name,
          text,
          mode: name.endsWith('/') ? 0o40700 : 0o100000 | mode,
        })),
      ),
    ]) {
      const { files, ledger } = await put(bytes, { piece });
      expect([read('a.txt'), read('deep/er/run.sh')]).toEqual(['hello', '#!/bin/sh\n']);
      expect([modeOf('a.txt'), modeOf('deep/er/run.sh'), modeOf('empty')]).toEqual([0o644, 0o755, 0o700]);
      expect(files.map(({ path }) => path)).toEqual(['a.txt', 'deep/er/run.sh']);
      expect(ledger.files).toBe(3);
      rmSync(root, { recursive: true });
      mkdirSync(root);
    }
  },
);

test.each(['..', '../', '../..', './..//../', '/', '//.'])(
  '%s is no name of what is in an archive',
  async (name) => {
    const directory = { name, type: 'directory' as const, mode: 0o700 };
    await expect(put(await tar({ name: 'a', text: 'a' }, directory))).rejects.toThrow(BadName);
    await expect(put(await tar({ name: 'a', text: 'a' }, directory), { into: ['p', 'q'] })).rejects.toThrow(
      BadName,
    );
  },
);

test('names of three dots and more are names, and one dot is the place itself', async () => {
  await put(
    await tar(
      ...['./', '././', './/.'].map((name) => ({ name, type: 'directory' as const })),
      { name: '...', type: 'directory', mode: 0o700 },
      { name: '.../a', text: 'a' },
      { name: './....', text: 'file' },
      { name: '.....', type: 'symlink', linkname: '...' },
    ),
  );
  expect([read('.../a'), read('....'), readlinkSync(join(root, '.....')), modeOf('...')]).toEqual([
    ...['a', 'file', '...', 0o700],
  ]);
});

test('what the system’s tar and its links make comes out the same', async () => {
  const from = join(place, 'from');
  mkdirSync(join(from, 'sub'), { recursive: true });
  writeFileSync(join(from, 'sub', 'file'), 'x'.repeat(200_000));
  symlinkSync('sub/file', join(from, 'link'));
  execFileSync('ln', ['sub/file', 'second'], { cwd: from });
  writeFileSync(join(from, 'n'.repeat(200)), 'long');
  const bytes = execFileSync('tar', ['cf', '-', '.'], { cwd: from, maxBuffer: 1e8 });
  await put(bytes);
  expect(readlinkSync(join(root, 'link'))).toBe('sub/file');
  expect(read('second')).toBe(read('sub/file'));
  expect(read('n'.repeat(200))).toBe('long');
  expect(execFileSync('diff', ['-r', '--no-dereference', from, root]).toString()).toBe('');
});

test.each<[string, Line[], RegExp]>([
  ['an absolute name', [{ name: '/etc/x', text: 'x' }], /"\/etc\/x" is absolute/],
  ['a name that leads up', [{ name: 'a/../../x', text: 'x' }], /leads out of the directory/],
  [
    'a name twice',
    [
      { name: 'a', text: '1' },
      { name: 'a', text: '2' },
    ],
    /"a" is there twice/,
  ],
  ['a device', [{ name: 'd', type: 'character-device' }], /"d" is a character device/],
  ['a FIFO', [{ name: 'f', type: 'fifo' }], /"f" is a FIFO/],
  [
    'a link that leads out',
    [{ name: 'd/l', type: 'symlink', linkname: '../../x' }],
    /"d\/l" is a link that leads out/,
  ],
  ['an absolute link', [{ name: 'l', type: 'symlink', linkname: '/etc/passwd' }], /leads out/],
  [
    'a file through a link',
    [
      { name: 'd/x', text: '' },
      { name: 'l', type: 'symlink', linkname: 'd' },
      { name: 'l/y', text: 'y' },
    ],
    /"l" is a file or a link and no directory/,
  ],
  [
    'a file below a file',
    [
      { name: 'a', text: '1' },
      { name: 'a/b', text: '2' },
    ],
    /no directory/,
  ],
  ['a second name of what is outside', [{ name: 'h', type: 'link', linkname: '../x' }], /leads out/],
  ['a second name of nothing', [{ name: 'h', type: 'link', linkname: 'x' }], /not there/],
  [
    'a second name of a link that leads out from there',
    [
      { name: 'd/l', type: 'symlink', linkname: '../x' },
      { name: 'h', type: 'link', linkname: 'd/l' },
    ],
    /"h" is a link that leads out/,
  ],
  [
    'a second name of a directory',
    [
      { name: 'd', type: 'directory' },
      { name: 'h', type: 'link', linkname: 'd' },
    ],
    /"h" is a second name of a directory/,
  ],
  [
    'a second name of what is in a file',
    [
      { name: 'f', text: '' },
      { name: 'h', type: 'link', linkname: 'f/x' },
    ],
    /"h" is a link to what is not there/,
  ],
  ['an empty part', [{ name: 'a//b', text: '' }], /empty part/],
  ['a name that is too long', [{ name: `${'n'.repeat(256)}`, text: '' }], /more than 255 bytes/],
])('%s is refused by its name', async (_name, lines, words) => {
  writeFileSync(join(place, 'x'), 'outside');
  await expect(put(await tar(...lines))).rejects.toThrow(words);
  expect(readdirSync(place).sort()).toEqual(['root', 'x']);
  expect(readFileSync(join(place, 'x'), 'utf8')).toBe('outside');
});

test('a second name of nothing makes none of the directories in which it is looked for', async () => {
  const nothing = { name: 'to/h', type: 'link', linkname: 'from/deep/x' } as const;
  await expect(put(await tar(nothing))).rejects.toThrow('not there');
  expect(readdirSync(root)).toEqual([]);
});

test('a second name of a link that stays inside says the same', async () => {
  await put(
    await tar(
      { name: 'd/f', text: 'x' },
      { name: 'd/l', type: 'symlink', linkname: 'f' },
      { name: 'd/h', type: 'link', linkname: 'd/l' },
    ),
  );
  expect(readlinkSync(join(root, 'd/h'))).toBe('f');
});

test('a zip made on Unix has a backslash, and what would be a disk elsewhere, in names; of another one it is refused', async () => {
  const made = async (name: string): Promise<Buffer> => {
    const bytes = await zip({ name: 'n'.repeat(name.length), text: 'x' });
    return Buffer.from(bytes.toString('latin1').replaceAll('n'.repeat(name.length), name), 'latin1');
  };
  for (const name of ['a\\b', 'c:x', 'end\\']) {
    await put(await made(name));
    expect(read(name)).toBe('x');
  }
  const other = await made('q\\r');
  other[other.indexOf('PK\x01\x02', 0, 'latin1') + 5] = 0; // MS-DOS made it
  await expect(put(other)).rejects.toThrow(/"q\\\\r" has a backslash/);
  expect(readdirSync(root).sort()).toEqual(['a\\b', 'c:x', 'end\\']);
});

test.each(['gnu', 'posix'])('a name of bytes that are no UTF-8 is refused: --format=%s', async (format) => {
  const from = join(place, 'from');
  for (const name of [
    [0x6e, 0xe9],
    [...Buffer.alloc(150, 'n'), 0xe9],
  ]) {
    mkdirSync(from);
    writeFileSync(Buffer.concat([Buffer.from(`${from}/`), Buffer.from(name)]), 'x');
    const bytes = execFileSync('tar', ['-C', from, `--format=${format}`, '-cf', '-', '.']);
    await expect(put(bytes)).rejects.toThrow('is not UTF-8');
    rmSync(from, { recursive: true });
  }
});

test('others have their turns while directories get their modes', async () => {
  const above = Array.from({ length: 20 }, () => 'd').join('/');
  const names = Array.from({ length: 3000 }, (_, index) => `${above}/${index}`);
  const bytes = await tar(
    ...names.map((name) => ({ name: `${name}/`, type: 'directory' as const, mode: 0o750 })),
  );
  let over = false;
  const unpacking = put(bytes, { caps: { bytes: 1e9, files: 10_000 } }).finally(() => {
    over = true;
  });
  const isSet = (name = ''): boolean => existsSync(join(root, name)) && modeOf(name) === 0o750;
  let between = 0;
  while (!over) {
    await turn();
    if (isSet(names[0]) !== isSet(names.at(-1))) between++;
  }
  await unpacking;
  expect(names.every(isSet)).toBe(true);
  expect(between).toBeGreaterThan(0);
});

test('a zip is held to the same', async () => {
  for (const [lines, words] of [
    [[{ name: 'a/../../x' }], /leads out|invalid relative path/],
    [[{ name: 'l', text: '/etc/passwd', mode: 0o120777 }], /leads out/],
    [[{ name: 'p', mode: 0o010644 }], /special file/],
  ] as const) {
    const bytes = await zip(
      ...lines.map((line) => ({ ...line, name: line.name.replace('a/../..', 'aaaaaaa') })),
    );
    // The writer refuses such names: they are put in after it.
    const evil = Buffer.from(bytes.toString('latin1').replaceAll('aaaaaaa/x', 'a/../../x'), 'latin1');
    await expect(put(evil)).rejects.toThrow(words);
  }
  expect(readdirSync(place)).toEqual(['root']);
});

describe('a zip that is not what its directory says of it is refused by the name of the entry:', () => {
  const text = 'hello, hello, hello';
  /** The fields of an entry in the directory of a zip, by where they are. */
  const [CODING, CRC, TAKEN, SIZE] = [10, 16, 20, 24];
  const directoryOf = (bytes: Buffer): number => bytes.lastIndexOf('PK\x01\x02', -1, 'latin1');
  const made = (method: 'deflated' | 'stored', mode = 0o100644): Promise<Buffer> =>
    zip({ name: 'a', text: 'sound' }, { name: 'd/b', text, mode, compress: method === 'deflated' });
  const more = (at: number, by: number) => (bytes: Buffer) => {
    const place = directoryOf(bytes) + at;
    bytes.writeUInt32LE((bytes.readUInt32LE(place) + by) >>> 0, place);
  };

  test.each<[string, 'deflated' | 'stored', (bytes: Buffer) => unknown, RegExp]>([
    ['a byte that changed on its way', 'stored', (b) => b.write('J', b.indexOf('hello')), /another CRC-32/],
    ['the CRC-32 of other bytes', 'deflated', more(CRC, 1), /another CRC-32/],
    ['the CRC-32 of other bytes', 'stored', more(CRC, 1), /another CRC-32/],
    ['fewer bytes than there are', 'deflated', more(SIZE, -1), /more than the 18 bytes/],
    ['more bytes than there are', 'deflated', more(SIZE, 1), /has 19 bytes and not 20/],
    ['fewer bytes than there are', 'stored', more(SIZE, -1), /more than the 18 bytes/],
    ['fewer bytes in the archive', 'deflated', more(TAKEN, -1), /cannot be unpacked: unexpected end of file/],
    ['more bytes in the archive', 'deflated', more(TAKEN, 1), /of the archive and not/],
    ['fewer bytes in the archive', 'stored', more(TAKEN, -1), /has 18 bytes and not 19/],
    ['more bytes in the archive', 'stored', more(TAKEN, 1), /more than the 19 bytes/],
    ['a coding that is not known', 'stored', more(CODING, 14), /unsupported compression method/],
  ])('%s, %s', async (_name, method, spoil, words) => {
    const bytes = await made(method);
    spoil(bytes);
    await expect(put(bytes)).rejects.toThrow(words);
    await expect(put(bytes, { into: ['again'] })).rejects.toMatchObject({ name: 'BadName', path: 'd/b' });
    expect(readdirSync(place)).toEqual(['root']);
  });

  test('a link too', async () => {
    const bytes = await made('stored', 0o120777);
    more(CRC, 1)(bytes);
    await expect(put(bytes)).rejects.toMatchObject({ name: 'BadName', path: 'd/b' });
    expect(existsSync(join(root, 'd/b'))).toBe(false);
  });

  test('one that is sound is not', async () => {
    await put(await made('deflated'), { into: ['1'] });
    await put(await made('stored'), { into: ['2'] });
    expect([read('1/d/b'), read('2/d/b')]).toEqual([text, text]);
    const long = randomBytes(700_000).toString('hex');
    await put(await zip({ name: 'long', text: long }, { name: 'empty' }));
    expect([read('long') === long, read('empty')]).toEqual([true, '']);
  });
});

test('bytes and files are counted while they come: a bomb is refused when it is too much', async () => {
  const bomb = gzipSync(await tar({ name: 'zeros', text: '\0'.repeat(5_000_000) }));
  expect(bomb.length).toBeLessThan(20_000);
  await expect(put(bomb, { caps: { bytes: 1_000_000, files: 10 } })).rejects.toMatchObject({
    code: 'body_too_large',
  });
  expect(lstatSync(join(root, 'zeros')).size).toBeLessThanOrEqual(1_000_000);
  const many = await tar(...Array.from({ length: 11 }, (_, i) => ({ name: `f${i}`, text: '' })));
  await expect(put(many, { caps: { bytes: 1000, files: 10 } })).rejects.toThrow('RUNWIRE_MAX_UPLOAD_FILES');
  const zeros = await zip({ name: 'z', text: '\0'.repeat(5_000_000) });
  await expect(put(zeros, { caps: { bytes: 1_000_000, files: 10 } })).rejects.toMatchObject({
    code: 'body_too_large',
  });
});

test.each([
  ['a tar', () => tar({ name: 'a/b/c/d', text: '1' })],
  ['a zip', () => zip({ name: 'a/b/c/d', text: '1' })],
])('directories that %s names by what is in them alone count too', async (_what, archive) => {
  await expect(put(await archive(), { caps: { bytes: 1000, files: 3 } })).rejects.toMatchObject({
    code: 'body_too_large',
    message: 'More than 3 files and directories (RUNWIRE_MAX_UPLOAD_FILES).',
  });
  expect(existsSync(join(root, 'a/b/c/d'))).toBe(false);
  rmSync(join(root, 'a'), { recursive: true });
  await put(await archive(), { caps: { bytes: 1000, files: 4 } });
});

test('a directory that is named before or after what is in it counts once; each further time counts too', async () => {
  const lines: Line[] = [
    { name: 'a/', type: 'directory' },
    { name: 'a/x', text: '1' },
    { name: 'b/y', text: '1' },
    { name: 'b/', type: 'directory' },
  ];
  await put(await tar(...lines), { caps: { bytes: 1000, files: 4 } });
  const again = Array.from({ length: 5 }, (): Line => ({ name: 'a/', type: 'directory' }));
  await expect(put(await tar(...again), { caps: { bytes: 1000, files: 4 } })).rejects.toThrow(
    'More than 4 files and directories',
  );
});

test('a second name counts as many bytes as its file has: a copy of the tree has them once more', async () => {
  const archive = await tar(
    { name: 'a', text: 'x'.repeat(400) },
    { name: 'b', type: 'link', linkname: 'a' },
    { name: 'c', type: 'link', linkname: 'a' },
    { name: 's', type: 'symlink', linkname: 'a' },
    { name: 't', type: 'link', linkname: 's' },
  );
  await expect(put(archive, { caps: { bytes: 1199, files: 10 } })).rejects.toMatchObject({
    code: 'body_too_large',
  });
  for (const name of readdirSync(root)) rmSync(join(root, name));
  expect((await put(archive, { caps: { bytes: 1200, files: 10 } })).ledger.bytes).toBe(1200);
});

test.each([
  ['nothing', async () => Buffer.alloc(0)],
  ['what is none', async () => Buffer.from('hello, world, this is text and no archive'.repeat(30))],
  ['a tar that is cut', async () => (await tar({ name: 'a', text: 'x'.repeat(5000) })).subarray(0, 3000)],
  [
    'a gzip that is cut',
    async () => gzipSync(await tar({ name: 'a', text: 'x'.repeat(5000) })).subarray(0, 60),
  ],
  ['a zip that is cut', async () => (await zip({ name: 'a', text: 'x' })).subarray(0, 40)],
])('%s is no archive', async (_name, bytes) => {
  await expect(put(await bytes())).rejects.toThrow(/cannot be unpacked/);
});

test('it may go into a directory below, and what is there already is not written over', async () => {
  mkdirSync(join(root, 'in'));
  writeFileSync(join(root, 'in', 'a'), 'old');
  await put(await tar({ name: 'b', text: 'new' }), { into: ['in', 'new'] });
  expect(read('in/new/b')).toBe('new');
  await expect(put(await tar({ name: 'a', text: 'new' }), { into: ['in'] })).rejects.toThrow(
    'is there twice',
  );
  expect(read('in/a')).toBe('old');
});

test('a program that swaps directories for links meanwhile gains nothing', async () => {
  const outside = join(place, 'outside');
  mkdirSync(outside);
  const lines = Array.from({ length: 3000 }, (_, i) => ({ name: `d${i % 7}/e/f${i}`, text: 'x' }));
  const swapper = spawn('sh', [
    '-c',
    `cd ${root}; while :; do for i in 0 1 2 3 4 5 6; do mv d$i gone.$$ && ln -s ${outside} d$i && rm d$i && mv gone.$$ d$i; done; done 2>/dev/null`,
  ]);
  const ended = once(swapper, 'exit');
  try {
    await put(await tar(...lines), { caps: { bytes: 1e9, files: 10_000 } }).catch(() => {});
  } finally {
    swapper.kill('SIGKILL');
    await ended;
  }
  expect(readdirSync(outside)).toEqual([]);
});

test.each(['gnu', 'posix'])(
  'a sparse file as tar packs it with --format=%s is refused by its name',
  async (format) => {
    const from = join(place, 'from');
    mkdirSync(from);
    writeFileSync(join(from, 'holes'), 'end');
    truncateSync(join(from, 'holes'), 1_000_000);
    writeFileSync(join(from, 'holes'), 'more', { flag: 'a' });
    const bytes = execFileSync('tar', ['-C', from, '--sparse', `--format=${format}`, '-cf', '-', 'holes']);
    await expect(put(bytes)).rejects.toThrow(/^"holes" is a sparse file/);
    expect(readdirSync(root)).toEqual([]);
  },
);
