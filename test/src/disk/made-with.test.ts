import { mkdtempDisposableSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { prepareDataDirectory } from '../../../src/disk/data-directory.ts';
import { defaultsOf, NEWEST_DEFAULTS } from '../../../src/disk/made-with.ts';

const room = () => mkdtempDisposableSync(join(tmpdir(), 'runwire-made-'));

test('a new data directory remembers the defaults that it was made with, also when a later release opens it', () => {
  using home = room();
  prepareDataDirectory(home.path);
  expect(defaultsOf(home.path)).toBe(NEWEST_DEFAULTS);
  writeFileSync(join(home.path, 'runwire.db'), '');
  writeFileSync(join(home.path, 'made-with.json'), '{"defaults":7,"more":true}');
  prepareDataDirectory(home.path);
  expect(defaultsOf(home.path)).toBe(7);
});

test('one that has a database, made by a release without such defaults, has none, and nothing is written', () => {
  using home = room();
  writeFileSync(join(home.path, 'runwire.db'), '');
  prepareDataDirectory(home.path);
  expect(defaultsOf(home.path)).toBe(0);
  expect(() => readFileSync(join(home.path, 'made-with.json'))).toThrow('ENOENT');
});

test.each(['', '{', 'null', '[]', '{}', '{"defaults":"1"}', '{"defaults":-1}', '{"defaults":0.5}'])(
  'a note that is %j is damaged, and says so',
  (text) => {
    using home = room();
    writeFileSync(join(home.path, 'runwire.db'), '');
    writeFileSync(join(home.path, 'made-with.json'), text);
    expect(() => defaultsOf(home.path)).toThrow('made-with.json is torn, or was written by something else');
  },
);
