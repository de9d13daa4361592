import fs from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Collection } from '../../../src/artifacts/collection.ts';
import { collecting } from '../../helpers/collecting.ts';

const { places, collect, whole, kept } = collecting();

const OUT = 'a symbolic link out of the directory';
const NOWHERE = 'a symbolic link that leads nowhere';

/** A directory of names and contents; a content that begins with `->` is a link. */
function tree(files: Record<string, string>): void {
  for (const [name, content] of Object.entries(files)) {
    const path = join(places.wd, name);
    fs.mkdirSync(dirname(path), { recursive: true });
    if (content.startsWith('->')) fs.symlinkSync(content.slice(2), path);
    else fs.writeFileSync(path, content);
  }
}

/** What became of each name: its content, or why it was left out. */
function fates({ artifacts, omitted }: Collection): Record<string, string> {
  return Object.fromEntries([
    ...artifacts.map(({ id, description }) => [description, kept(id)]),
    ...omitted.map(({ path, reason }) => [path.replace(`${places.wd}/`, ''), reason]),
  ]);
}

const workspace = () => [{ inside: '/workspace', source: places.wd }];

describe('links of a program that had a tree of its own', () => {
  test('lead where they led there, and by no path of this machine', async () => {
    fs.writeFileSync(join(places.dir, 'secret'), 'secret of the host');
    tree({
      'real.txt': 'real',
      'deep/real.txt': 'deep',
      absolute: '->/workspace/real.txt',
      relative: '->deep/real.txt',
      chain: '->/workspace/absolute',
      up: '->../workspace/real.txt',
      'deep/up': '->../../workspace/./deep//real.txt',
      directory: '->/workspace/deep',
      through: '->/workspace/directory/real.txt',
      back: '->/workspace/directory/../real.txt',
      // The same path is a file of the host, and none of the container.
      host: `->${join(places.wd, 'real.txt')}`,
      secret: `->${join(places.dir, 'secret')}`,
      passwd: '->/etc/passwd',
      missing: '->/no/such/file',
      nowhere: '->/workspace/none',
      file: '->/workspace/real.txt/../deep/real.txt',
      loop: '->/workspace/loop',
      root: '->/',
      beside: '->/workspace2/real.txt',
      climbs: '->../../../../etc/passwd',
      rel: `->${'../'.repeat(20)}${join(places.dir, 'secret').slice(1)}`,
    });
    const found = fates(await collect(['**'], { mounts: workspace() }));
    expect(found).toEqual({
      'real.txt': 'real',
      'deep/real.txt': 'deep',
      absolute: 'real',
      relative: 'deep',
      chain: 'real',
      up: 'real',
      'deep/up': 'deep',
      directory: 'a symbolic link to a directory',
      through: 'deep',
      back: 'real',
      host: OUT,
      secret: OUT,
      passwd: OUT,
      missing: OUT,
      nowhere: NOWHERE,
      file: NOWHERE,
      loop: 'a symbolic link that leads to itself',
      root: OUT,
      beside: OUT,
      climbs: OUT,
      rel: OUT,
    });
  });

  test('without one they are links of this machine', async () => {
    tree({ 'real.txt': 'real', absolute: '->/workspace/real.txt', host: `->${join(places.wd, 'real.txt')}` });
    expect(fates(await collect(['*']))).toEqual({ 'real.txt': 'real', absolute: NOWHERE, host: 'real' });
  });

  test('a glob goes through no link to a directory, and says so where the link is one only there', async () => {
    tree({ 'deep/real.txt': 'deep', linked: '->/workspace/deep' });
    expect(fates(await collect(['linked/*.txt'], { mounts: workspace() }))).toMatchObject({
      linked: 'a symbolic link to a directory',
    });
    tree({ etc: '->/etc' });
    const { artifacts, omitted } = await collect(['etc/passwd'], { mounts: workspace() });
    expect(artifacts).toEqual([]);
    expect(omitted).toHaveLength(1);
  });

  test('the same directory by another mount is the same; what is mounted over a part of it hides it', async () => {
    tree({
      'out/real.txt': 'real',
      'out/hidden/x': 'under a tmpfs',
      'out/other/x': 'under another mount',
      'out/again': '->/again/real.txt',
      'out/above': '->/again/../artifacts/real.txt',
      'out/masked': '->/again/hidden/x',
      'out/replaced': '->/again/other/x',
      'beside/x': 'beside',
    });
    const mounts = [
      { inside: '/artifacts', source: places.out },
      { inside: '/again', source: places.out },
      { inside: '/again/hidden', source: null },
      { inside: '/again/other', source: join(places.wd, 'beside') },
    ];
    const { artifacts, omitted } = await whole({ mounts });
    const named = Object.fromEntries(artifacts.map(({ id, description }) => [description, kept(id)]));
    expect(named).toMatchObject({ 'real.txt': 'real', again: 'real', above: 'real' });
    expect(omitted.map(({ path, reason }) => [path.replace(`${places.out}/`, ''), reason])).toEqual([
      ['masked', OUT],
      ['replaced', OUT],
    ]);
  });

  test('a mount deep in the tree is reached by the directories around it', async () => {
    tree({ x: 'x', absolute: '->/a/b/c/x', around: '->/a/./b/../b/c/x', next: '->/a/other/x' });
    const mounts = [{ inside: '/a/b/c', source: places.wd }];
    expect(fates(await collect(['*'], { mounts }))).toEqual({
      x: 'x',
      absolute: 'x',
      around: 'x',
      next: OUT,
    });
  });

  test('an artifact directory that the program exchanged for a link is not one of this machine', async () => {
    const host = join(places.dir, 'host');
    fs.mkdirSync(join(host, 'out'), { recursive: true });
    fs.writeFileSync(join(host, 'secret'), 'secret of the host');
    fs.writeFileSync(join(host, 'out/secret'), 'secret of the host');
    const reason = 'a symbolic link out of a mounted directory';
    fs.rmdirSync(places.out);
    fs.symlinkSync(host, places.out);
    // Also where nothing is known of what it was before.
    for (const roots of [
      {},
      { roots: { working: null, artifact: null } },
      { roots: { working: null, artifact: host } },
    ]) {
      expect(await whole({ mounts: workspace(), ...roots })).toMatchObject({
        artifacts: [],
        omitted: [{ path: places.out, reason }],
      });
      const artifactDirectory = join(places.out, 'out');
      expect(await whole({ mounts: workspace(), artifactDirectory, ...roots })).toMatchObject({
        artifacts: [],
        omitted: [{ path: artifactDirectory }],
      });
    }
    const mounts = [
      { inside: '/workspace', source: join(places.dir, 'elsewhere') },
      { inside: '/artifacts', source: host },
      { inside: '/data', source: places.wd },
    ];
    expect(await whole({ mounts })).toMatchObject({ artifacts: [], omitted: [{ path: places.out, reason }] });
  });
});
