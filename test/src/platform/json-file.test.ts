import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { readJsonFile, writeJsonFile } from '../../../src/platform/json-file.ts';

const Facts = z.object({ count: z.number() });
let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'runwire-json-'));
  path = join(directory, 'run', 'facts.json');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

test('what was written last is read, and nothing else is left', () => {
  expect(readJsonFile(path, Facts)).toBeNull();
  writeJsonFile(path, { count: 1 });
  writeJsonFile(path, { count: 2 });
  expect(readJsonFile(path, Facts)).toEqual({ count: 2 });
  expect(readdirSync(join(directory, 'run'))).toEqual(['facts.json']);
});

test('nobody but the owner reads it, nor its directory', () => {
  writeJsonFile(path, {});
  expect([path, join(directory, 'run')].map((place) => statSync(place).mode & 0o777)).toEqual([0o600, 0o700]);
});

test('the rest of a write that a crash cut off does no harm', () => {
  writeJsonFile(path, { count: 1 });
  writeFileSync(`${path}.new`, '{"count":2222222222222222222222222222222222');
  expect(readJsonFile(path, Facts)).toEqual({ count: 1 });
  writeJsonFile(path, { count: 3 });
  expect(readJsonFile(path, Facts)).toEqual({ count: 3 });
});

test('a write that fails is told, and leaves no part', () => {
  mkdirSync(join(path, 'in the way'), { recursive: true });
  expect(() => writeJsonFile(path, { count: 1 })).toThrow(/EISDIR|ENOTEMPTY|EEXIST/);
  expect(readdirSync(join(directory, 'run'))).toEqual(['facts.json']);
});

test.each([
  ['torn', '{"count":'],
  ['empty', ''],
  ['of something else', '{"number":1}'],
  ['no object', 'null'],
])('content that is %s is told as such, by the name of the file', (_what, text) => {
  writeJsonFile(path, {});
  writeFileSync(path, text);
  expect(() => readJsonFile(path, Facts)).toThrow('facts.json is torn, or was written by something else');
});

test('a file that cannot be read is not taken for none', () => {
  mkdirSync(path, { recursive: true });
  expect(() => readJsonFile(path, Facts)).toThrow('EISDIR');
});
