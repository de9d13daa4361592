import { chownSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { processesWith, supervisorOf, until } from '../helpers/processes.ts';
import { requires } from '../helpers/require.ts';
import { type ServerProcess, startServer } from '../helpers/server-process.ts';
import { asUser, strangeUser } from './processes/of-user.ts';

const TOKEN = `token-${process.pid}-that-nobody-is-told`;
const SECRET = `secret-${process.pid}-that-nobody-is-told`;
const SECRETS = { RUNWIRE_TOKEN: TOKEN, RUNWIRE_SECRET_KEY: SECRET };
const THIEF = fileURLToPath(new URL('../fixtures/thief.mjs', import.meta.url));

let dataDir: string;
let server: ServerProcess | null;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'runwire-secrets-'));
  server = null;
});
afterEach(async () => {
  await server?.stop();
  await until(() => processesWith(dataDir).length === 0, 'the supervisor has ended');
  rmSync(dataDir, { recursive: true, force: true });
});

const pids = (): number[] => [...serversOf(dataDir), supervisorOf(dataDir)];

/** The server itself, whatever it was started through. */
function serversOf(directory: string): number[] {
  const own = processesWith('src/server.ts').filter((pid) => {
    const text = readFileSync(`/proc/${pid}/environ`, 'latin1');
    return (
      text.includes(`RUNWIRE_DATA_DIR=${directory}\0`) && readFileSync(`/proc/${pid}/comm`, 'utf8') !== 'sh\n'
    );
  });
  expect(own).toHaveLength(1);
  return own;
}

async function run(
  command: string[],
  body: object = {},
): Promise<{ record: { status: string }; stdout: string }> {
  const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' };
  const answer = await fetch(`${server?.address}/invocations?wait=50`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ runtime_kind: 'subprocess', command, ...body }),
  });
  expect(answer.status).toBe(200);
  const record = (await answer.json()) as { status: string; invocation: { invocation_id: string } };
  const id = record.invocation.invocation_id;
  const stdout = await fetch(`${server?.address}/invocations/${id}/stdout`, { headers });
  return { record, stdout: await stdout.text() };
}

async function accepts(token: string): Promise<boolean> {
  const answer = await fetch(`${server?.address}/invocations`, {
    headers: { authorization: `Bearer ${token}` },
  });
  return answer.status === 200;
}

describe('The secrets of a server', () => {
  test('are in no environment that /proc shows, neither of the server nor of the supervisor, not even to root', async () => {
    server = await startServer(dataDir, { ...SECRETS, RUNWIRE_LOG_LEVEL: 'warn', LAST: 'kept' });
    expect(await accepts(TOKEN)).toBe(true);
    const shown = pids().map((pid) => readFileSync(`/proc/${pid}/environ`, 'utf8'));
    expect(shown[0]).toContain('LAST=kept');
    for (const environment of shown) {
      expect(environment).not.toContain(TOKEN);
      expect(environment).not.toContain(SECRET);
      expect(environment).not.toMatch(/RUNWIRE_(TOKEN|SECRET)/);
    }
    expect(server.output()).not.toContain('other processes of this user');
  });

  test('that the environment of a parent shows too are warned of by name', async () => {
    server = await startServer(dataDir, { ...SECRETS, RUNWIRE_LOG_LEVEL: 'warn' }, [
      'sh',
      '-c',
      '"$@"; :',
      'sh',
    ]);
    const parent = server.child.pid;
    await until(() => server?.output().includes('SECURITY.md') === true, 'it is logged');
    expect(server.output()).toContain(
      `RUNWIRE_TOKEN, RUNWIRE_SECRET_KEY: other processes of this user can read it in the environment of process ${parent} (sh)`,
    );
    expect(server.output()).not.toContain(TOKEN);
    expect(server.output()).not.toContain(SECRET);
    for (const pid of serversOf(dataDir)) process.kill(pid, 'SIGTERM');
  });

  test('may come in a file or from a pipe', async () => {
    const file = join(dataDir, 'token');
    writeFileSync(file, `${TOKEN}\n`, { mode: 0o600 });
    for (const [path, through] of [
      [file, []],
      ['/dev/fd/3', ['bash', '-c', `exec 3< <(printf %s ${TOKEN}); exec "$@"`, 'bash']],
    ] as const) {
      server = await startServer(dataDir, { RUNWIRE_TOKEN_FILE: path, RUNWIRE_LOG_LEVEL: 'warn' }, through);
      expect(await accepts(TOKEN)).toBe(true);
      for (const other of ['', `${TOKEN}x`, `${TOKEN}\n`.trim().slice(1)])
        expect(await accepts(other)).toBe(false);
      expect(server.output()).not.toContain(TOKEN);
      await server.stop();
    }
  });

  test.each([
    ['is empty', '\n'],
    ['must hold visible ASCII characters without spaces', 'two words'],
    ['must hold visible ASCII characters without spaces', 'newline-twice\n\n'],
    ['holds more than 8192 bytes', 'x'.repeat(9000)],
  ])('in a file that %s do not let the server start, and are not repeated', async (why, content) => {
    const file = join(dataDir, 'token');
    writeFileSync(file, content);
    const starting = startServer(dataDir, { RUNWIRE_TOKEN_FILE: file });
    const refusal = await starting.then(
      () => 'it started',
      (error: Error) => error.message,
    );
    expect(refusal).toContain(`RUNWIRE_TOKEN_FILE=${JSON.stringify(file)} ${why}`);
    if (content.trim() !== '') expect(refusal).not.toContain(content.trim());
  });
});

test('a signal that opens the inspector of Node opens none', async () => {
  server = await startServer(dataDir, { RUNWIRE_TOKEN: TOKEN });
  for (const pid of pids()) process.kill(pid, 'SIGUSR1');
  // Answered by both after the signal has been dealt with: a listener runs before anything that comes later.
  expect((await run(['echo', 'there'])).stdout).toBe('there\n');
  expect(server.output()).not.toContain('Debugger');
  expect(readFileSync(join(dataDir, 'supervisor.log'), 'utf8')).not.toContain('Debugger');
});

requires('root')('A server without privileges', () => {
  let user: number;
  beforeEach(async () => {
    user = strangeUser();
    chownSync(dataDir, user, user);
    server = await startServer(
      dataDir,
      { ...SECRETS, HOME: dataDir, RUNWIRE_LOG_LEVEL: 'warn' },
      asUser(user),
    );
  });

  test('is not looked into by its runs, and neither is the supervisor', async () => {
    const [own = 0, supervisor = 0] = pids();
    expect((await run(['id', '-u'])).stdout).toBe(`${user}\n`);
    const { stdout } = await run([process.execPath, THIEF, String(own), String(supervisor)]);
    expect(JSON.parse(stdout)).toEqual({});
    // The same thief gets all of what is not kept from it.
    const open = `sleep 60 & exec "$0" "$1" $!`;
    const other = await run(['sh', '-c', open, process.execPath, THIEF]);
    expect(Object.keys(JSON.parse(other.stdout) as object)).toContainEqual(
      expect.stringMatching('environ of'),
    );
  });

  test('still does all that it looks into /proc for', async () => {
    // Half of it is there from the first moment on. The supervisor's own is that of programs while it starts one.
    const waits = 'until [ "$(cat /proc/$$/oom_score_adj)" -ge 500 ]; do sleep 0.01; done; echo whole';
    expect((await run(['sh', '-c', waits], { timeout_seconds: 50 })).stdout).toBe('whole\n');
    const limited = await run(['sh', '-c', 'ulimit -n'], { options: { limits: { open_files: 77 } } });
    expect(limited.stdout).toBe('77\n');
    const left = await run(['sh', '-c', '(setsid sleep 60 >/dev/null 2>&1 &) ; echo made > a.txt'], {
      options: { artifacts: ['*.txt'] },
    });
    expect(left.record).toMatchObject({
      status: 'succeeded',
      outcome: { kill: { signals: ['SIGKILL'], survivors: 0 } },
    });
    expect(JSON.stringify(left.record)).toContain('a.txt');
  });
});
