import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Record as RunRecord } from '../../src/documents/record.ts';
import { CrashingServer } from '../helpers/crashing-server.ts';
import { FailingDisk } from '../helpers/failing-disk.ts';
import { own } from '../helpers/own-id.ts';
import { processesWith, until } from '../helpers/processes.ts';
import { requires } from '../helpers/require.ts';
import { parseEvents } from '../helpers/run-events.ts';
import { type ServerProcess, startServer } from '../helpers/server-process.ts';
import { expectInvariants, processesOf } from './invariants.ts';
import { SmallDisk } from './small-disk.ts';

const MIB = 1024 * 1024;
/** Says a line, waits until a file is there, says a line, and ends. */
const gated = (gate: string, exit: string): string[] => [
  'sh',
  '-c',
  `echo before; while [ ! -e ${gate} ]; do sleep 0.05; done; echo after; ${exit}`,
];
const run = (id: string, command: string[]) => ({
  runtime_kind: 'subprocess',
  invocation_id: id,
  command,
});

requires(
  'linux',
  'root',
  'mount',
)('A data directory that is read-only at the start', () => {
  test('is refused in one line, new or used, and served when it can be written again', async () => {
    using disk = new SmallDisk(16 * MIB);
    const used = join(disk.path, 'used');
    await (await startServer(used)).stop();
    await until(() => processesWith(used).length === 0, 'the supervisor has ended');
    execFileSync('mount', ['-o', 'remount,ro', disk.path]);
    for (const dataDir of [used, join(disk.path, 'new')])
      await expect(startServer(dataDir)).rejects.toThrow(
        `Runwire cannot start: the data directory ${dataDir} cannot be used: its file system is read-only: choose another with --data-dir or RUNWIRE_DATA_DIR\n`,
      );
    execFileSync('mount', ['-o', 'remount,rw', disk.path]);
    await (await startServer(used)).stop();
    await until(() => processesWith(used).length === 0, 'the supervisor has ended');
  });
});

requires(
  'linux',
  'root',
  'immutable',
)('A data directory that may not be written for a while', () => {
  const server = new CrashingServer();
  const gate = join(mkdtempSync(join(tmpdir(), 'runwire-gate-')), 'open');
  /** Every file and directory of it, but for sockets. */
  const immutable = (flag: '+i' | '-i'): void => {
    const all = readdirSync(server.dataDir, { recursive: true, withFileTypes: true });
    const paths = all.filter((entry) => entry.isFile() || entry.isDirectory());
    const names = paths.map(({ parentPath, name }) => join(parentPath, name));
    execFileSync('chattr', [flag, ...names, server.dataDir]);
  };
  const get = (path: string): Promise<Response> => fetch(`${server.url}${path}`);

  beforeAll(() => server.start());
  afterAll(async () => {
    immutable('-i');
    await server.end();
    rmSync(join(gate, '..'), { recursive: true, force: true });
  });

  test('refuses runs and deletions and says so, serves what it has, loses nothing that it does not tell of, and recovers', async () => {
    await server.post('/invocations?wait=20', run('old', ['echo', 'kept']));
    await server.post('/invocations', run(own('denied'), gated(gate, 'exit 5')));
    await expect
      .poll(async () => (await get(`/invocations/${own('denied')}/stdout`)).text())
      .toBe('before\n');
    await expect.poll(() => statSync(join(server.dataDir, 'runwire.db-redo')).size).toBe(0);
    immutable('+i');

    for (let n = 0; n < 3; n++) {
      const refused = await server.post('/invocations', run('refused', ['true']));
      expect(refused.status).toBe(507);
      const problem = await refused.text();
      expect(problem).toContain('"code":"insufficient_storage"');
      expect(problem).not.toContain(server.dataDir);
    }
    expect((await get('/invocations/refused')).status).toBe(404);
    expect((await get('/readyz')).status).toBe(503);
    // It stays so when it is asked again, later.
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect((await get('/readyz')).status).toBe(503);
    expect((await fetch(`${server.url}/invocations/old`, { method: 'DELETE' })).status).toBe(500);
    expect(await (await get('/invocations/old/stdout')).text()).toBe('kept\n');
    writeFileSync(gate, '');
    await until(() => processesOf(own('denied')).length === 0, 'the program has ended');
    expect((await (await get(`/invocations/${own('denied')}?wait=1`)).json()) as RunRecord).toMatchObject({
      status: 'running',
    });

    immutable('-i');
    const final = await expectInvariants({
      url: server.url,
      id: own('denied'),
      wrote: { stdout: 'before\nafter\n' },
    });
    expect(final.record).toMatchObject({ status: 'failed', result: { exit_code: 5 } });
    expect(final.record.result.error_summary).toMatch(
      /exited with code 5; output could not be kept: .*EPERM/,
    );
    const gaps = parseEvents(final.lines.join('\n')).filter(({ type }) => type === 'gap');
    expect(gaps).toMatchObject([{ stream: 'stdout', offset: 7, length: 6, reason: 'storage' }]);
    await expect.poll(async () => (await get('/readyz')).status, { timeout: 10_000 }).toBe(200);
    expect((await server.post('/invocations?wait=20', run('refused', ['true']))).status).toBe(200);
    expect((await fetch(`${server.url}/invocations/old`, { method: 'DELETE' })).status).toBe(204);
  });
});

requires('failing-disk')('A disk that fails under a running server, and turns read-only for good', () => {
  let disk: FailingDisk;
  let server: ServerProcess;
  const place = mkdtempSync(join(tmpdir(), 'runwire-gate-'));

  beforeAll(async () => {
    disk = new FailingDisk();
    server = await startServer(disk.path, { RUNWIRE_DRAIN_SECONDS: '0', RUNWIRE_LOG_LEVEL: 'error' });
  });
  afterAll(async () => {
    await server.stop('SIGKILL');
    for (const pid of [...processesWith(disk.path), ...processesOf(own('failing'))])
      process.kill(pid, 'SIGKILL');
    await until(() => processesWith(disk.path).length === 0, 'the supervisor has ended');
    disk[Symbol.dispose]();
    rmSync(place, { recursive: true, force: true });
  });
  const post = (body: object): Promise<Response> =>
    fetch(`${server.address}/invocations?wait=10`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });

  test('the server and its programs live, it says why it takes nothing, and it can be stopped', async () => {
    const gate = join(place, 'gate');
    const over = join(place, 'over');
    await post(run('old', ['echo', 'kept']));
    const going = post(run(own('failing'), gated(gate, `touch ${over}`)));
    await expect
      .poll(async () => (await fetch(`${server.address}/invocations/${own('failing')}/stdout`)).text())
      .toBe('before\n');
    going.catch(() => {}); // told below
    disk.fail();
    const refused = await post(run('refused', ['true']));
    expect([refused.status, await refused.text()]).toMatchObject([
      507,
      expect.stringContaining('the disk of the server is read-only (EROFS)'),
    ]);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    const ready = await fetch(`${server.address}/readyz`);
    expect([ready.status, await ready.text()]).toMatchObject([503, expect.stringContaining('the disk')]);
    writeFileSync(gate, '');
    await until(() => processesOf(own('failing')).length === 0, 'the program has ended');
    // It ended by itself: nobody killed it when its output could not be kept.
    expect(statSync(over).size).toBe(0);
    expect(await (await fetch(`${server.address}/invocations/old/stdout`)).text()).toBe('kept\n');
    expect((await fetch(`${server.address}/invocations/old`, { method: 'DELETE' })).status).toBe(507);
    expect((await going).status).toBe(202);
    expect(await server.stop()).toEqual({ code: 0, signal: null });
    expect(server.output()).toContain('results that could not be stored are left to the next server');
    // A supervisor that could not write how its program ended keeps it for that server.
    expect(processesWith(disk.path)).toHaveLength(1);
  });
});
