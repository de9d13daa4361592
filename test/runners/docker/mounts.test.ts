import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { bindsOf } from '../../../runners/docker/mounts.ts';
import { PrivatePlaces } from '../../../src/disk/private-places.ts';
import { runDirectory } from '../../../src/disk/run-directory.ts';
import { requires } from '../../helpers/require.ts';

let root: string;
let data: string;
let work: string;
const mounted: string[] = [];
beforeEach(() => {
  root = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'runwire-binds-')));
  data = join(root, 'srv/data');
  work = runDirectory(data, 'mine').work;
  fs.mkdirSync(work, { recursive: true });
  fs.mkdirSync(join(data, 'runs/other/work'), { recursive: true });
  for (const name of ['fine', 'secrets', 'points']) fs.mkdirSync(join(root, name));
  fs.writeFileSync(join(root, 'secrets/file.json'), '{}');
  fs.writeFileSync(join(data, 'callback.key'), 'key');
});
afterEach(() => {
  for (const point of mounted.splice(0).reverse()) execFileSync('umount', [point]);
  fs.rmSync(root, { recursive: true, force: true });
});

interface Asked {
  mount?: string;
  workspace?: { path: string; scratch: boolean };
  artifacts?: string;
}

/** What is mounted, or why it is not. */
function binds({ mount, workspace, artifacts }: Asked): string {
  const places = new PrivatePlaces(data, [join(root, 'secrets/file.json')]).look({ work });
  const spec = {
    mounts: mount === undefined ? [] : [{ source: mount, target: '/m', read_only: true }],
    tmpfs: [],
    workdir: '/workspace',
  };
  const extra = artifacts === undefined ? [] : [{ source: artifacts, target: '/artifacts', readOnly: false }];
  try {
    const made = bindsOf(spec, workspace ?? null, extra, { roots: [root], places, daemonSocket: null });
    return made.map(({ source, target }) => `${source} at ${target}`).join();
  } catch (error) {
    return (error as Error).message;
  }
}

test('a mount that is in the data directory, is it or is around it is refused by its name, by any path', () => {
  fs.symlinkSync('srv/data', join(root, 'link'));
  const overlaps = ['srv', 'srv/data', 'srv/data/runs', 'srv/data/runs/other/work', 'link', 'secrets', '']
    .concat('srv/data/runs/mine', 'srv/data/callback.key', 'secrets/file.json')
    .map((path) => join(root, path));
  for (const path of overlaps)
    expect(binds({ mount: path })).toBe(`mount ${path} overlaps the data of the server`);
  expect(binds({ mount: join(root, 'fine') })).toBe(`${root}/fine at /m`);
});

test('a working directory and an artifact directory are judged as mounts are, but for the own scratch directory', () => {
  const other = join(data, 'runs/other/work');
  const srv = join(root, 'srv');
  for (const path of [other, srv]) {
    expect(binds({ workspace: { path, scratch: false } })).toBe(
      `working directory ${path} overlaps the data of the server`,
    );
    expect(binds({ artifacts: path })).toBe(`artifact directory ${path} overlaps the data of the server`);
  }
  expect(binds({ workspace: { path: work, scratch: true } })).toBe(`${work} at /workspace`);
  expect(binds({ mount: work })).toBe(`${work} at /m`);
  fs.rmdirSync(work);
  fs.symlinkSync('../other/work', work);
  expect(binds({ workspace: { path: work, scratch: true } })).toBe(
    `working directory ${work} overlaps the data of the server`,
  );
});

requires('mount')('A place where something is mounted', () => {
  const bind = (source: string, name: string): string => {
    const point = join(root, 'points', name);
    fs.mkdirSync(point);
    execFileSync('mount', ['--bind', source, point]);
    mounted.push(point);
    return point;
  };

  test('is refused when the data directory, a part of it or what is around it is seen there', () => {
    for (const [name, source] of Object.entries({
      data,
      srv: join(root, 'srv'),
      part: join(data, 'runs/other'),
    })) {
      const point = bind(source, name);
      expect(binds({ mount: point })).toBe(`mount ${point} overlaps the data of the server`);
    }
    const around = join(root, 'points');
    expect(binds({ mount: around })).toBe(`mount ${around} overlaps the data of the server`);
    const inside = join(work, 'in');
    fs.mkdirSync(inside);
    execFileSync('mount', ['--bind', data, inside]);
    mounted.push(inside);
    expect(binds({ workspace: { path: work, scratch: true } })).toMatch(/overlaps the data of the server/);
  });
});
