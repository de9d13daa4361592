import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const run = promisify(execFile);
const root = resolve(import.meta.dirname, '..');
const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
const tour = new Map(
  [...readme.matchAll(/<!-- tour: (\w+) -->\n```sh\n([\s\S]*?)```/g)].map(([, name = '', lines = '']) => [
    name,
    lines,
  ]),
);

const dataDir = mkdtempSync(join(tmpdir(), 'runwire-tour-'));
const server = spawn(process.execPath, ['src/server.ts'], {
  cwd: new URL('..', import.meta.url),
  env: { ...process.env, RUNWIRE_PORT: '0', RUNWIRE_DATA_DIR: dataDir, RUNWIRE_TOKEN: '' },
  stdio: ['ignore', 'pipe', 'inherit'],
});
let printed = '';
let address = '';

/** Run lines of the README as they stand, against the port of this test. */
async function shell(lines: string | undefined, cwd = dataDir): Promise<string> {
  if (!lines) throw new Error('the README has no such step');
  const { stdout } = await run('bash', ['-ec', lines.replaceAll('http://127.0.0.1:7070', address)], {
    cwd, // what a step writes goes with it
    env: { ...process.env, RUNWIRE_URL: address, RUNWIRE_TOKEN: '' },
  });
  return stdout;
}

/** What the commands of a page leave here. */
const MADE_HERE: { readonly [page: string]: string } = {
  workspaces: './all.tar.gz\n./notes.txt\n./program\n./src/build.sh\n./src/log.txt\n./src/main.sh\n',
  'environment-specs': './greeting.txt\n./head.txt\n./record.json\n./spec.json\n',
  sessions: './step-1.json\n',
  assets: './tools/bin/count\n./train.csv\n',
  files: './a.txt\n./result.tar.gz\n./src/build.sh\n',
};

describe('The tour of the README', () => {
  beforeAll(async () => {
    for await (const chunk of server.stdout.setEncoding('utf8')) {
      printed += chunk;
      address = /listens on (http:\S+)/.exec(printed)?.[1] ?? '';
      if (address !== '' && printed.includes('done"]}\'')) break;
    }
    server.stdout.resume();
  });

  afterAll(async () => {
    server.kill('SIGTERM');
    await new Promise((resolve) => server.once('exit', resolve));
    rmSync(dataDir, { recursive: true, force: true });
  });

  test('names the two commands that are all the set-up', () => {
    expect(readme).toContain('npm ci && npm start');
    expect(readme).toContain('npm ci && npm test');
  });

  test('a program runs from the command line as if it ran here', async () => {
    expect(await shell(tour.get('command'), root)).toBe('hello\n');
  });

  test('every example is in the index of them', () => {
    const index = readFileSync(join(root, 'examples/README.md'), 'utf8');
    const named = [...index.matchAll(/\]\(([^()\s/]+)\)/g)].map(([, name]) => name);
    const there = readdirSync(join(root, 'examples')).filter((name) => name !== 'README.md');
    expect(named.sort()).toEqual(there.sort());
  });

  test('the line that the server prints works', async () => {
    const line = printed.split('\n').find((text) => text.includes('curl -N'));
    expect(await shell(line?.replace('sleep 1', 'sleep 0.1'))).toBe('1\n2\n3\n');
  });

  test('output is shown live', async () => {
    expect(await shell(tour.get('watch')?.replace('sleep 1', 'sleep 0.1'))).toBe('line 1\nline 2\nline 3\n');
  });

  test('waiting gives the finished record', async () => {
    const record = JSON.parse(await shell(tour.get('wait')));
    expect(record).toMatchObject({
      status: 'failed',
      result: { exit_code: 3 },
      outcome: { ended: 'exited' },
    });
    expect(JSON.parse(await shell(tour.get('wait')))).toEqual(record);
  });

  test('parts have addresses of their own', async () => {
    const printed = await shell(tour.get('parts'));
    expect(printed).toContain('"contract_kind":"runtime_result"');
    expect(printed.endsWith('err\n')).toBe(true);
  });

  test('files go in and come out', async () => {
    const printed = await shell(tour.get('files'));
    expect(printed).toContain('"status":"succeeded"');
    expect(printed).toMatch(/2 in\/tour.txt\nin\/\nin\/tour.txt\n$/);
  });

  test('a workspace stays, and what has changed in it is told', async () => {
    const printed = await shell(tour.get('workspace'));
    expect(printed).toContain('"state":"ready"');
    expect(printed.endsWith(' one\n two\n+three\n')).toBe(true);
  });

  test('a file that is kept goes into a run, and what that leaves into the next', async () => {
    const printed = await shell(tour.get('assets'));
    expect(printed).toContain('"version":1');
    expect(printed.endsWith('}2\n')).toBe(true);
  });

  test('events resume after the last one seen', async () => {
    const ids = [...(await shell(tour.get('resume'))).matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));
    expect(ids).toEqual([3, 4, 5, 6, 7]);
  });

  test('a run is fed, cancelled and gone', async () => {
    const record = JSON.parse(
      (await shell(tour.get('cancel')))
        .trim()
        .split('\n')
        .at(-1)
        ?.replace(/^.*\}\{"invocation"/, '{"invocation"') ?? '',
    );
    expect(record).toMatchObject({
      status: 'cancelled',
      outcome: { stdout: { bytes: 5 }, kill: { survivors: 0 } },
    });
  });

  test('files are collected', async () => {
    expect((await shell(tour.get('artifacts'))).endsWith('42\n')).toBe(true);
  });

  test.each(['workspaces', 'files', 'environment-specs', 'sessions', 'assets'])(
    'the commands of docs/%s.md work as they stand, one after the other',
    async (name) => {
      const page = readFileSync(new URL(`../docs/${name}.md`, import.meta.url), 'utf8');
      const blocks = [...page.matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(([, lines]) => lines);
      expect(blocks.length).toBeGreaterThan(0);
      const strict = 'set -o pipefail; curl() { command curl --silent --show-error --fail "$@"; }\n';
      const made = 'find . -type f | LC_ALL=C sort';
      const printed = await shell(`${strict}${blocks.join('')}${made}`);
      expect(printed).toContain(MADE_HERE[name]);
      expect(printed).not.toContain('"status":"failed"');
    },
  );

  test('the commands of docs/setup.md show what the page says of them', async () => {
    const page = readFileSync(new URL('../docs/setup.md', import.meta.url), 'utf8');
    const [, lines] = /^```sh\n([\s\S]*?)^```/m.exec(page) ?? [];
    const printed = await shell(`set -o pipefail; curl() { command curl -sSf "$@"; }\n${lines}`);
    expect(printed).toContain('one\ntwo\nfetching\n');
    expect(printed.endsWith('no such host\n')).toBe(true);
    const [, said = ''] = /`(setup: command 2 of 2 [^`]*)`/.exec(page) ?? [];
    expect(printed).toContain(`"error_summary":${JSON.stringify(said)}`);
  });

  test('no step is left out', () => {
    expect([...tour.keys()]).toEqual([
      'command',
      'watch',
      'wait',
      'parts',
      'resume',
      'cancel',
      'artifacts',
      'files',
      'workspace',
      'assets',
    ]);
  });
});
