import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { type Header, pack } from 'tar-stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type EditedTree, putFile, remove } from '../../../src/files/edit.ts';
import { unpackInto } from '../../../src/files/exchange.ts';
import { takeOf } from '../../helpers/stub-workspaces.ts';

const caps = { bytes: 1e6, files: 1000 };
const anything = () => {};

let place: string;
let tree: EditedTree;
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'runwire-edit-'));
  for (const name of ['tree', 'beside', 'outside']) mkdirSync(join(place, name));
  writeFileSync(join(place, 'outside/f'), 'outside');
  tree = {
    root: join(place, 'tree'),
    beside: join(place, 'beside'),
    take: async () => {},
    isPrivate: () => false,
  };
});
afterEach(() => {
  expect(readdirSync(tree.beside)).toEqual([]);
  expect(readdirSync(join(place, 'outside'))).toEqual(['f']);
  expect(readFileSync(join(place, 'outside/f'), 'utf8')).toBe('outside');
  execFileSync('chmod', ['-R', 'u+rwX', place]);
  rmSync(place, { recursive: true, force: true });
});

const at = (path: string): string => join(tree.root, path);
const read = (path: string): string => readFileSync(at(path), 'utf8');
const modeOf = (path: string): number => lstatSync(at(path)).mode & 0o777;
const make = (script: string): void => void execFileSync('sh', ['-ec', script], { cwd: tree.root });

async function* chunks(...texts: string[]): AsyncGenerator<Buffer> {
  for (const text of texts) yield Buffer.from(text);
}

interface Put {
  mode?: number;
  judge?: () => void;
  sync?: boolean;
}
const put = (path: string, text: string | AsyncIterable<Buffer>, { mode, judge, sync }: Put = {}) =>
  putFile(tree, path.split('/'), typeof text === 'string' ? chunks(text) : text, {
    mode,
    judge: judge ?? anything,
    caps,
    sync: sync ?? false,
  });
const take = (path: string, recursive = false) =>
  remove(tree, path.split('/'), { recursive, judge: anything, sync: true });

describe('A file that is put', () => {
  test.each([false, true])('comes to be, with what is above it, or is replaced (sync %s)', async (sync) => {
    expect((await put('a/b/c', 'one', { sync })).made).toBe(true);
    expect([read('a/b/c'), modeOf('a/b/c'), modeOf('a/b')]).toEqual(['one', 0o644, 0o755]);
    chmodSync(at('a/b/c'), 0o755);
    const { made, stats } = await put('a/b/c', 'two', { sync });
    expect([made, read('a/b/c'), modeOf('a/b/c')]).toEqual([false, 'two', 0o755]);
    const { ino, ctimeNs } = lstatSync(at('a/b/c'), { bigint: true });
    expect(stats).toMatchObject({ ino, ctimeNs });
    await put('a/b/c', '', { mode: 0o600, sync });
    expect([read('a/b/c'), modeOf('a/b/c')]).toEqual(['', 0o600]);
  });

  test('takes the place of a link and of a FIFO, and goes through none', async () => {
    make('ln -s ../outside/f link; ln -s ../outside dir; mkfifo pipe');
    await put('link', 'new');
    await put('pipe', 'new');
    expect([read('link'), lstatSync(at('link')).isFile(), lstatSync(at('pipe')).isFile()]).toEqual([
      'new',
      true,
      true,
    ]);
    await expect(put('dir/f', 'new')).rejects.toMatchObject({ name: 'InTheWay', path: 'dir' });
  });

  test('takes the place of no directory, and of nothing below a file', async () => {
    make('mkdir d; echo x >d/x; echo f >f');
    await expect(put('d', 'new')).rejects.toThrow('"d" is a directory');
    await expect(put('f/x', 'new')).rejects.toThrow('"f" is a file or a link and no directory');
    expect([read('d/x'), read('f')]).toEqual(['x\n', 'f\n']);
  });

  test('that breaks off, is too long or has no room leaves the old one', async () => {
    await put('f', 'old');
    const broken = async function* () {
      yield Buffer.from('new');
      throw new Error('gone');
    };
    await expect(put('f', broken())).rejects.toThrow('gone');
    await expect(put('f', 'x'.repeat(1e6 + 1))).rejects.toMatchObject({ code: 'body_too_large' });
    tree = { ...tree, take: takeOf(4) };
    await expect(put('f', 'x'.repeat(8))).rejects.toMatchObject({ code: 'workspace_full' });
    expect(read('f')).toBe('old');
    await put('f', 'x'.repeat(7)); // its own bytes make room
    tree = { ...tree, take: takeOf(-10) };
    await put('f', 'y'.repeat(7));
    await expect(put('new', 'y')).rejects.toMatchObject({ code: 'workspace_full' });
    await put('new', '');
  });

  test('is judged again when it changes hands: of two the first wins', async () => {
    let arrived = () => {};
    const both = new Promise<void>((done) => {
      arrived = done;
    });
    let waiting = 0;
    const slow = async function* (text: string) {
      if (++waiting === 2) arrived();
      await both;
      yield Buffer.from(text);
    };
    const only = (text: string) =>
      putFile(tree, ['f'], slow(text), {
        mode: undefined,
        caps,
        sync: true,
        judge: (current) => {
          if (current !== null) throw new Error('is there');
        },
      });
    const results = await Promise.allSettled([only('a'), only('b')]);
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(['a', 'b'][results.findIndex(({ status }) => status === 'fulfilled')]).toBe(read('f'));
  });

  test('nobody finds it deeper than trees are read', async () => {
    const deep = Array.from({ length: 257 }, () => 'd').join('/');
    await put(deep, 'x');
    await expect(put(`${deep}/f`, 'x')).rejects.toThrow('deeper than 256 directories');
  });

  test('does not go into what is private to the server', async () => {
    make('mkdir own');
    const { ino } = lstatSync(at('own'));
    tree = { ...tree, isPrivate: (stats) => stats.ino === ino };
    await expect(put('own/f', 'x')).rejects.toThrow('holds the data of the server');
  });
});

describe('What is taken away', () => {
  test('is a file, a link itself, or a directory with all in it where that is said', async () => {
    make(
      'ln -s ../outside out; ln -s ../outside/f f; mkdir -p d/e; echo x >d/e/x; ln -s ../../outside d/out',
    );
    make('mkdir -p d/locked/in; touch d/locked/in/x; chmod 0 d/locked/in; chmod 500 d/locked');
    expect([await take('out'), await take('f'), await take('f'), await take('no/such')]).toEqual([
      true,
      true,
      false,
      false,
    ]);
    await expect(take('d')).rejects.toThrow('recursive');
    expect(existsSync(at('d/e/x'))).toBe(true);
    expect([await take('d', true), readdirSync(tree.root)]).toEqual([true, []]);
  });

  test('is not what a link on the way leads to', async () => {
    make('ln -s ../outside out');
    await expect(take('out/f')).rejects.toMatchObject({ path: 'out' });
  });

  test('may be a tree deeper than a path can tell', async () => {
    make('for i in $(seq 450); do mkdir dddddddddd; cd -P dddddddddd; done; touch end');
    expect(await take('dddddddddd', true)).toBe(true);
    expect(readdirSync(tree.root)).toEqual([]);
  });
});

type Line = Partial<Header> & { name: string; text?: string };

function tar(...lines: Line[]): Readable {
  const packing = pack();
  for (const { text = '', ...header } of lines) packing.entry(header, text);
  packing.finalize();
  return Readable.from(packing as AsyncIterable<Buffer>, { objectMode: false });
}

describe('An archive that is unpacked into a tree', () => {
  const into = (path: string, ...lines: Line[]) =>
    unpackInto(tree, path === '' ? [] : path.split('/'), tar(...lines), { caps, sync: false });

  test('gives others their turns while directories get their modes', async () => {
    const above = Array.from({ length: 20 }, () => 'd').join('/');
    const count = 3000;
    const names = Array.from({ length: count }, (_, index) => `${above}/${index}`);
    // Every one of the directories is made, also one that is there; its mode is set when all are in place.
    const lines = names.map((name): Line => ({ name: `${name}/`, type: 'directory', mode: 0o750 }));
    let over = false;
    const unpacking = unpackInto(tree, [], tar(...lines), {
      caps: { ...caps, files: 10 * count },
      sync: false,
    }).finally(() => {
      over = true;
    });
    const isSet = (name: string): boolean => existsSync(at(name)) && modeOf(name) === 0o750;
    let between = 0;
    while (!over) {
      await turn();
      if (isSet(names.at(-1) as string) !== isSet(names[0] as string)) between++;
    }
    await unpacking;
    expect(names.every(isSet)).toBe(true);
    expect(between).toBeGreaterThan(0);
  });

  test('replaces what is there and leaves the rest', async () => {
    make('mkdir -p d/e; echo old >d/a; echo stays >d/b; ln -s a d/l; chmod 700 d/e; chmod 750 d');
    const { files, bytes } = await into(
      '',
      { name: './', type: 'directory', mode: 0o777 },
      { name: 'd/a', text: 'new', mode: 0o755 },
      { name: 'd/l', text: 'file' },
      { name: 'd/e/x', text: '' },
      { name: 'n/m/', type: 'directory', mode: 0o500 },
      { name: 'n/m/f', text: 'f', mode: 0o400 },
      { name: 'link', type: 'symlink', linkname: 'd/a' },
      { name: 'same', type: 'link', linkname: 'd/a' },
    );
    expect([files, bytes]).toEqual([5, 3 + 4 + 0 + 1 + 3]);
    expect([read('d/a'), read('d/b'), read('d/l'), read('n/m/f'), read('same')]).toEqual([
      'new',
      'stays\n',
      'file',
      'f',
      'new',
    ]);
    expect(readlinkSync(at('link'))).toBe('d/a');
    expect(['d/a', 'd', 'd/e', 'n', 'n/m', 'n/m/f'].map(modeOf)).toEqual([
      0o755, 0o750, 0o700, 0o755, 0o500, 0o400,
    ]);
    expect(lstatSync(at('d/l')).isFile()).toBe(true);
  });

  test('goes below a path, which is made; directories that it names get their modes', async () => {
    await into('x/y', { name: 'a', text: 'a' });
    expect(read('x/y/a')).toBe('a');
    await into('x', { name: 'y', type: 'directory', mode: 0o700 }, { name: 'y/b', text: 'b' });
    expect([modeOf('x/y'), read('x/y/a'), read('x/y/b')]).toEqual([0o700, 'a', 'b']);
    make('ln -s ../outside out; echo f >f');
    await expect(into('out', { name: 'f', text: '' })).rejects.toMatchObject({ path: 'out' });
    await expect(into('f', { name: 'f', text: '' })).rejects.toMatchObject({ path: 'f' });
  });

  test.each<[string, Line[], RegExp]>([
    ['a directory in the place of a file', [{ name: 'd', text: 'x' }], /"d" is a directory/],
    ['a file in the place of a directory', [{ name: 'f/x', text: 'x' }], /"f" is a file or a link/],
    ['a link in the place of a directory', [{ name: 'out/f', text: 'x' }], /"out" is a file or a link/],
    ['an entry that leads out', [{ name: '../x', text: 'x' }], /leads out/],
    ['a link that leads out', [{ name: 'l', type: 'symlink', linkname: '../../x' }], /leads out/],
    ['a device', [{ name: 'dev', type: 'character-device' }], /character device/],
    ['too many bytes', [{ name: 'large', text: 'x'.repeat(1e6) }], /More than 1000000 bytes/],
    ['an entry twice', [{ name: 'n/one', text: '2' }], /"n\/one" is there twice/],
    [
      'an entry deeper than trees are read',
      [{ name: `${Array.from({ length: 300 }, () => 'd').join('/')}/f`, text: '' }],
      /deeper than 256/,
    ],
  ])('%s refuses all of it, and nothing is changed', async (_name, lines, words) => {
    make('mkdir d; echo x >d/x; echo f >f; ln -s ../outside out');
    const before = execFileSync('ls', ['-laR', '--time-style=full-iso'], { cwd: tree.root }).toString();
    await expect(
      into('', { name: 'n/one', text: '1' }, { name: 'f', text: 'new' }, ...lines, { name: 'z', text: 'z' }),
    ).rejects.toThrow(words);
    expect(execFileSync('ls', ['-laR', '--time-style=full-iso'], { cwd: tree.root }).toString()).toBe(before);
  });

  test('what does not fit changes nothing; what it replaces makes room', async () => {
    make('printf 12345 >f');
    tree = { ...tree, take: takeOf(3) };
    await expect(into('', { name: 'f', text: '1234567' }, { name: 'g', text: '89' })).rejects.toMatchObject({
      code: 'workspace_full',
    });
    expect([read('f'), existsSync(at('g'))]).toEqual(['12345', false]);
    await into('', { name: 'f', text: '1234567' }, { name: 'g', text: '8' });
    expect([read('f'), read('g')]).toEqual(['1234567', '8']);
  });

  test('one that is none, or breaks off, changes nothing', async () => {
    for (const bytes of [Buffer.alloc(0), Buffer.from('text'), gzipSync('text').subarray(0, 12)])
      await expect(unpackInto(tree, [], Readable.from([bytes]), { caps, sync: true })).rejects.toThrow(
        'cannot be unpacked',
      );
    expect(readdirSync(tree.root)).toEqual([]);
  });

  test('may have files that nobody may read, also where they are synced', async () => {
    await unpackInto(tree, [], tar({ name: 'd/f', text: 'x', mode: 0o200 }), { caps, sync: true });
    expect(modeOf('d/f')).toBe(0o200);
  });
});
