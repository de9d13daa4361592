import { execFileSync } from 'node:child_process';
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { PrivatePlaces } from '../../../src/disk/private-places.ts';
import type { PrivateView } from '../../../src/disk/private-view.ts';
import type { RuntimeResult } from '../../../src/documents/result.ts';
import { writeResultFile } from '../../../src/run/result-file.ts';
import { swapForLinks } from '../../helpers/swapped-directory.ts';

const RESULT: RuntimeResult = {
  schema_version: '0.1',
  contract_kind: 'runtime_result',
  invocation_id: 'a',
  runtime_name: 'é',
  runtime_kind: 'subprocess',
  status: 'succeeded',
  exit_code: 0,
  started_at: '2026-01-01T00:00:00.000Z',
  finished_at: '2026-01-01T00:00:01.000Z',
  stdout_path: null,
  stderr_path: null,
  artifacts: [],
  error_summary: null,
  metadata: {},
};

let dir: string;
let places: PrivateView;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'runwire-result-'));
  places = new PrivatePlaces(join(dir, 'data')).look({ work: join(dir, 'data/runs/a/work') });
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

test('the result is indented JSON with a newline at the end, and parents are made', async () => {
  const path = join(dir, 'a/b/result.json');
  await writeResultFile(path, RESULT, { places });
  expect(readFileSync(path, 'utf8')).toBe(`${JSON.stringify(RESULT, null, 2)}\n`);
  expect(statSync(path).mode & 0o777).toBe(0o644 & ~process.umask());
});

test('where the parents cannot be made it is said, and no thread waits for them for ever', async () => {
  await expect(writeResultFile('/proc/nope/result.json', RESULT, { places })).rejects.toThrow(
    /^output_result_path cannot be written: \/proc\/nope\/result.json \(.+\)$/,
  );
});

test('a file that is there is replaced as a whole and nothing else is left', async () => {
  const path = join(dir, 'result.json');
  writeFileSync(path, 'x'.repeat(10_000));
  const before = statSync(path).ino;
  await writeResultFile(path, RESULT, { places });
  expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual(RESULT);
  expect(statSync(path).ino).not.toBe(before);
  expect(readdirSync(dir)).toEqual(['result.json']);
});

test('a link to a file stays a link and the file gets the result', async () => {
  writeFileSync(join(dir, 'real'), '');
  symlinkSync('real', join(dir, 'link'));
  await writeResultFile(join(dir, 'link'), RESULT, { places });
  expect(lstatSync(join(dir, 'link')).isSymbolicLink()).toBe(true);
  expect(JSON.parse(readFileSync(join(dir, 'real'), 'utf8'))).toEqual(RESULT);
});

test('what is no regular file is left alone and the reason is given', async () => {
  mkdirSync(join(dir, 'directory'));
  execFileSync('mkfifo', [join(dir, 'fifo')]);
  symlinkSync('/dev/null', join(dir, 'null'));
  symlinkSync('nowhere', join(dir, 'dangling'));
  symlinkSync('loop', join(dir, 'loop'));
  writeFileSync(join(dir, 'file'), '');
  const before = readdirSync(dir);
  const reasons = {
    directory: 'it is a directory',
    fifo: 'it is not a regular file',
    null: 'it is not a regular file',
    dangling: 'a symbolic link leads nowhere',
    loop: 'a symbolic link leads to itself',
    'file/result.json': 'a parent is not a directory',
    ['n'.repeat(300)]: 'the path is too long',
  };
  for (const [name, reason] of Object.entries(reasons)) {
    const path = join(dir, name);
    await expect(writeResultFile(path, RESULT, { places })).rejects.toThrow(
      `output_result_path cannot be written: ${path} (${reason})`,
    );
  }
  expect(readdirSync(dir)).toEqual(before);
  expect(lstatSync(join(dir, 'fifo')).isFIFO()).toBe(true);
});

test('a parent that cannot be written to is said, and no unfinished file stays', async () => {
  await expect(writeResultFile('/proc/result.json', RESULT, { places })).rejects.toThrow(
    /^output_result_path cannot be written/,
  );
});

test('a path under a confined directory does not follow a link out of it, neither of its parents nor its own', async () => {
  const outside = join(dir, 'outside');
  const work = join(dir, 'work');
  mkdirSync(outside);
  mkdirSync(join(work, 'real'), { recursive: true });
  symlinkSync(outside, join(work, 'parent'));
  writeFileSync(join(outside, 'mine'), 'mine');
  symlinkSync(join(outside, 'mine'), join(work, 'own'));
  symlinkSync('real', join(work, 'inside'));
  for (const path of ['parent/result.json', 'parent/new/result.json', 'own'])
    await expect(writeResultFile(join(work, path), RESULT, { confined: work, places })).rejects.toThrow(
      'leads out of the working directory',
    );
  expect(readdirSync(outside)).toEqual(['mine']);
  expect(readFileSync(join(outside, 'mine'), 'utf8')).toBe('mine');
  await writeResultFile(join(work, 'inside/new/result.json'), RESULT, { confined: work, places });
  expect(JSON.parse(readFileSync(join(work, 'real/new/result.json'), 'utf8'))).toEqual(RESULT);
  await writeResultFile(join(outside, 'elsewhere.json'), RESULT, { confined: work, places });
  expect(readdirSync(outside)).toEqual(['elsewhere.json', 'mine']);
});

test('nothing is made outside of a confined directory while links are swapped in on the way', async () => {
  const [work, outside] = [join(dir, 'work'), join(dir, 'outside')];
  mkdirSync(join(work, 'd'), { recursive: true });
  mkdirSync(outside);
  await using _ = await swapForLinks(join(work, 'd'), outside);
  for (let at = 0; at < 1000; at++)
    await writeResultFile(join(work, `d/new${at}/r.json`), RESULT, { confined: work, places }).catch(
      () => {},
    );
  expect(readdirSync(outside)).toEqual([]);
});
