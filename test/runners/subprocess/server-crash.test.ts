import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Record as RunRecord } from '../../../src/documents/record.ts';
import { CrashingServer } from '../../helpers/crashing-server.ts';
import { own } from '../../helpers/own-id.ts';
import { processesWith, supervisorOf, until } from '../../helpers/processes.ts';
import { outputOf, parseEvents } from '../../helpers/run-events.ts';

/** A program that says a number every 50 ms. */
const counts = (to: number) => [
  'sh',
  '-c',
  `i=0; while [ $i -lt ${to} ]; do i=$((i+1)); echo $i; sleep 0.05; done; exit 4`,
];
const numbers = (to: number) => Array.from({ length: to }, (_, i) => `${i + 1}\n`).join('');

for (const spawn of ['posix', 'portable'])
  describe(`A server that was killed finds its subprocesses again (${spawn} spawner)`, () => {
    let server: CrashingServer;
    beforeEach(async () => {
      server = new CrashingServer({ RUNWIRE_SPAWN: spawn });
      await server.start();
    });
    afterEach(() => server.end());

    const post = async (body: Record<string, unknown>): Promise<string> => {
      const response = await server.post('/invocations', { runtime_kind: 'subprocess', ...body });
      expect(response.status).toBe(202);
      return ((await response.json()) as RunRecord).invocation.invocation_id;
    };
    const wait = async (id: string): Promise<RunRecord> =>
      (await fetch(`${server.url}/invocations/${id}?wait=40`)).json() as Promise<RunRecord>;
    const events = async (id: string, headers: Record<string, string> = {}, query = '') =>
      parseEvents(
        await (
          await fetch(`${server.url}/invocations/${id}/events${query}`, {
            headers: { accept: 'application/x-ndjson', ...headers },
          })
        ).text(),
      );
    const saidSomething = async (id: string): Promise<void> => {
      for (;;) {
        if ((await (await fetch(`${server.url}/invocations/${id}/stdout`)).text()).length > 0) return;
        await sleep(20);
      }
    };

    test('a running program goes on, and its events have no hole and no repeat', async () => {
      const id = await post({ command: counts(40) });
      await saidSomething(id);
      const seen = await events(id, {}, '?follow=false');
      const supervisor = supervisorOf(server.dataDir);
      await server.crash();
      await sleep(200); // output goes on meanwhile
      await server.start();
      expect(supervisorOf(server.dataDir)).toBe(supervisor);
      const rest = await events(id, { 'last-event-id': String(seen.at(-1)?.seq) });
      const all = [...seen, ...rest];
      expect(all.map(({ seq }) => seq)).toEqual(all.map((_, i) => i + 1));
      expect(outputOf(all, 'stdout').toString()).toBe(numbers(40));
      expect(await wait(id)).toMatchObject({
        status: 'failed',
        outcome: { ended: 'exited', exit_code: 4, last_seq: all.length },
      });
      expect(all.at(-1)?.type).toBe('finished');
    });

    test('a program that ended while there was no server has its true result', async () => {
      const id = await post({ command: counts(6) });
      await saidSomething(id);
      await server.crash();
      await sleep(800);
      await server.start();
      const record = await wait(id);
      expect(record).toMatchObject({
        status: 'failed',
        outcome: { ended: 'exited', exit_code: 4, stdout: { bytes: 12 } },
      });
      expect(outputOf(await events(id), 'stdout').toString()).toBe(numbers(6));
    });

    test('also when the supervisor has ended after it', async () => {
      const id = await post({ command: counts(6) });
      await saidSomething(id);
      const supervisor = supervisorOf(server.dataDir);
      await server.crash();
      await sleep(800);
      process.kill(supervisor, 'SIGTERM');
      await until(() => !alive(supervisor), 'the supervisor has ended');
      await server.start();
      expect(await wait(id)).toMatchObject({ status: 'failed', outcome: { ended: 'exited', exit_code: 4 } });
      expect(outputOf(await events(id), 'stdout').toString()).toBe(numbers(6));
    });

    test('the new server can cancel, signal and feed it', async () => {
      const options = { stdin_open: true };
      const id = await post({
        command: [
          'sh',
          '-c',
          'trap "echo usr1" USR1; echo up; while read -r x; do echo "got $x"; done; sleep 60',
        ],
        options,
      });
      await saidSomething(id);
      await server.crash();
      await server.start();
      const fed = await fetch(`${server.url}/invocations/${id}/stdin`, { method: 'POST', body: 'hello\n' });
      expect(fed.status).toBe(204);
      const said = async () => (await fetch(`${server.url}/invocations/${id}/stdout`)).text();
      await expect.poll(said).toBe('up\ngot hello\n'); // a signal may come before what was written before it
      expect((await server.post(`/invocations/${id}/signals`, { signal: 'SIGUSR1' })).status).toBe(204);
      await expect.poll(said).toBe('up\ngot hello\nusr1\n');
      expect((await server.post(`/invocations/${id}/cancel`)).status).toBe(202);
      expect(await wait(id)).toMatchObject({ status: 'cancelled', outcome: { kill: { survivors: 0 } } });
      expect(outputOf(await events(id), 'stdout').toString()).toBe('up\ngot hello\nusr1\n');
    });

    test('its timeout counts from the first start', async () => {
      const id = await post({ command: ['sh', '-c', 'echo up; sleep 60'], timeout_seconds: 2 });
      await saidSomething(id);
      await server.crash();
      await sleep(2100);
      await server.start();
      expect(await wait(id)).toMatchObject({ status: 'timed_out', outcome: { timeout_reason: 'run' } });
    });

    test('when the supervisor died with it, the program is ended and the run is lost', async () => {
      const word = own('lost');
      const id = await post({
        command: [
          'sh',
          '-c',
          `(env -i setsid sh -c 'sleep 60; true' ${word} </dev/null >/dev/null 2>&1 &); echo up; sleep 60`,
          word,
        ],
      });
      await saidSomething(id);
      const supervisor = supervisorOf(server.dataDir);
      await server.crash();
      process.kill(supervisor, 'SIGKILL');
      expect(processesWith(word).length).toBeGreaterThan(0);
      await server.start();
      const record = await wait(id);
      expect(record).toMatchObject({
        status: 'failed',
        outcome: { ended: 'lost', retry_safe: false, kill: { survivors: 0 }, stdout: { bytes: 3 } },
      });
      expect(processesWith(word)).toEqual([]);
      const all = await events(id);
      expect(all.map(({ seq }) => seq)).toEqual(all.map((_, i) => i + 1));
      expect(outputOf(all, 'stdout').toString()).toBe('up\n');
    });
  });

function alive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
