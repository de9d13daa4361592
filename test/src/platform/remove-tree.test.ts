import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { removeTree } from '../../../src/platform/remove-tree.ts';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'runwire-remove-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

test('a directory goes with all in it, whatever the bytes of its names, and nothing beside it', async () => {
  const tree = join(home, 'tree');
  for (const path of ['a/b/c', 'a/d', 'e']) mkdirSync(join(tree, path), { recursive: true });
  for (const path of ['f', 'a/f', 'a/b/c/f']) writeFileSync(join(tree, path), path);
  writeFileSync(Buffer.concat([Buffer.from(`${tree}/`), Buffer.from([0xff, 0xfe])]), '');
  writeFileSync(join(home, 'beside'), 'kept');
  await removeTree(tree);
  expect(readdirSync(home)).toEqual(['beside']);
});

test('a file or a link goes, what is not there is no error, and a link is not followed', async () => {
  mkdirSync(join(home, 'kept'));
  writeFileSync(join(home, 'kept', 'f'), 'kept');
  mkdirSync(join(home, 'tree'));
  symlinkSync(join(home, 'kept'), join(home, 'tree', 'link'));
  symlinkSync(join(home, 'kept'), join(home, 'link'));
  writeFileSync(join(home, 'file'), '');
  for (const name of ['tree', 'link', 'file', 'absent', 'file/below']) await removeTree(join(home, name));
  expect(readdirSync(home)).toEqual(['kept']);
  expect(readFileSync(join(home, 'kept', 'f'), 'utf8')).toBe('kept');
});

test('many at once all come to their end, of the same tree too', async () => {
  for (let n = 0; n < 30; n++) {
    mkdirSync(join(home, `t${n}`, 'a', 'b'), { recursive: true });
    for (let at = 0; at < 20; at++) writeFileSync(join(home, `t${n}`, 'a', `f${at}`), '');
  }
  const names = readdirSync(home);
  await Promise.all([...names, ...names].map((name) => removeTree(join(home, name))));
  expect(readdirSync(home)).toEqual([]);
});

test('small trees do not wait for a large one', async () => {
  for (let n = 0; n < 300; n++) mkdirSync(join(home, 'large', `d${n}`, 'a'), { recursive: true });
  for (let n = 0; n < 50; n++) mkdirSync(join(home, `small${n}`));
  const order: string[] = [];
  const names = readdirSync(home);
  await Promise.all(names.map((name) => removeTree(join(home, name)).then(() => order.push(name))));
  expect(order.at(-1)).toBe('large');
  expect(readdirSync(home)).toEqual([]);
});
