import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Rejected } from '../../../src/contract/outcome.ts';
import { PrivatePlaces } from '../../../src/disk/private-places.ts';
import { type RunDirectory, runDirectory } from '../../../src/disk/run-directory.ts';
import { inputFiles, prepareWorkingPaths, resolveWorkingPaths } from '../../../src/run/working-paths.ts';
import { swapForLinks } from '../../helpers/swapped-directory.ts';

let dir: string;
let run: RunDirectory;
let about: Parameters<typeof prepareWorkingPaths>[1];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'runwire-paths-'));
  const data = join(dir, 'data');
  run = runDirectory(data, 'a');
  about = { directory: run, places: new PrivatePlaces(data) };
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

test('without a working directory a run gets a scratch directory of its own', () => {
  const paths = resolveWorkingPaths({}, run);
  expect(paths).toEqual({
    workingDirectory: run.work,
    scratch: true,
    artifactDirectory: null,
    inputPayload: null,
    outputResult: null,
  });
  expect(existsSync(run.work)).toBe(false);
  expect(prepareWorkingPaths(paths, about)).toEqual({
    roots: { working: null, artifact: null },
    input: null,
  });
  expect(existsSync(run.work)).toBe(true);
  prepareWorkingPaths(paths, about);
});

test('a relative data directory still gives an absolute scratch directory', () => {
  const paths = resolveWorkingPaths({}, runDirectory('data', 'a'), '/srv');
  expect(paths).toMatchObject({ workingDirectory: '/srv/data/runs/a/work', scratch: true });
});

test('relative paths are under the working directory, which is under that of the server', () => {
  const paths = resolveWorkingPaths(
    {
      working_directory: 'job',
      artifact_directory: 'out',
      input_payload_path: '../in',
      output_result_path: '/r/./x',
    },
    run,
    '/srv',
  );
  expect(paths).toEqual({
    workingDirectory: '/srv/job',
    scratch: false,
    artifactDirectory: '/srv/job/out',
    inputPayload: '/srv/in',
    outputResult: '/r/./x',
  });
  const completed = {
    working_directory: paths.workingDirectory,
    artifact_directory: paths.artifactDirectory,
  };
  expect(resolveWorkingPaths(completed, run, '/elsewhere')).toMatchObject({
    workingDirectory: '/srv/job',
    artifactDirectory: '/srv/job/out',
  });
});

function rejection(fields: Parameters<typeof resolveWorkingPaths>[0]): string {
  try {
    prepareWorkingPaths(resolveWorkingPaths(fields, run, dir), about);
  } catch (error) {
    expect(error).toBeInstanceOf(Rejected);
    return (error as Rejected).message;
  }
  return 'not rejected';
}

test('a working directory that is missing or no directory is rejected', () => {
  writeFileSync(join(dir, 'file'), '');
  symlinkSync('loop', join(dir, 'loop'));
  const missing = join(dir, 'missing');
  expect(rejection({ working_directory: missing })).toBe(`working directory does not exist: ${missing}`);
  expect(rejection({ working_directory: 'file/x' })).toBe(`working directory does not exist: ${dir}/file/x`);
  expect(rejection({ working_directory: 'file' })).toBe(`working directory is not a directory: ${dir}/file`);
  expect(rejection({ working_directory: 'loop' })).toBe(
    `working directory cannot be used: ${dir}/loop (ELOOP)`,
  );
});

test('a working directory that a server without privileges may not enter is rejected', () => {
  const closed = join(dir, 'closed');
  mkdirSync(closed, { mode: 0o600 });
  chmodSync(dir, 0o755);
  const root = process.getuid?.() === 0;
  if (root) process.seteuid?.(65534);
  try {
    expect(rejection({ working_directory: closed })).toBe(
      `working directory cannot be used: ${closed} (EACCES)`,
    );
  } finally {
    if (root) process.seteuid?.(0);
  }
});

test('a payload that is missing or no regular file is rejected by its name', () => {
  execFileSync('mkfifo', [join(dir, 'fifo')]);
  const of = (input_payload_path: string) => rejection({ working_directory: dir, input_payload_path });
  expect(of('no')).toBe(`input_payload_path does not exist: ${dir}/no`);
  expect(of('.')).toBe(`input_payload_path is not a regular file: ${dir}`);
  expect(of('fifo')).toBe(`input_payload_path is not a regular file: ${dir}/fifo`);
  expect(of('/dev/zero')).toBe('input_payload_path is not a regular file: /dev/zero');
  writeFileSync(join(dir, 'payload'), '');
  expect(of('payload')).toBe('not rejected');
});

test('a file that is an input is judged by its field: where it leads, and whether it can be read', () => {
  const work = join(dir, 'wd');
  mkdirSync(work);
  const paths = resolveWorkingPaths({ working_directory: work }, run);
  const judge =
    (file: string, confinedTo: string | null = null) =>
    () =>
      prepareWorkingPaths(paths, {
        ...about,
        confinedTo,
        files: inputFiles(
          [
            { id: 'text', text: '' },
            { id: 'a', file },
          ],
          paths,
        ),
      });
  writeFileSync(join(work, 'file'), '');
  writeFileSync(join(dir, 'outside'), '');
  symlinkSync('../outside', join(work, 'link'));
  mkdirSync(join(dir, 'data'));
  writeFileSync(join(dir, 'data/key'), '');
  expect(judge('file')).not.toThrow();
  expect(judge('link')).not.toThrow();
  expect(judge('../outside', work)).not.toThrow();
  const words = (field: string) => new Rejected(`options.inputs.1.file${field}`);
  expect(judge('link', work)).toThrow(
    words(`: a symbolic link leads out of the working directory: ${work}/link`),
  );
  expect(judge('none')).toThrow(words(` does not exist: ${work}/none`));
  expect(judge('.')).toThrow(words(` is not a regular file: ${work}`));
  expect(judge('../data/key')).toThrow(words(` leads to the data of the server: ${dir}/data/key`));
});

test('the artifact directory is made, with its parents, and may be there already', () => {
  const paths = resolveWorkingPaths({ working_directory: dir, artifact_directory: 'a/b' }, run);
  const made = prepareWorkingPaths(paths, { ...about, globs: true }).roots;
  expect(made).toEqual({ working: realpathSync(dir), artifact: realpathSync(join(dir, 'a/b')) });
  expect(prepareWorkingPaths(paths, about).roots).toEqual({ ...made, working: null });
});

test('an artifact directory where none can be made is rejected, and holds nobody', () => {
  const paths = resolveWorkingPaths({ artifact_directory: '/proc/nope/out' }, run);
  expect(() => prepareWorkingPaths(paths, about)).toThrow(
    'artifact directory cannot be made: /proc/nope/out (ENOENT)',
  );
});

test('an artifact directory that cannot be made is rejected', () => {
  writeFileSync(join(dir, 'file'), '');
  expect(rejection({ working_directory: dir, artifact_directory: 'file' })).toMatch(
    /^artifact directory cannot be made: .*\/file \(EEXIST\)$/,
  );
  mkdirSync(join(dir, 'real'));
  symlinkSync('real', join(dir, 'link'));
  expect(rejection({ working_directory: dir, artifact_directory: 'link' })).toBe('not rejected');
});

test.each(['artifact_directory', 'input_payload_path'] as const)(
  '%s of confined work is not where a link in the working directory leads out of it',
  (field) => {
    const working_directory = join(dir, 'wd');
    const outside = join(dir, 'outside');
    for (const path of [working_directory, outside, join(working_directory, 'real')]) mkdirSync(path);
    for (const place of [outside, join(working_directory, 'real')]) writeFileSync(join(place, 'file'), 'x');
    symlinkSync(outside, join(working_directory, 'out'));
    symlinkSync('real', join(working_directory, 'in'));
    symlinkSync(working_directory, join(dir, 'link'));
    const isInput = field === 'input_payload_path';
    const prepare = (path: string, confined: boolean, wd = working_directory) => {
      const paths = resolveWorkingPaths({ working_directory: wd, [field]: path }, run, dir);
      prepareWorkingPaths(paths, {
        ...about,
        confinedTo: confined ? paths.workingDirectory : null,
      }).input?.close();
    };
    const out = isInput ? 'out/file' : 'out/made/here';
    expect(() => prepare(out, true)).toThrow(
      `${field}: a symbolic link leads out of the working directory: ${working_directory}/${out}`,
    );
    expect(existsSync(join(outside, 'made'))).toBe(false);
    expect(() => prepare(`in/../${out}`, true)).toThrow('leads out');
    for (const wd of [working_directory, join(dir, 'link')])
      prepare(isInput ? 'in/file' : 'in/made', true, wd);
    prepare(join(outside, isInput ? 'file' : 'made'), true);
    prepare(out, false);
  },
);

test('links that are swapped in lead no artifact directory and no globs out of what confines them', async () => {
  const [work, outside] = [join(dir, 'work'), join(dir, 'outside')];
  for (const path of [join(work, 'd/e'), join(outside, 'e')]) mkdirSync(path, { recursive: true });
  await using _ = await swapForLinks(join(work, 'd'), outside);
  const led: unknown[] = [];
  for (let at = 0; at < 3000; at++)
    for (const of of [
      { working_directory: work, artifact_directory: `d/new${at}` },
      { working_directory: work, artifact_directory: 'd/e' },
      { working_directory: join(work, 'd/e') },
    ]) {
      try {
        const paths = resolveWorkingPaths(of, run);
        const { roots } = prepareWorkingPaths(paths, { ...about, confinedTo: work, globs: true });
        led.push(...Object.values(roots).filter((root) => root?.startsWith(realpathSync(outside))));
      } catch (error) {
        // Not its server's: the directory of a run is another one.
        if (!(error instanceof Rejected)) throw error;
      }
    }
  expect([led, readdirSync(outside)]).toEqual([[], ['e']]);
});
