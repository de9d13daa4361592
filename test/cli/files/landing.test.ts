import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Landing } from '../../../cli/files/landing.ts';
import { hashOf, treeHere } from '../../helpers/tree-here.ts';
import { workingPlace } from '../../helpers/working-place.ts';

const place = workingPlace();
const landed = { mode: 0o644, modifiedAt: new Date(1e12) };
async function* bytesOf(...words: string[]) {
  for (const word of words) yield new TextEncoder().encode(word);
}
/** A directory to land in, and one beside it that must stay empty. */
function landing(): Landing {
  mkdirSync(place.at('to'));
  mkdirSync(place.at('outside'));
  return new Landing(place.at('to'));
}
const outside = () => readdirSync(place.at('outside'));

test.each(['../outside/x', '/x', 'a/../../outside/x', 'a//x', 'a/./x', '..', 'x\0y', ''])(
  'the name %j is refused for a file, a directory and a link',
  async (path) => {
    const to = landing();
    await expect(to.file(path, landed, bytesOf('x'))).rejects.toThrow('no name of a file');
    expect(() => to.directory(path === '' ? '/' : path, 0o755)).toThrow('no name of a file');
    expect(() => to.link(path, 'x')).toThrow('no name of a file');
    expect(outside()).toEqual([]);
  },
);

test('nothing is written through a link that is there, to a directory or to a file', async () => {
  const to = landing();
  symlinkSync('../outside', place.at('to/d'));
  writeFileSync(place.at('kept'), 'kept');
  symlinkSync('../kept', place.at('to/f'));
  await expect(to.file('d/x', landed, bytesOf('x'))).rejects.toThrow('nothing is written through it');
  expect(() => to.directory('d/x', 0o755)).toThrow('nothing is written through it');
  await to.file('f', landed, bytesOf('new'));
  to.link('d/l', 'x');
  expect(() => to.finish()).toThrow('nothing is written through it');
  expect(outside()).toEqual([]);
  expect(readFileSync(place.at('kept'), 'utf8')).toBe('kept');
  expect(readFileSync(place.at('to/f'), 'utf8')).toBe('new');
});

test('links are made last, and not those that lead out, by themselves or over others', async () => {
  const to = landing();
  to.link('a/up', '..');
  to.link('b', 'a/up/../outside');
  to.link('c', '/etc/passwd');
  to.link('d', 'a/x');
  await to.file('a/x', landed, bytesOf('x'));
  expect(to.finish().toSorted()).toEqual(['b', 'c']);
  expect(treeHere(place.at('to'))).toEqual({
    a: expect.anything(),
    'a/up': 'link ..',
    'a/x': `file 644 ${hashOf(Buffer.from('x'))}`,
    d: 'link a/x',
  });
});

test('a file is whole or not there, and has no more rights than permissions', async () => {
  const to = landing();
  writeFileSync(place.at('to/x'), 'old');
  async function* breaking() {
    yield* bytesOf('new');
    throw new Error('broken off');
  }
  await expect(to.file('x', landed, breaking())).rejects.toThrow('broken off');
  await to.file('x', landed, bytesOf('other'), () => false);
  expect(treeHere(place.at('to'))).toEqual({ x: `file 644 ${hashOf(Buffer.from('old'))}` });
  await to.file('x', { ...landed, mode: 0o6755 }, bytesOf('n', 'ew'));
  to.directory('closed', 0o500);
  await to.file('closed/y', landed, bytesOf('y'));
  to.finish();
  expect(treeHere(place.at('to'))).toMatchObject({
    closed: 'directory 500',
    'closed/y': `file 644 ${hashOf(Buffer.from('y'))}`,
    x: `file 755 ${hashOf(Buffer.from('new'))}`,
  });
});

test('what is there already is told by its bytes; what is in the way is named, and stays', async () => {
  const to = landing();
  writeFileSync(place.at('to/x'), 'x');
  mkdirSync(place.at('to/d'));
  execFileSync('mkfifo', [place.at('to/p')]);
  expect(await to.has('x', 1, hashOf(Buffer.from('x')))).toBe(true);
  expect(await to.has('x', 1, hashOf(Buffer.from('y')))).toBe(false);
  expect(await to.has('p', 0, hashOf(Buffer.from('')))).toBe(false);
  expect(await to.has('x/y', 1, hashOf(Buffer.from('x')))).toBe(false);
  await expect(to.file('d', landed, bytesOf(''))).rejects.toThrow(
    'is a directory, and a file is to be there',
  );
  await expect(to.file('x/y', landed, bytesOf(''))).rejects.toThrow(
    'is a file, and a directory is to be there',
  );
  to.link('d', 'x');
  expect(() => to.finish()).toThrow('is a directory, and a link is to be there');
  expect(existsSync(place.at('to/d'))).toBe(true);
});
