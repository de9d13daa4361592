import { randomUUID } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect } from 'vitest';
import type { Record as RunRecord } from '../../../src/documents/record.ts';
import { startBackend, status } from '../../fixtures/backend.ts';
import { until } from '../../helpers/processes.ts';
import { expectInvariants } from '../invariants.ts';
import type { FollowingClient } from './client.ts';
import { exits, lacking, leaves, patient, truth } from './programs.ts';
import type { Walk } from './run.ts';
import { WalkSuite } from './suite.ts';

describe('A run whose server is killed', () => {
  const suite = new WalkSuite('The server was killed:', { RUNWIRE_MAX_CONCURRENT: '1' });

  for (const point of ['body parsed', 'inserted', 'half a turn in the redo log'])
    suite.try(`at "${point}" was never accepted`, (walk) =>
      walk.step({ point, ...exits(), expected: 'absent' }),
    );

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
    suite.try(`at "${point}" ends as it ended`, (walk) => walk.step({ point, ...exits(), expected: truth }));

  for (const point of ['exit told', 'copying an artifact', 'result made', 'result stored'])
    suite.try(
      `at "${point}" has the outputs that it left behind, and lacks those that it did not`,
      async (walk) => {
        const { record } = await walk.step({
          point,
          said: `outputs: ${point}`,
          ...leaves(),
          expected: lacking,
        });
        expect(
          record.result?.artifacts.map(({ artifact_id, metadata }) => [artifact_id, metadata.media_type]),
        ).toEqual([
          ['stdout', 'application/octet-stream'],
          ['stderr', 'application/octet-stream'],
          ['data', 'application/x-tar'],
          ['other', 'application/octet-stream'],
        ]);
        expect(record.outcome?.omitted).toEqual([{ path: 'none', reason: 'does not exist' }]);
      },
    );

  suite.try('in mid-output ends as it ended, also when that was while no server lived', (walk) =>
    walk.step({
      point: 'journal grew, not told',
      nth: 4,
      said: 'mid-output, and the program ends before the next start',
      ...exits(),
      meanwhile: () => sleep(400),
      expected: truth,
    }),
  );

  suite.try('before it told its end, ends as it ended although it never wrote anything', (walk) =>
    walk.step({
      point: 'exit told',
      said: 'exit told, of a program that wrote nothing',
      body: { runtime_kind: 'subprocess', command: ['false'] },
      wrote: { stdout: '', stderr: '' },
      expected: { status: 'failed', outcome: { ended: 'exited', exit_code: 1 } },
    }),
  );

  for (const point of ['place free', 'running stored', 'running committed'])
    suite.try(`while it waits, at "${point}", is run once and ends as it ended`, (walk) => {
      const letGo = join(walk.server.dataDir, `let-go-${randomUUID()}`);
      const holds = ['sh', '-c', 'until [ -e "$0" ]; do sleep 0.02; done', letGo];
      return walk.step({
        point,
        said: `queued: ${point}`,
        ...exits(),
        prepare: () => walk.server.post('/invocations', { runtime_kind: 'subprocess', command: holds }),
        act: async (id) => {
          const isThere = async () => (await fetch(`${walk.server.url}/invocations/${id}`)).status === 200;
          await until(isThere, 'it waits');
          writeFileSync(letGo, '');
        },
        expected: truth,
      });
    });

  for (const point of ['recovery begins', 'recovery has read', 'adoption not sent', 'adoption sent'])
    suite.try(`and the next one too, at "${point}", ends as it ended`, (walk) =>
      walk.step({
        point: 'journal grew, not told',
        said: `mid-output, and the next server: ${point}`,
        ...exits(12),
        again: { point },
        expected: truth,
      }),
    );

  suite.try('while it drains, ends as it ended', (walk) =>
    walk.step({
      point: 'draining',
      said: 'SIGTERM: draining',
      ...exits(12),
      act: (_, client) => client.has(3).then(() => walk.server.terminate()),
      expected: truth,
    }),
  );

  const cancelledBy = (by: 'client' | 'shutdown') =>
    ({ status: 'cancelled', outcome: { ended: 'cancelled', cancelled_by: { by } } }) as const;
  const cancelled = cancelledBy('client');
  const cancel = (walk: Walk) => (id: string, client: FollowingClient) =>
    client.has(3).then(() => walk.server.post(`/invocations/${id}/cancel`).catch(() => null));

  for (const point of ['abort committed', 'stop not sent', 'stop sent'])
    suite.try(`while it cancels what still runs, at "${point}", is cancelled`, (walk) =>
      walk.step({
        point,
        said: `SIGTERM, the time to drain is over: ${point}`,
        ...patient(),
        act: (_, client) => client.has(3).then(() => walk.server.terminate()),
        expected: cancelledBy('shutdown'),
      }),
    );

  suite.try('before its cancel was heard, goes on until it is cancelled again', (walk) =>
    walk.step({
      point: 'cancel received',
      ...patient(),
      act: cancel(walk),
      later: (id) => walk.server.post(`/invocations/${id}/cancel`),
      expected: cancelled,
    }),
  );

  for (const point of ['abort committed', 'stop sent'])
    suite.try(`while it is cancelled, at "${point}", is cancelled`, (walk) =>
      walk.step({
        point,
        said: `cancel: ${point}`,
        ...patient(),
        act: cancel(walk),
        expected: cancelled,
      }),
    );

  for (const away of [0, 700])
    suite.try(
      `while it is stopped for its timeout, ${away} ms before the next start, has timed out`,
      (walk) =>
        walk.step({
          point: 'stop sent',
          said: `timeout: stop sent${away === 0 ? '' : ', and the program ends before the next start'}`,
          ...patient({ timeout_seconds: 0.5 }),
          meanwhile: () => sleep(away),
          expected: { status: 'timed_out', outcome: { timeout_reason: 'run' } },
        }),
    );

  for (const point of [
    null,
    'adoption not sent',
    'adoption sent',
    'abort committed',
    'facts received',
    'result made',
  ])
    suite.try(
      `before its time is over, which it is while no server lives${point === null ? '' : `, and the next one at "${point}"`}, has timed out`,
      (walk) =>
        walk.step({
          point: 'journal grew, not told',
          said: `time over while no server lives${point === null ? '' : `, and the next server: ${point}`}`,
          ...patient({ timeout_seconds: 0.5 }),
          meanwhile: () => sleep(900),
          ...(point !== null && { again: { point } }),
          expected: { status: 'timed_out', outcome: { timeout_reason: 'run', ended: 'timed_out' } },
        }),
    );

  for (const [point, times] of [
    ['delivery due', 1],
    ['delivery answered', 2],
    ['delivery stored', 2],
  ] as const)
    suite.try(`at "${point}" is told to on_finish, under one webhook-id`, async (walk) => {
      await using hook = await startBackend();
      hook.on('/hook', status(204));
      const { record } = await walk.step({
        point,
        said: `on_finish: ${point}`,
        ...exits(1, { on_finish: { url: `${hook.url}/hook`, secret: 'secret' } }),
        expected: truth,
      });
      const { server } = walk;
      const delivery = async () => {
        const response = await fetch(`${server.url}/invocations/${record.invocation.invocation_id}`);
        return ((await response.json()) as RunRecord).on_finish;
      };
      while ((await delivery())?.state === 'pending') await sleep(20);
      expect(await delivery()).toMatchObject({ state: 'delivered', attempts: 1 });
      expect(hook.seen.map(({ body }) => body)).toEqual(Array(times).fill(JSON.stringify(record.result)));
      expect(new Set(hook.seen.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    });

  for (const point of ['files moved', 'removal stored', 'removal committed'])
    suite.try(`while it is deleted, at "${point}", is whole or gone with all its files`, async (walk) => {
      const { server } = walk;
      await server.startUnlessUp();
      const id = walk.newId();
      const body = { invocation_id: id, ...exits(1).body };
      await server.post('/invocations', body);
      const before = await expectInvariants({ url: server.url, id, body });
      server.killAt({ point });
      const answer = fetch(`${server.url}/invocations/${id}`, { method: 'DELETE' }).catch(() => null);
      await server.killed();
      expect(await answer).toBeNull();
      await server.startUnlessUp();
      if (point === 'removal committed') {
        expect((await fetch(`${server.url}/invocations/${id}`)).status).toBe(410);
        await until(() => !existsSync(join(server.dataDir, 'runs', id)), 'its files are gone');
        const again = await server.post('/invocations', body);
        expect(again.headers.get('idempotency-replayed'), 'a new run').toBeNull();
      } else {
        walk.remember(before);
        await walk.expectPreviousUnchanged();
        expect((await fetch(`${server.url}/invocations/${id}`, { method: 'DELETE' })).status).toBe(204);
        await server.post('/invocations', body);
      }
      walk.remember(await expectInvariants({ url: server.url, id, body }));
      walk.onTried(
        `DELETE: ${point}`,
        point === 'removal committed' ? 'gone' : 'whole, and may be deleted again',
      );
    });

  suite.restartOnceMore();
});

describe('A run that is left to the next server, whose server is killed meanwhile', () => {
  const suite = new WalkSuite('The server was killed while it left its runs:', { RUNWIRE_ON_EXIT: 'leave' });

  for (const point of ['draining', 'supervisor not left', 'supervisor left'])
    suite.try(`at "${point}", ends as it ended`, (walk) =>
      walk.step({
        point,
        said: `SIGTERM, runs are left: ${point}`,
        ...exits(12),
        act: (_, client) => client.has(3).then(() => walk.server.terminate()),
        expected: truth,
      }),
    );

  suite.restartOnceMore();
});
