import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { type Header, pack } from 'tar-stream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { archiveStream } from '../../../src/files/pack.ts';
import { unpackTree } from '../../../src/files/unpack-tree.ts';
import { NotWhole, wholeTree } from '../../../src/files/whole.ts';
import { all } from '../../helpers/tree-room.ts';

let place: string;
let root: string;
beforeEach(() => {
  place = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'runwire-unpack-tree-')));
  root = join(place, 'root');
  fs.mkdirSync(root);
});
afterEach(() => {
  execFileSync('chmod', ['-R', 'u+rwx', place]);
  fs.rmSync(place, { recursive: true, force: true });
});

type Line = Partial<Header> & { name: string; text?: string };

async function tar(...lines: Line[]): Promise<Buffer> {
  const packing = pack();
  for (const { text = '', ...header } of lines) packing.entry(header, text);
  packing.finalize();
  return Buffer.concat(await all(packing as AsyncIterable<Buffer>));
}

const DIRECTORY: Line = { name: 'ws/', type: 'directory' };

async function taken(
  bytes: Buffer | Readable,
  goOn: (names: number) => void = () => {},
): Promise<[string, string][]> {
  const left: [string, string][] = [];
  const source = Buffer.isBuffer(bytes) ? Readable.from([bytes], { objectMode: false }) : bytes;
  await unpackTree(source, root, { leaveOut: (path, reason) => left.push([path, reason]), goOn });
  return left;
}

test('has all of a tree as it was: modes, links as text wherever they lead, empty directories, second names', async () => {
  const left = await taken(
    await tar(
      DIRECTORY,
      { name: 'ws/shut/', type: 'directory', mode: 0o500 },
      { name: 'ws/shut/in', text: 'x', mode: 0o600 },
      { name: 'ws/empty/', type: 'directory', mode: 0o711 },
      { name: 'ws/run', text: '#!', mode: 0o4755 },
      { name: 'ws/again', type: 'link', linkname: 'ws/run' },
      { name: 'ws/out', type: 'symlink', linkname: '/etc/passwd' },
      { name: 'ws/up', type: 'symlink', linkname: '../../..' },
    ),
  );
  expect(left).toEqual([]);
  const mode = (path: string): number => fs.lstatSync(join(root, path)).mode & 0o7777;
  expect(['shut', 'shut/in', 'empty', 'run'].map(mode)).toEqual([0o500, 0o600, 0o711, 0o755]);
  expect(fs.readFileSync(join(root, 'again'), 'utf8')).toBe('#!');
  expect([fs.readlinkSync(join(root, 'out')), fs.readlinkSync(join(root, 'up'))]).toEqual([
    '/etc/passwd',
    '../../..',
  ]);
});

test('leaves out by name what is no file, what has no name that can be told, and what is too deep', async () => {
  const deep = `${'d/'.repeat(300)}f`;
  const left = await taken(
    await tar(
      DIRECTORY,
      { name: 'ws/pipe', type: 'fifo' },
      { name: 'ws/disk', type: 'block-device', devmajor: 8, devminor: 0 },
      { name: 'ws/null', type: 'character-device', devmajor: 1, devminor: 3 },
      { name: 'ws/caf\ufffd', text: 'x' },
      { name: 'ws/second', type: 'link', linkname: 'ws/caf\ufffd' },
      { name: 'ws/link', type: 'symlink', linkname: '\ufffd' },
      { name: `ws/${deep}`, text: 'x' },
      { name: 'ws/f', text: 'kept' },
    ),
  );
  expect(left).toEqual([
    ['pipe', 'a FIFO'],
    ['disk', 'a device'],
    ['null', 'a device'],
    ['caf\ufffd', 'its name is not UTF-8'],
    ['second', 'another name of what was left out'],
    ['link', 'a link whose text is not UTF-8'],
    [deep, 'too many directories around it'],
  ]);
  expect(fs.readdirSync(root)).toEqual(['f']);
});

test('nothing is written through a link that came before', async () => {
  fs.mkdirSync(join(place, 'outside'));
  const bytes = await tar(
    DIRECTORY,
    { name: 'ws/d', type: 'symlink', linkname: join(place, 'outside') },
    { name: 'ws/d/f', text: 'x' },
  );
  await expect(taken(bytes)).rejects.toThrow('"d" is a file or a link and no directory');
  expect(fs.readdirSync(join(place, 'outside'))).toEqual([]);
});

function emptied(): void {
  fs.rmSync(root, { recursive: true });
  fs.mkdirSync(root);
}

test('an archive that is not whole is told, wherever it was cut', async () => {
  const whole = await tar(DIRECTORY, { name: 'ws/a', text: 'x'.repeat(600) }, { name: 'ws/b', text: 'y' });
  // Of head and content in blocks of 512: directory, a (1 + 2), b (1 + 1), two of zeros.
  for (const blocks of [0, 1, 2, 3, 4, 5, 6, 7]) {
    emptied();
    await expect(taken(whole.subarray(0, blocks * 512)), `${blocks} blocks`).rejects.toThrow();
  }
  emptied();
  const broken = Readable.from(
    (async function* () {
      yield whole.subarray(0, 1536);
      throw new Error('the engine is gone');
    })(),
  );
  await expect(taken(broken)).rejects.toThrow('the engine is gone');
  await expect(taken(await tar({ name: 'ws', text: 'a file' }))).rejects.toThrow(
    'not the archive of a directory',
  );
  await expect(taken(await tar(DIRECTORY, { name: 'other', text: 'x' }))).rejects.toThrow(
    'not in the directory',
  );
});

test('ends where it is not to go on', async () => {
  let pieces = 0;
  const goOn = (): void => {
    if (++pieces > 2) throw new Error('the disk is full');
  };
  const lines = Array.from({ length: 9 }, (_, n) => ({ name: `ws/${n}`, text: 'x' }));
  await expect(taken(await tar(DIRECTORY, ...lines), goOn)).rejects.toThrow('the disk is full');
});

test('what ends it is told with its own words, while the source has more to send', async () => {
  const bytes = await tar(
    DIRECTORY,
    ...[1, 2, 3].map((n) => ({ name: `ws/${n}`, text: 'x'.repeat(100_000) })),
  );
  let closed = false;
  async function* endless(): AsyncGenerator<Buffer> {
    try {
      for (;;) yield bytes.subarray(0, -1024);
    } finally {
      closed = true;
    }
  }
  const goOn = (names: number): void => {
    if (names > 3) throw new Error('that is enough');
  };
  await expect(taken(Readable.from(endless(), { objectMode: false }), goOn)).rejects.toThrow(
    'that is enough',
  );
  await expect.poll(() => closed).toBe(true);
});

test('a tree that is packed whole and unpacked is what it was, with the owner that was said', async () => {
  const from = join(place, 'from');
  fs.mkdirSync(join(from, 'empty'), { recursive: true });
  fs.writeFileSync(join(from, 'f'), 'x', { mode: 0o640 });
  fs.symlinkSync('/nowhere', join(from, 'l'));
  execFileSync('mkfifo', [join(from, 'pipe')]);
  const entries = wholeTree({ root: from, isPrivate: () => false });
  async function* named() {
    for await (const entry of entries) yield { ...entry, path: `ws/${entry.path}` };
  }
  const owner = { uid: 3_000_000, gid: 65534 };
  const bytes = Buffer.concat(await all(archiveStream(named(), 'tar', { owner })));
  fs.writeFileSync(join(place, 'tar'), bytes);
  const told = execFileSync('tar', ['--numeric-owner', '-tvf', join(place, 'tar')], { encoding: 'utf8' });
  expect(told.match(/3000000\/65534/g)).toHaveLength(3);
  const root0 = await tar(DIRECTORY);
  await taken(Buffer.concat([root0.subarray(0, 512), bytes]));
  expect(fs.readdirSync(root)).toEqual(['empty', 'f', 'l']);
  expect(fs.statSync(join(root, 'f')).mode & 0o777).toBe(0o640);
});

test.each([
  ['a name that is not UTF-8', (at: string) => fs.writeFileSync(Buffer.from(`${at}/caf\xe9`, 'latin1'), 'x')],
  [
    'a link whose text is not UTF-8',
    (at: string) => fs.symlinkSync(Buffer.from('\xe9', 'latin1'), `${at}/l`),
  ],
  ['too many directories', (at: string) => fs.mkdirSync(`${at}/${'d/'.repeat(300)}`, { recursive: true })],
])('a tree that cannot be told whole is not told: %s', async (words, make) => {
  make(root);
  const telling = all(wholeTree({ root, isPrivate: () => false }));
  await expect(telling).rejects.toThrow(NotWhole);
  await expect(all(wholeTree({ root, isPrivate: () => false }))).rejects.toThrow(words);
});

test('a file that is nobody’s business makes a tree not whole', async () => {
  fs.writeFileSync(join(root, 'f'), 'x');
  const tree = wholeTree({ root, isPrivate: () => true });
  const opening = async (): Promise<void> => {
    for await (const { open } of tree) open();
  };
  await expect(opening()).rejects.toThrow('"f" cannot be read');
});
