import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { asUser, strangeUser } from '../faults/processes/of-user.ts';
import { hang, startBackend } from '../fixtures/backend.ts';
import { requires } from '../helpers/require.ts';
import { launchServer, type ServerProcess, startServer } from '../helpers/server-process.ts';

let dataDir: string;
const servers: ServerProcess[] = [];

async function start(variables: Record<string, string> = {}): Promise<ServerProcess> {
  const server = await startServer(dataDir, variables);
  servers.push(server);
  return server;
}

function post(server: ServerProcess, invocation: object, query = ''): Promise<Response> {
  return fetch(`${server.address}/invocations${query}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ runtime_kind: 'subprocess', ...invocation }),
  });
}

function record(server: ServerProcess, id: string, query = ''): Promise<{ status: string }> {
  return fetch(`${server.address}/invocations/${id}${query}`).then(
    (response) => response.json() as Promise<{ status: string }>,
  );
}

/** The words of every living process, as /proc has them. */
function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

function newerDatabase(file: string): void {
  const db = new DatabaseSync(file);
  db.exec('PRAGMA user_version = 999; CREATE TABLE later (a)');
  db.close();
}

async function pidOf(server: ServerProcess, id: string): Promise<number> {
  for (;;) {
    const text = await fetch(`${server.address}/invocations/${id}/stdout`).then((response) =>
      response.text(),
    );
    if (text.includes('\n')) return Number(text.trim());
    await sleep(10);
  }
}

describe('The server process', () => {
  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), 'runwire-server-'));
  });
  afterEach(async () => {
    for (const server of servers.splice(0)) {
      if (server.child.exitCode === null && server.child.signalCode === null) await server.stop('SIGKILL');
    }
    const last = await startServer(dataDir, { RUNWIRE_DRAIN_SECONDS: '0' }).catch(() => null);
    await last?.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });

  test('lets running runs finish after SIGTERM, refuses new ones with 503, and keeps waiting ones for the next server', async () => {
    const server = await start({ RUNWIRE_MAX_CONCURRENT: '1' });
    await post(server, { invocation_id: 'a', command: ['sh', '-c', 'sleep 1; echo done'] });
    await post(server, { invocation_id: 'b', command: ['echo', 'later'] });
    const events = fetch(`${server.address}/invocations/a/events`).then((response) => response.text());
    const ended = server.stop();
    await sleep(300);
    const refused = await post(server, { command: ['true'] });
    expect(refused.status).toBe(503);
    expect(refused.headers.get('retry-after')).toMatch(/^\d+$/);
    expect(await events).toContain('"status":"succeeded"');
    expect(await ended).toEqual({ code: 0, signal: null });
    const next = await start();
    expect(await record(next, 'a')).toMatchObject({ status: 'succeeded' });
    expect(await record(next, 'b', '?wait=20')).toMatchObject({ status: 'succeeded' });
  });

  test('cancels what still runs when the time to drain is over, and leaves no process', async () => {
    const server = await start({ RUNWIRE_DRAIN_SECONDS: '0.2' });
    await post(server, { invocation_id: 'a', command: ['sh', '-c', 'echo $$; exec sleep 60'] });
    const pid = await pidOf(server, 'a');
    expect(isAlive(pid)).toBe(true);
    expect(await server.stop()).toEqual({ code: 0, signal: null });
    expect(isAlive(pid)).toBe(false);
    const next = await start();
    expect(await record(next, 'a')).toMatchObject({
      status: 'cancelled',
      result: { exit_code: -15, error_summary: 'cancelled: the server was stopped' },
      outcome: {
        cancelled_by: { by: 'shutdown' },
        failure: { permanent: false, reason: 'cancelled' },
      },
    });
  });

  test('stops at once at the second SIGTERM, also what ignores SIGTERM', async () => {
    const server = await start({ RUNWIRE_DRAIN_SECONDS: '60', RUNWIRE_KILL_GRACE_SECONDS: '60' });
    await post(server, {
      invocation_id: 'a',
      command: ['sh', '-c', 'trap "" TERM; echo $$; while :; do sleep 1; done'],
    });
    const pid = await pidOf(server, 'a');
    const ended = server.stop();
    await expect.poll(server.output).toMatch(/stopping: 1 run may finish for 60 s.* again cancels at once/);
    expect(isAlive(pid)).toBe(true);
    const again = setInterval(() => server.child.kill('SIGTERM'), 100);
    expect(await ended).toEqual({ code: 0, signal: null });
    clearInterval(again);
    expect(isAlive(pid)).toBe(false);
  });

  test('two signals that come together, from a terminal and from npm, are one', async () => {
    const server = await start();
    await post(server, { invocation_id: 'a', command: ['sh', '-c', 'echo $$; sleep 1; echo done'] });
    await pidOf(server, 'a');
    const ended = server.stop('SIGINT');
    server.child.kill('SIGTERM');
    expect(await ended).toEqual({ code: 0, signal: null });
    expect(server.output()).toContain('"status":"succeeded"');
  });

  test.each(['leave', 'auto'])(
    'leaves running programs to the next server with RUNWIRE_ON_EXIT=%s, which is the default',
    async (onExit) => {
      const server = await start({ RUNWIRE_ON_EXIT: onExit === 'auto' ? '' : onExit });
      await post(server, { invocation_id: 'a', command: ['sh', '-c', 'echo $$; sleep 2; echo end'] });
      const pid = await pidOf(server, 'a');
      expect(await server.stop('SIGINT')).toEqual({ code: 0, signal: null });
      expect(server.output()).toContain(
        'stopping: 1 run goes on, for the next server on this data directory',
      );
      expect(isAlive(pid)).toBe(true);
      const next = await start();
      expect(await record(next, 'a', '?wait=20')).toMatchObject({
        status: 'succeeded',
        result: { exit_code: 0 },
      });
      expect(await fetch(`${next.address}/invocations/a/stdout`).then((response) => response.text())).toBe(
        `${pid}\nend\n`,
      );
    },
  );

  test('a call cannot be left: it may finish, and the second signal cancels it, while a program goes on', async () => {
    await using backend = await startBackend();
    backend.on('/', hang());
    const server = await start({ RUNWIRE_ON_EXIT: '', RUNWIRE_DRAIN_SECONDS: '60' });
    await post(server, { invocation_id: 'program', command: ['sh', '-c', 'echo $$; exec sleep 60'] });
    await post(server, {
      invocation_id: 'call',
      runtime_kind: 'http',
      options: { http: { url: backend.url } },
    });
    const pid = await pidOf(server, 'program');
    await expect.poll(() => backend.seen.length).toBe(1);
    const ended = server.stop();
    await expect
      .poll(server.output)
      .toMatch(/1 run goes on, .*; 1 run may finish for 60 s, .* again cancels at once/);
    const again = setInterval(() => server.child.kill('SIGTERM'), 100);
    expect(await ended).toEqual({ code: 0, signal: null });
    clearInterval(again);
    expect(isAlive(pid)).toBe(true);
    const next = await start();
    expect(await record(next, 'call')).toMatchObject({
      status: 'cancelled',
      outcome: { cancelled_by: { by: 'shutdown' } },
    });
    expect(await record(next, 'program')).toMatchObject({ status: 'running' });
    await fetch(`${next.address}/invocations/program/cancel`, { method: 'POST' });
    expect(await record(next, 'program', '?wait=20')).toMatchObject({
      status: 'cancelled',
      outcome: { cancelled_by: { by: 'client' } },
    });
  });

  test('a run outlives a server that is killed with SIGKILL', async () => {
    const server = await start();
    await post(server, { invocation_id: 'a', command: ['sh', '-c', 'echo one; sleep 2; echo two; exit 7'] });
    await sleep(300);
    await server.stop('SIGKILL');
    const next = await start();
    expect(await record(next, 'a', '?wait=20')).toMatchObject({ status: 'failed', result: { exit_code: 7 } });
    const events = await fetch(`${next.address}/invocations/a/events`).then((response) => response.text());
    const ids = [...events.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));
    expect(ids).toEqual(ids.map((_, index) => index + 1));
    expect(events).toContain('"text":"one\\n"');
    expect(events).toContain('"text":"two\\n"');
  });

  test('refuses to start beside another server on the same data directory, in one line', async () => {
    await start();
    await expect(startServer(dataDir)).rejects.toThrow(/^Runwire cannot start: .*in use.*\n$/m);
  });

  test.each([
    ['where no directory can be made', '/proc/nope', 'its file system makes no directories there'],
    ['that is a file', '/dev/null', '/dev/null is not a directory'],
    ['within a file', '/dev/null/data', '/dev/null is not a directory'],
    ['of two lines', '/dev/null/a\nb', '/dev/null is not a directory'],
    [
      'of a name that is too long',
      `/tmp/${'n'.repeat(300)}`,
      'its path, or a name in it, is too long for its file system',
    ],
  ])('refuses a data directory %s in one line, and ends', async (_what, place, why) => {
    const { child, listening, output } = launchServer(place);
    servers.push({ child, address: '', output, stop: async () => ({ code: null, signal: null }) });
    const hung = setTimeout(() => child.kill('SIGKILL'), 30_000);
    await expect(listening).rejects.toThrow(/Runwire cannot start/);
    clearTimeout(hung);
    const told = output()
      .split('\n')
      .filter((line) => line.startsWith('Runwire cannot start'));
    expect(told).toEqual([
      `Runwire cannot start: the data directory ${place.replace('\n', ' ')} cannot be used: ${why}: choose another with --data-dir or RUNWIRE_DATA_DIR`,
    ]);
    expect(child.exitCode).toBe(1);
  });

  requires('linux', 'root')('as another user', () => {
    test('says whose it is that may not be written, of what is in the data directory too', async () => {
      const user = strangeUser();
      const runs = join(dataDir, 'runs');
      for (const name of ['runs', 'discarded']) mkdirSync(join(dataDir, name));
      chmodSync(dataDir, 0o777);
      await expect(launchServer(dataDir, {}, asUser(user)).listening).rejects.toThrow(
        `Runwire cannot start: the data directory ${dataDir} cannot be used: permission denied, ${runs} is of user 0 and the server runs as user ${user}: choose another with --data-dir or RUNWIRE_DATA_DIR\n`,
      );
    });
  });

  test.each([
    ['a newer database', (db: string) => newerDatabase(db), /was written by a newer Runwire \(schema 999;/],
    ['a directory in place of its database', mkdirSync, /cannot be opened: illegal operation on a directory/],
    ['another file in its place', (db: string) => writeFileSync(db, 'x'.repeat(2000)), /is not a database/],
  ])('refuses a data directory that has %s, in one line', async (_what, put, why) => {
    put(join(dataDir, 'runwire.db'));
    const { listening, output } = launchServer(dataDir);
    await expect(listening).rejects.toThrow(/Runwire cannot start/);
    const [, told = ''] = /^Runwire cannot start: (.*)\n$/m.exec(output()) ?? [];
    expect(told).toMatch(why);
    expect(told).toMatch(/: choose another with --data-dir or RUNWIRE_DATA_DIR$/);
    rmSync(join(dataDir, 'runwire.db'), { recursive: true });
  });

  test('refuses to serve others than this machine without a token, and names what is wrong with a value', async () => {
    await expect(startServer(dataDir, { RUNWIRE_HOST: '0.0.0.0' })).rejects.toThrow(/RUNWIRE_TOKEN/);
    await expect(startServer(dataDir, { RUNWIRE_MAX_CONCURRENT: 'many' })).rejects.toThrow(
      /RUNWIRE_MAX_CONCURRENT="many"/,
    );
  });

  test('says what to set where its port is in use', async () => {
    const { port } = new URL((await start()).address);
    const other = mkdtempSync(join(tmpdir(), 'runwire-server-'));
    const second = startServer(other, { RUNWIRE_PORT: port });
    await expect(second).rejects.toThrow(
      `Runwire cannot start: port ${port} of 127.0.0.1 is in use: choose another with --port or RUNWIRE_PORT`,
    );
    const nowhere = { RUNWIRE_HOST: '192.0.2.1', RUNWIRE_TOKEN: 'a-long-enough-token' };
    await expect(startServer(other, nowhere)).rejects.toThrow('192.0.2.1 is no address of this machine');
    rmSync(other, { recursive: true, force: true });
  });

  test('on a terminal it says which run failed and why, and nothing of others', async () => {
    const server = await start({ RUNWIRE_LOG_FORMAT: 'text' });
    await post(server, { invocation_id: 'good', command: ['true'] }, '?wait=10');
    await post(server, { invocation_id: 'bad', command: ['sh', '-c', 'exit 3'] }, '?wait=10');
    await expect
      .poll(server.output)
      .toMatch(/^\d\d:\d\d:\d\d run bad \(subprocess\) failed after \d+\.\d s: exited with code 3$/m);
    expect(server.output()).not.toMatch(/good|\{"level"/);
  });

  test('says what it is configured with, without the token', async () => {
    const server = await start({ RUNWIRE_TOKEN: 'correct-horse-battery' });
    expect(server.output()).toContain('"drainSeconds":30');
    expect(server.output()).not.toContain('correct-horse-battery');
  });
});
