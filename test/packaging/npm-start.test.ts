import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { hang, startBackend } from '../fixtures/backend.ts';
import { requires } from '../helpers/require.ts';

const root = resolve(import.meta.dirname, '../..');
let dataDir: string;
let child: ChildProcess | undefined;
let output = '';

function start(command: string, ...words: string[]): ChildProcess {
  output = '';
  child = spawn(command, words, {
    cwd: root,
    env: { ...process.env, RUNWIRE_DATA_DIR: dataDir, RUNWIRE_MIN_FREE_DISK_BYTES: '0', RUNWIRE_TOKEN: '' },
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  });
  const take = (chunk: Buffer): void => {
    output += chunk;
  };
  child.stdout?.on('data', take);
  child.stderr?.on('data', take);
  return child;
}

async function address(): Promise<string> {
  await expect.poll(() => output).toMatch(/listens on http:\S+\s/);
  return /listens on (http:\S+)/.exec(output)?.[1] ?? '';
}

/** Also when the test failed before the server was told to stop. */
function endAll(): void {
  try {
    if (child?.pid) process.kill(-child.pid, 'SIGKILL');
  } catch {
    // All of the group have ended.
  }
}

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'runwire-npm-'));
});
afterEach(() => {
  endAll();
  rmSync(dataDir, { recursive: true, force: true });
});

describe('npm start', () => {
  test('passes flags on, and ends the server with itself at SIGTERM, in order', async () => {
    const npm = start('npm', 'start', '--', '--port', '0');
    const origin = await address();
    const closed = once(npm, 'close'); // when the server has closed what it prints to, too
    npm.kill('SIGTERM');
    await closed;
    expect(output).toContain('"msg":"stopped"');
    await expect(fetch(`${origin}/healthz`)).rejects.toThrow();
  });

  test('ends with 2 at a flag that there is not', async () => {
    const npm = start('npm', 'start', '--', '--prot', '0');
    const [code] = await once(npm, 'close');
    expect(code).toBe(2);
    expect(output).toContain('runwire: --prot is not a flag');
  });
});

requires('script')('On a terminal', () => {
  test('npm start is readable, the first Ctrl-C says what a second one does, and that does it', async () => {
    const terminal = start('script', '-qfec', 'npm start -- --port 0', '/dev/null');
    const origin = await address();
    await using backend = await startBackend();
    backend.on('/', hang());
    // A program would be left to the next server.
    await fetch(`${origin}/invocations`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ runtime_kind: 'http', options: { http: { url: backend.url } } }),
    });
    const closed = once(terminal, 'close');
    terminal.stdin?.write('\u0003');
    await expect
      .poll(() => output)
      .toMatch(/stopping: 1 run may finish for 30 s.*Ctrl-C .*again cancels at once/);
    expect(output).not.toContain('{"level"');
    const again = setInterval(() => terminal.stdin?.write('\u0003'), 300);
    await closed;
    clearInterval(again);
    expect(output).toMatch(/cancelled after .*\s+.*stopped/);
  });
});
