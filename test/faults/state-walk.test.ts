import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, test } from 'vitest';
import type { Record as RunRecord } from '../../src/record.ts';
import { until } from '../helpers/processes.ts';
import { expectInvariants } from './invariants.ts';
import { exits, patient, truth } from './state-walk-programs.ts';
import { Walk } from './state-walk-run.ts';

describe('A run whose server is killed', () => {
  const walk = new Walk({ RUNWIRE_MAX_CONCURRENT: '1' });
  const { server } = walk;
  afterAll(() => walk.end('The server was killed:'));

  for (const point of ['body parsed', 'inserted', 'half a turn in the redo log'])
    test(`at "${point}" was never accepted`, () => walk.step({ point, ...exits(), expected: 'absent' }));

  for (const point of [
    'insert committed',
    'spawn not sent',
    'spawn sent',
    'started',
    'journal grew, not told',
    'not carried into the database',
    'carried into the database',
    'redo log cleared',
    'exit told',
    'facts received',
    'copying an artifact',
    'result file not begun',
    'result file unfinished',
    'result file in place',
    'result made',
    'result stored',
    'result committed',
    'finished told',
    'forgotten by the supervisor',
  ])
    test(`at "${point}" ends as it ended`, () => walk.step({ point, ...exits(), expected: truth }));

  test('in the middle of its output ends as it ended, also when that was while no server lived', () =>
    walk.step({
      point: 'journal grew, not told',
      nth: 4,
      said: 'mid-output, and the program ends before the next start',
      ...exits(),
      meanwhile: () => sleep(400),
      expected: truth,
    }));

  test('before it told its end, ends as it ended although it never wrote anything', () =>
    walk.step({
      point: 'exit told',
      said: 'exit told, of a program that wrote nothing',
      body: { runtime_kind: 'subprocess', command: ['false'] },
      wrote: { stdout: '', stderr: '' },
      expected: { status: 'failed', outcome: { ended: 'exited', exit_code: 1 } },
    }));

  for (const point of ['place free', 'running stored', 'running committed'])
    test(`while it waits, at "${point}", is run once and ends as it ended`, () =>
      walk.step({
        point,
        said: `queued: ${point}`,
        ...exits(),
        prepare: () => server.post('/invocations', { runtime_kind: 'subprocess', command: ['sleep', '0.3'] }),
        expected: truth,
      }));

  for (const point of ['recovery begins', 'recovery has read', 'adoption not sent', 'adoption sent'])
    test(`and the next one too, at "${point}", ends as it ended`, () =>
      walk.step({
        point: 'journal grew, not told',
        said: `mid-output, and the next server: ${point}`,
        ...exits(12),
        again: { point },
        expected: truth,
      }));

  test('while it drains, ends as it ended', () =>
    walk.step({
      point: 'draining',
      said: 'SIGTERM: draining',
      ...exits(12),
      act: (_, client) => client.has(3).then(() => server.terminate()),
      expected: truth,
    }));

  for (const point of ['stop not sent', 'stop sent'])
    test(`while it cancels what still runs, at "${point}", is cancelled`, () =>
      walk.step({
        point,
        said: `SIGTERM, the time to drain is over: ${point}`,
        ...patient(),
        act: (_, client) => client.has(3).then(() => server.terminate()),
        expected: { status: 'cancelled', outcome: { ended: 'cancelled' } },
      }));

  test('before its cancel was heard, goes on until it is cancelled again', () =>
    walk.step({
      point: 'cancel received',
      ...patient(),
      act: (id, client) =>
        client.has(3).then(() => server.post(`/invocations/${id}/cancel`).catch(() => null)),
      later: (id) => server.post(`/invocations/${id}/cancel`),
      expected: { status: 'cancelled', outcome: { ended: 'cancelled' } },
    }));

  for (const point of ['stop not sent', 'stop sent'])
    test(`while it is cancelled, at "${point}", is cancelled`, () =>
      walk.step({
        point,
        said: `cancel: ${point}`,
        ...patient(),
        act: (id, client) =>
          client.has(3).then(() => server.post(`/invocations/${id}/cancel`).catch(() => null)),
        expected: { status: 'cancelled', outcome: { ended: 'cancelled' } },
      }));

  for (const meanwhile of [0, 700])
    test(`while it is stopped for its timeout, ${meanwhile} ms before the next start, has timed out`, () =>
      walk.step({
        point: 'stop sent',
        said: `timeout: stop sent, next start ${meanwhile} ms later`,
        ...patient({ timeout_seconds: 0.5 }),
        meanwhile: () => sleep(meanwhile),
        expected: { status: 'timed_out', outcome: { timeout_reason: 'run' } },
      }));

  for (const [point, times] of [
    ['delivery due', 1],
    ['delivery answered', 2],
    ['delivery stored', 2],
  ] as const)
    test(`at "${point}" is told to on_finish, with one webhook-id`, async () => {
      await using hook = await receiver();
      const final = await walk.step({
        point,
        said: `on_finish: ${point}`,
        ...exits(1, { on_finish: { url: hook.url, secret: 'secret' } }),
        expected: truth,
      });
      const { invocation, result } = final.record;
      const url = `${server.url}/invocations/${invocation.invocation_id}`;
      const delivered = async () => ((await (await fetch(url)).json()) as RunRecord).on_finish;
      while ((await delivered())?.state === 'pending') await sleep(20);
      expect(await delivered()).toMatchObject({ state: 'delivered', attempts: 1 });
      expect(hook.seen).toEqual(Array(times).fill({ id: hook.seen[0]?.id, body: JSON.stringify(result) }));
    });

  for (const point of ['files moved', 'removal stored'])
    test(`while it is deleted, at "${point}", is whole again`, async () => {
      await server.startUnlessUp();
      const { final, id, url } = await finished();
      server.killAt({ point });
      const answer = fetch(url(), { method: 'DELETE' }).catch(() => null);
      await server.killed();
      expect(await answer).toBeNull();
      await server.startUnlessUp();
      walk.remember(final);
      await walk.expectPreviousUnchanged();
      await expectInvariants({ url: server.url, id });
      walk.tried(`DELETE: ${point}`, 'whole again; may be deleted again');
      expect((await fetch(url(), { method: 'DELETE' })).status).toBe(204);
      walk.remember(null);
    });

  test('while it is deleted, at "removal committed", is gone with all its files', async () => {
    await server.startUnlessUp();
    const { id, body, url } = await finished();
    server.killAt({ point: 'removal committed' });
    const answer = fetch(url(), { method: 'DELETE' }).catch(() => null);
    await server.killed();
    expect(await answer).toBeNull();
    await server.startUnlessUp();
    expect((await fetch(url())).status).toBe(410);
    await until(() => !existsSync(join(server.dataDir, 'runs', id)), 'its files are gone');
    expect((await server.post('/invocations', body)).headers.get('idempotency-replayed')).toBeNull();
    walk.remember(await expectInvariants({ url: server.url, id, body }));
    walk.tried('DELETE: removal committed', 'gone; its id may be used again');
  });

  test('is still what it was after one more restart', async () => {
    await server.crash();
    await server.startUnlessUp();
    await walk.expectPreviousUnchanged();
  });

  async function finished() {
    const id = walk.newId();
    const body = { invocation_id: id, ...exits(1).body };
    await server.post('/invocations', body);
    const final = await expectInvariants({ url: server.url, id, body });
    return { id, body, final, url: () => `${server.url}/invocations/${id}` };
  }
});

/** Somebody who takes results. */
async function receiver() {
  const seen: { id: string; body: string }[] = [];
  const hook = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    seen.push({ id: String(request.headers['webhook-id']), body });
    response.writeHead(204).end();
  });
  await new Promise<void>((listening) => hook.listen(0, '127.0.0.1', listening));
  const { port } = hook.address() as AddressInfo; // listening on TCP
  return {
    seen,
    url: `http://127.0.0.1:${port}/`,
    [Symbol.asyncDispose]: () => new Promise<void>((closed) => hook.close(() => closed())),
  };
}
