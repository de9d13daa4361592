import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../..');

describe('The last line of .ci/run', () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'runwire-ci-'));
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  const results = (passed: number, failed: number, pending: number, testResults: object[] = []) => ({
    numPassedTests: passed,
    numFailedTests: failed,
    numPendingTests: pending,
    numTodoTests: 0,
    testResults,
  });
  const count = (content: object) => {
    const file = join(directory, 'results.json');
    writeFileSync(file, JSON.stringify(content));
    const { status, stdout } = spawnSync(process.execPath, [join(root, '.ci/counts.mjs'), file], {
      encoding: 'utf8',
    });
    return { status, stdout };
  };

  test('has the counts, and a green run exits with 0', () => {
    expect(count(results(7, 0, 2))).toEqual({ status: 0, stdout: '7 passed, 0 failed, 2 skipped\n' });
  });

  test('exits with 1 when a test failed', () => {
    expect(count(results(7, 1, 0))).toEqual({ status: 1, stdout: '7 passed, 1 failed, 0 skipped\n' });
  });

  test('counts a file that could not be loaded as a failure', () => {
    const file = { status: 'failed', assertionResults: [] };
    expect(count(results(7, 0, 0, [file]))).toEqual({ status: 1, stdout: '7 passed, 1 failed, 0 skipped\n' });
  });

  test('counts a file as a failure whose tests were skipped because what goes before them failed', () => {
    const file = { status: 'failed', assertionResults: [{ status: 'skipped' }, { status: 'skipped' }] };
    expect(count(results(7, 0, 2, [file]))).toEqual({ status: 1, stdout: '7 passed, 1 failed, 2 skipped\n' });
  });

  test('has what is known of a run that was broken off, which is a failure, after where that was', () => {
    const content = { ...results(7, 0, 1), unfinished: ['test/a.test.ts'] };
    const stdout = 'broken off in: test/a.test.ts\n7 passed, 1 failed, 1 skipped\n';
    expect(count(content)).toEqual({ status: 1, stdout });
  });

  test('is known also when the tests are killed in the midst of a file', async () => {
    const file = join(directory, 'killed.json');
    const reporter = JSON.stringify(join(root, 'test/helpers/running-counts.ts'));
    const files = {
      'vitest.config.mjs': `import { RunningCounts } from ${reporter};
        export default { test: { include: ['*.check.mjs'], reporters: [new RunningCounts(${JSON.stringify(file)})] } };`,
      'quick.check.mjs': `import { test } from 'vitest'; test('is quick', () => {}); test.skip('is not done', () => {});`,
      'long.check.mjs': `import { test } from 'vitest'; test('goes on', () => new Promise(() => {}), 600_000);`,
    };
    for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
    symlinkSync(join(root, 'node_modules'), join(directory, 'node_modules'));
    const vitest = join(root, 'node_modules/vitest/vitest.mjs');
    const tests = spawn(process.execPath, [vitest, 'run'], {
      cwd: directory,
      stdio: 'ignore',
      detached: true,
    });
    const known = () => (existsSync(file) ? readFileSync(file, 'utf8') : '');
    try {
      await expect.poll(known).toMatch(/"numPassedTests":1.*"unfinished":\["long\.check\.mjs"\]/);
    } finally {
      process.kill(-(tests.pid ?? 0), 'SIGKILL');
    }
    const stdout = 'broken off in: long.check.mjs\n1 passed, 1 failed, 1 skipped\n';
    expect(count(JSON.parse(known()))).toEqual({ status: 1, stdout });
  });
});

describe('.ci/run', () => {
  test('is a program that bash can read', () => {
    const file = join(root, '.ci/run');
    expect(statSync(file).mode & 0o111).toBe(0o111);
    expect(spawnSync('bash', ['-n', file], { encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' });
  });
});

test('Every test file is where vitest looks for it', () => {
  const notOurs = ['node_modules', '.git', '.runwire', 'dist', 'coverage'];
  const folders = readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !notOurs.includes(entry.name))
    .map(({ name }) => name);
  const tests = folders
    .flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true }).map((file) => `${folder}/${file}`),
    )
    .concat(readdirSync(root))
    .filter((file) => /\.(test|spec)\.[cm]?[jt]sx?$/.test(file));
  expect(tests.length).toBeGreaterThan(0);
  for (const file of tests) expect(file).toMatch(/^test\/.*\.test\.ts$/);
});
