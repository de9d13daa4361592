import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, createServer, request, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Record as RunRecord } from '../../src/documents/record.ts';
import { own } from '../helpers/own-id.ts';
import { descriptorsOf, processesWith, supervisorOf, until } from '../helpers/processes.ts';
import { requires } from '../helpers/require.ts';
import { type ServerProcess, startServer } from '../helpers/server-process.ts';
import { expectInvariants, processesOf } from './invariants.ts';

const VARIABLES = { RUNWIRE_LOG_LEVEL: 'error', RUNWIRE_DRAIN_SECONDS: '0', RUNWIRE_HTTP_ALLOW: '127.0.0.1' };
const NEVER_BEGAN = { ended: 'never_started', started: false, retry_safe: true };

let count = 0;
const newId = (): string => own(`descriptors-${count++}`);

/** No file more can be opened by a process, until this is disposed. */
function exhausted(pid: number): Disposable {
  const taken = new Set(descriptorsOf(pid).map((line) => Number.parseInt(line, 10)));
  let free = 0;
  while (taken.has(free)) free++;
  const limit = (soft: string): void => {
    execFileSync('prlimit', ['--pid', String(pid), `--nofile=${soft}:`]);
  };
  const before = execFileSync('prlimit', ['--pid', String(pid), '--nofile', '--noheadings', '--output=SOFT']);
  limit(String(free));
  return { [Symbol.dispose]: () => limit(before.toString().trim()) };
}

const sh = (invocation_id: string, script: string, more: object = {}) => ({
  runtime_kind: 'subprocess',
  invocation_id,
  command: ['sh', '-c', script],
  ...more,
});

/** Over one connection that stays: a process without descriptors takes no new one. */
function client(address: string) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const { hostname, port } = new URL(address);
  return {
    call: (method: string, path: string, body?: object) =>
      new Promise<{ status: number | undefined; text: string }>((resolve, reject) => {
        const headers = { 'content-type': 'application/json' };
        const asked = request({ agent, hostname, port, method, path, ...(body && { headers }) }, (answer) => {
          let text = '';
          answer.on('data', (chunk) => (text += chunk));
          answer.on('close', () => resolve({ status: answer.statusCode, text }));
        });
        asked.on('error', reject);
        asked.end(body && JSON.stringify(body));
      }),
    end: () => agent.destroy(),
  };
}

requires('linux', 'prlimit')('Descriptors that run out', () => {
  for (const spawn of ['posix', 'portable'])
    describe(`in the supervisor (${spawn} spawner)`, () => {
      const dataDir = mkdtempSync(join(tmpdir(), 'runwire-descriptors-'));
      let server: ServerProcess;
      const post = (body: object): Promise<RunRecord> =>
        fetch(`${server.address}/invocations?wait=30`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(body),
        }).then((response) => response.json() as Promise<RunRecord>);
      const said = (id: string): Promise<void> =>
        expect
          .poll(() => fetch(`${server.address}/invocations/${id}/stdout`).then((answer) => answer.text()))
          .toBe('up\n');

      beforeAll(async () => {
        server = await startServer(dataDir, { ...VARIABLES, RUNWIRE_SPAWN: spawn });
      });
      afterAll(async () => {
        await server.stop();
        await until(() => processesWith(dataDir).length === 0, 'the supervisor has ended');
        rmSync(dataDir, { recursive: true, force: true });
      });

      test('runs that need some never start and may be tried again; others go on, and all is well when there are some', async () => {
        const gate = join(dataDir, 'gate');
        const [going, refused, after] = [newId(), newId(), newId()];
        const waited = post(
          sh(going, `echo up; while [ ! -e ${gate} ]; do sleep 0.05; done; echo down; exit 4`),
        );
        await said(going);
        const supervisor = supervisorOf(dataDir);
        {
          using _none = exhausted(supervisor);
          const { status, result, outcome } = await post(sh(refused, 'echo never'));
          expect([status, outcome]).toMatchObject(['failed', NEVER_BEGAN]);
          expect(result?.error_summary).toContain('too many files are open in the supervisor (EMFILE)');
          writeFileSync(gate, '');
          expect(await waited).toMatchObject({ status: 'failed', result: { exit_code: 4 } });
        }
        await expectInvariants({ url: server.address, id: going, wrote: { stdout: 'up\ndown\n' } });
        await expectInvariants({ url: server.address, id: refused, wrote: { stdout: '' } });
        expect(await post(sh(after, 'echo again'))).toMatchObject({ status: 'succeeded' });
        expect(supervisorOf(dataDir)).toBe(supervisor);
      });

      test('what a run leaves behind is found and ended all the same', async () => {
        const id = newId();
        const waited = post(sh(id, 'setsid sleep 1000 & echo up; exec sleep 1000'));
        await said(id);
        {
          using _none = exhausted(supervisorOf(dataDir));
          await fetch(`${server.address}/invocations/${id}/cancel`, { method: 'POST' });
          expect(await waited).toMatchObject({ status: 'cancelled', outcome: { kill: { survivors: 0 } } });
          expect(processesOf(id)).toEqual([]);
        }
      });
    });

  describe('in the server', () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'runwire-descriptors-'));
    let server: ServerProcess;
    let backend: Server;

    beforeAll(async () => {
      server = await startServer(dataDir, VARIABLES);
      backend = createServer((_request, response) => response.end('hello'));
      await new Promise<void>((resolve) => backend.listen(0, '127.0.0.1', resolve));
    });
    afterAll(async () => {
      backend.close();
      await server.stop();
      await until(() => processesWith(dataDir).length === 0, 'the supervisor has ended');
      rmSync(dataDir, { recursive: true, force: true });
    });

    test('whoever needs one is told 503, a call that was never sent may be tried again, programs run, and all is well when there are some', async () => {
      const { call, end } = client(server.address);
      const { port } = backend.address() as AddressInfo;
      const http = (invocation_id: string) => ({
        runtime_kind: 'http',
        invocation_id,
        options: { http: { url: `http://127.0.0.1:${port}/` } },
      });
      const run = async (body: object): Promise<RunRecord> =>
        JSON.parse((await call('POST', '/invocations?wait=30', body)).text) as RunRecord;
      const [old, unsent, program, worked, after] = [newId(), newId(), newId(), newId(), newId()];
      await run(sh(old, 'echo kept'));
      const pid = server.child.pid ?? 0;
      {
        using _none = exhausted(pid);
        const claim = { status: 503, text: expect.stringContaining('"code":"overloaded"') };
        await call('POST', '/invocations', { runtime_kind: 'manual', invocation_id: worked });
        expect(await call('POST', '/manual/claims', {})).toMatchObject(claim);
        const called = await run(http(unsent));
        expect([called.status, called.outcome]).toMatchObject(['failed', NEVER_BEGAN]);
        expect(called.result?.error_summary).toContain('too many files open (EMFILE)');
        expect(await run(sh(program, 'echo one; echo two >&2; exit 3'))).toMatchObject({
          status: 'failed',
          result: { exit_code: 3 },
        });
        expect((await call('GET', '/healthz')).status).toBe(200);
      }
      end();
      const wrote = { stdout: 'one\n', stderr: 'two\n' };
      await expectInvariants({ url: server.address, id: program, wrote });
      await expectInvariants({ url: server.address, id: old, wrote: { stdout: 'kept\n' } });
      const again = client(server.address);
      expect((await again.call('POST', '/manual/claims', {})).status).toBe(200);
      expect((await again.call('POST', '/invocations?wait=30', http(after))).text).toContain(
        '"exit_code":200',
      );
      again.end();
      expect(server.child.exitCode).toBeNull();
    });
  });

  describe('from the start', () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'runwire-descriptors-'));
    let server: ServerProcess;
    beforeAll(async () => {
      server = await startServer(dataDir, VARIABLES, ['prlimit', '--nofile=100:100']);
    });
    afterAll(async () => {
      await server.stop();
      await until(() => processesWith(dataDir).length === 0, 'the supervisor has ended');
      rmSync(dataDir, { recursive: true, force: true });
    });

    test('programs are started when there are enough for all that they may come to need: the others wait for that', async () => {
      const { call, end } = client(server.address);
      const ids = Array.from({ length: 24 }, newId);
      const wrote = { stdout: 'one\ntwo\n', stderr: 'err\n' };
      for (const id of ids)
        expect(
          await call('POST', '/invocations', sh(id, 'echo one; echo err >&2; sleep 0.3; echo two')),
        ).toMatchObject({ status: 202 });
      for (const id of ids) {
        await call('GET', `/invocations/${id}?wait=30`);
        const { status } = JSON.parse((await call('GET', `/invocations/${id}`)).text) as RunRecord;
        expect(status).toBe('succeeded');
        await expectInvariants({ url: server.address, id, wrote });
      }
      end();
    });

    test('connections beyond what leaves files to runs are closed, and later ones are taken again', async () => {
      const { port } = new URL(server.address);
      const sockets: Socket[] = [];
      let closed = 0;
      for (let n = 0; n < 60; n++) {
        const socket = connect(Number(port), '127.0.0.1');
        socket.on('error', () => {});
        socket.on('close', () => closed++);
        sockets.push(socket);
      }
      await until(() => closed >= 40, 'those that are too many have been closed');
      for (const socket of sockets) socket.destroy();
      await until(() => closed === sockets.length, 'all have gone');
      const id = newId();
      const { call, end } = client(server.address);
      await expect
        .poll(() => call('POST', '/invocations?wait=30', sh(id, 'echo well')).catch(() => ({ status: 0 })))
        .toMatchObject({ status: 200 });
      end();
      await expectInvariants({ url: server.address, id, wrote: { stdout: 'well\n' } });
    });
  });
});
