import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { keepEach, keepText } from '../../../runners/wire/artifact.ts';
import { type RunDirectory, runDirectoryAt } from '../../../src/disk/run-directory.ts';

let directory: RunDirectory;
beforeEach(() => {
  directory = runDirectoryAt(mkdtempSync(join(tmpdir(), 'runwire-http-')));
});
afterEach(() => rmSync(directory.root, { recursive: true, force: true }));

test('what cannot be kept is left out by its id, and keeps nothing else from being kept', () => {
  const described = { kind: 'http_response', description: 'a text', mediaType: 'text/plain' };
  const keep = (id: string) => keepText(directory, `the text of ${id}`, { ...described, id });
  mkdirSync(join(directory.artifacts, 'blocked'), { recursive: true });
  const { artifacts, omitted } = keepEach({ blocked: keep, kept: keep });
  expect(artifacts).toMatchObject([{ id: 'kept', sizeBytes: 16 }]);
  expect(readFileSync(join(directory.artifacts, 'kept'), 'utf8')).toBe('the text of kept');
  expect(omitted).toEqual([{ path: 'blocked', reason: 'the storage of the server failed (EISDIR)' }]);
});
