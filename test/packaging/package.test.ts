import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { requires } from '../helpers/require.ts';

const root = resolve(import.meta.dirname, '../..');
const run = promisify(execFile);
/** Where it is installed: nothing of the repository is in reach. */
const home = mkdtempSync(join(tmpdir(), 'runwire-package-'));
const app = join(home, 'app');
/** The registry and its certificates are those of this machine. */
const PRODUCTION = { ...process.env, NODE_ENV: 'production', RUNWIRE_TOKEN: '' };
const BOUND = { timeout: 170_000, killSignal: 'SIGKILL', maxBuffer: 64 << 20 } as const;
const LINE = /listens on (http:\S+)/;

async function npm(directory: string, ...words: string[]): Promise<string> {
  const { stdout } = await run('npm', words, { cwd: directory, env: PRODUCTION, ...BOUND });
  return stdout;
}

/** A server that this command starts runs one program, and is told to end. */
function oneRun(command: string, words: string[], path = process.env.PATH): Promise<unknown> {
  return withServer(command, words, path, async (address) => {
    const response = await fetch(`${address}/invocations?wait=30`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ runtime_kind: 'subprocess', command: ['true'] }),
    });
    return response.json();
  });
}

async function withServer<T>(
  command: string,
  words: string[],
  path: string | undefined,
  use: (address: string) => Promise<T>,
): Promise<T> {
  const dataDir = mkdtempSync(join(home, 'data-'));
  const flags = ['--port', '0', '--data-dir', dataDir];
  const env = { ...PRODUCTION, PATH: path, RUNWIRE_MIN_FREE_DISK_BYTES: '0' };
  const child = spawn(command, [...words, ...flags], { cwd: app, env, stdio: 'pipe', detached: true });
  const ended = once(child, 'close'); // when the server has closed what it prints to, too
  try {
    return await use(await listening(child));
  } finally {
    // npx passes it to its shell only.
    if (child.pid) process.kill(-child.pid, 'SIGTERM');
    await ended;
  }
}

async function listening(child: ChildProcess): Promise<string> {
  let output = '';
  const take = (chunk: Buffer): void => {
    output += chunk;
  };
  child.stdout?.on('data', take);
  child.stderr?.on('data', take);
  await expect.poll(() => output + (child.exitCode ?? ''), { timeout: 30_000 }).toMatch(LINE);
  return LINE.exec(output)?.[1] ?? '';
}

/** The program of this version of Node. */
async function installedNode(major: string): Promise<string> {
  const folder = join(home, `node-${major}`);
  const name = `node-${process.platform}-${process.arch}`;
  const node = join(folder, 'node_modules', name, 'bin/node');
  if (!existsSync(node)) {
    mkdirSync(folder);
    writeFileSync(join(folder, 'package.json'), '{"private":true}');
    await npm(folder, 'install', '--no-audit', '--no-fund', `${name}@${major}`);
  }
  const { stdout } = await run(node, ['--version']);
  expect(stdout).toMatch(new RegExp(`^v${major}\\.`));
  return node;
}

requires('npm-registry')('The package', () => {
  let packed: { filename: string; files: { path: string }[] };

  beforeAll(async () => {
    const [first] = JSON.parse(await npm(root, 'pack', '--json', '--silent', '--pack-destination', home));
    packed = first;
    mkdirSync(app);
    writeFileSync(join(app, 'package.json'), '{"private":true,"type":"module"}');
    await npm(app, 'install', '--no-audit', '--no-fund', join(home, packed.filename));
  }, 180_000);
  afterAll(() => rmSync(home, { recursive: true, force: true }));

  test('has built JavaScript with its types and what npm always takes, and nothing else', () => {
    const others = packed.files
      .map(({ path }) => path)
      .filter(
        (path) => !/^dist\/((cli|client|mcp|src|routes|runners)\/.*\.(js|d\.ts)|docs\/.*\.md)$/.test(path),
      );
    expect(others.sort()).toEqual([
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'SECURITY.md',
      'bin/runwire.js',
      'dist/README.md',
      'dist/SECURITY.md',
      'dist/package.json',
      'dist/runners/docker/keeper/keeper-arm64',
      'dist/runners/docker/keeper/keeper-x64',
      'docs/configuration.md',
      'package.json',
    ]);
  });

  test('brings no development dependency, the Node of the repository neither', async () => {
    const { dependencies } = JSON.parse(await npm(app, 'ls', '--all', '--json'));
    expect(Object.keys(dependencies)).toEqual(['runwire']);
    expect(Object.keys(dependencies.runwire.dependencies)).not.toContain('node');
  });

  test('runs with npx runwire serve from node_modules, with NODE_ENV=production', async () => {
    expect(await oneRun('npx', ['runwire', 'serve'])).toMatchObject({ status: 'succeeded' });
  });

  test('gives an agent its tools, by npx runwire mcp and by POST /mcp', async () => {
    const list = '{"jsonrpc":"2.0","id":1,"method":"tools/list"}';
    await withServer('npx', ['runwire', 'serve'], process.env.PATH, async (address) => {
      const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
      const response = await fetch(`${address}/mcp`, { method: 'POST', headers, body: list });
      expect(await response.text()).toContain('"workspace_create"');
      const child = spawn('npx', ['runwire', 'mcp'], {
        cwd: app,
        env: { ...PRODUCTION, RUNWIRE_URL: address },
      });
      child.stdin.write(`${list}\n`);
      const [answer] = await once(createInterface({ input: child.stdout }), 'line');
      expect(answer).toContain('"workspace_create"');
      child.stdin.end();
      expect(await once(child, 'close')).toEqual([0, null]);
    });
  });

  test('tells its version, which is that of the package', async () => {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    expect(await npm(app, 'exec', '--', 'runwire', 'version')).toBe(`${version}\n`);
  });

  test('gives an embedding program what it starts a service with', async () => {
    const script = "import * as all from 'runwire'; console.log(Object.keys(all).sort().join())";
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], { cwd: app });
    expect(stdout).toBe('ConfigError,createService,readConfig\n');
    writeFileSync(
      join(app, 'embeds.ts'),
      "import { createService, readConfig, type Service } from 'runwire';\n" +
        'export const begin = (log: Parameters<typeof createService>[0]["log"]): Promise<Service> =>\n' +
        '  createService({ config: readConfig({}).config, environment: {}, log });\n' +
        '// @ts-expect-error: there is no such option\n' +
        'createService({ colour: 1 });\n',
    );
    const tsc = join(root, 'node_modules/.bin/tsc');
    const options = ['--noEmit', '--strict', '--skipLibCheck', '--module', 'nodenext', '--target', 'es2024'];
    const types = ['--types', 'node', '--typeRoots', join(root, 'node_modules/@types')];
    const { stdout: faults } = await run(tsc, [...options, ...types, 'embeds.ts'], { cwd: app });
    expect(faults).toBe('');
  });

  test.each(['20', '24'])(
    'gives a program on Node %s the client, which imports nothing else',
    async (major) => {
      writeFileSync(
        join(app, 'client.mjs'),
        "import { Runwire } from 'runwire/client';\n" +
          "const run = await new Runwire().submit({ runtime_kind: 'subprocess', command: ['echo', 'hello'] });\n" +
          'for await (const line of run.lines()) console.log(line.text);\n' +
          'console.log((await run.wait()).status, await run.text());\n',
      );
      const node = await installedNode(major);
      const printed = await withServer('npx', ['runwire', 'serve'], process.env.PATH, async (url) => {
        const { stdout, stderr } = await run(node, ['client.mjs'], { cwd: app, env: { RUNWIRE_URL: url } });
        return stdout + stderr;
      });
      expect(printed).toBe('hello\nsucceeded hello\n\n');
    },
    180_000,
  );

  test.each([
    ['nodenext', 'nodenext'],
    ['esnext', 'bundler'],
  ])(
    'gives the types of the client to %s, %s, with nothing but what browsers have',
    async (module, resolution) => {
      writeFileSync(
        join(app, 'uses.ts'),
        "import { ConnectionError, Runwire, type RuntimeEvent } from 'runwire/client';\n" +
          'export async function last(): Promise<RuntimeEvent | null> {\n' +
          "  await using run = await new Runwire({ url: 'http://x' }).submit({ runtime_kind: 'subprocess' });\n" +
          '  let seen: RuntimeEvent | null = null;\n' +
          '  for await (const event of run.events()) seen = event;\n' +
          '  return seen;\n' +
          '}\n' +
          "export const broke = (error: unknown) => error instanceof ConnectionError && error.code === 'unreachable';\n" +
          '// @ts-expect-error: there is no such option\n' +
          'new Runwire({ colour: 1 });\n',
      );
      const tsc = join(root, 'node_modules/.bin/tsc');
      const libraries = ['--lib', 'es2022,dom,dom.asynciterable,esnext.disposable', '--types', ''];
      const words = ['--noEmit', '--strict', '--target', 'es2022', '--module', module, ...libraries];
      const checked = run(tsc, [...words, '--moduleResolution', resolution, 'uses.ts'], { cwd: app });
      expect(
        await checked.then(
          ({ stdout }) => stdout,
          ({ stdout }) => stdout,
        ),
      ).toBe('');
    },
  );

  test('has the threads that work on trees', async () => {
    const script = `
      import { Hands } from './node_modules/runwire/dist/src/snapshots/hands.js';
      const seen = { roots: [], scratch: null, identities: new Map(), files: [] };
      const hands = new Hands('data');
      const { files } = await hands.capture({ root: process.cwd() + '/tree', index: null, seen });
      await hands.close();
      console.log(files);`;
    mkdirSync(join(app, 'tree'));
    writeFileSync(join(app, 'tree/f'), 'x');
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], { cwd: app });
    expect(stdout).toBe('1\n');
  });

  test.each(['22', '24'])(
    'runs on Node %s',
    async (major) => {
      const bin = dirname(await installedNode(major));
      const program = join(app, 'node_modules/.bin/runwire');
      expect(await oneRun(program, ['serve'], `${bin}:${process.env.PATH}`)).toMatchObject({
        status: 'succeeded',
      });
    },
    180_000,
  );
});
