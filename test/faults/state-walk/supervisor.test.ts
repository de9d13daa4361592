import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect } from 'vitest';
import { exits, patient, truth } from './programs.ts';
import { WalkSuite } from './suite.ts';

/** What nobody can know any more. */
const lost = { status: 'failed', outcome: { ended: 'lost', exit_code: null, retry_safe: false } } as const;
const cancelled = { status: 'cancelled', outcome: { ended: 'cancelled', retry_safe: false } } as const;
const silent = {
  body: { runtime_kind: 'subprocess', command: ['false'] },
  wrote: { stdout: '', stderr: '' },
};

describe('A run whose supervisor is killed', () => {
  const suite = new WalkSuite('The supervisor was killed, or server and supervisor together:');

  for (const point of ['spawn received', 'program spawned', 'started not told'])
    suite.try(`at "${point}" is lost, and none of its processes is left`, (walk) =>
      walk.step({ point: `supervisor: ${point}`, ...exits(), expected: lost }),
    );

  for (const point of ['output captured, not told of', 'half a line of the journal'])
    for (const both of [false, true])
      suite.try(
        `at "${point}"${both ? ', with its server,' : ''} is lost with the output up to then`,
        async (walk) => {
          const { record } = await walk.step({
            point: `supervisor: ${point}`,
            nth: point.startsWith('half') ? 1 : 5,
            both,
            ...patient(),
            ...(point.startsWith('half') ? {} : exits(40)),
            expected: lost,
          });
          expect(record.outcome.stdout?.bytes).toBeGreaterThan(0);
          expect(record.outcome.kill).toMatchObject({ survivors: 0 });
        },
      );

  suite.try(
    'after the program was reaped, before it was recorded how it ended, is lost with all its output',
    async (walk) => {
      const { body, wrote } = exits();
      const { record } = await walk.step({
        point: 'supervisor: program reaped',
        body,
        wrote,
        expected: lost,
      });
      expect(record.outcome.stdout?.bytes).toBe(Buffer.byteLength(wrote.stdout));
      expect(record.outcome.stderr?.bytes).toBe(Buffer.byteLength(wrote.stderr));
    },
  );

  for (const point of ['exit recorded', 'exit not told', 'exit told'])
    for (const both of [false, true])
      suite.try(`at "${point}"${both ? ', with its server,' : ''} ends as it ended`, (walk) =>
        walk.step({ point: `supervisor: ${point}`, both, ...exits(), expected: truth }),
      );

  suite.try('with its server, before it told the end of a program that wrote nothing, is lost', (walk) =>
    walk.step({
      point: 'supervisor: exit not told',
      both: true,
      said: 'supervisor: exit not told (both), of a program that wrote nothing',
      ...silent,
      expected: lost,
    }),
  );

  for (const point of ['stop received', 'program told to end'])
    for (const both of [false, true])
      suite.try(
        `while it is cancelled, at "${point}"${both ? ', with its server,' : ''} is cancelled`,
        async (walk) => {
          await walk.step({
            point: `supervisor: ${point}`,
            both,
            ...patient(),
            act: (id, client) =>
              client.has(3).then(() => walk.server.post(`/invocations/${id}/cancel`).catch(() => null)),
            expected: cancelled,
          });
        },
      );

  for (const [point, expected] of [
    ['time is over', lost],
    ['program told to end', lost],
    ['program reaped', lost],
    ['exit recorded', { status: 'timed_out', outcome: { timeout_reason: 'run' } }],
  ] as const)
    suite.try(`while no server lives, at "${point}", is lost unless it was written`, (walk) =>
      walk.step({
        point: `supervisor: ${point}`,
        said: `supervisor: ${point} (no server lives, its time is over)`,
        ...patient({ timeout_seconds: 1 }),
        act: (_, client) => client.has(3).then(() => walk.server.crash()),
        expected,
      }),
    );

  for (const point of ['insert committed', 'spawn sent', 'journal grew, not told'])
    suite.try(`with its server, at "${point}", is lost`, (walk) =>
      walk.step({ point, both: true, ...patient(), expected: lost }),
    );

  for (const point of ['facts received', 'result made', 'result committed'])
    suite.try(`with its server, at "${point}", ends as it ended`, (walk) =>
      walk.step({ point, both: true, ...exits(), expected: truth }),
    );

  suite.try('is begun by the supervisor that waited for the next server, which takes its time', (walk) =>
    walk.step({
      point: 'spawn not sent',
      said: 'spawn not sent, next start 6 s later',
      ...exits(),
      meanwhile: () => sleep(6000),
      expected: truth,
    }),
  );

  suite.restartOnceMore();
});

describe('A run of the portable spawner', () => {
  const suite = new WalkSuite('With the portable spawner:', { RUNWIRE_SPAWN: 'portable' });

  for (const [point, both, expected] of [
    ['spawn sent', false, truth],
    ['journal grew, not told', false, truth],
    ['exit told', false, truth],
    ['supervisor: started not told', false, lost],
    ['supervisor: output captured, not told of', true, lost],
    ['supervisor: exit not told', true, truth],
  ] as const)
    suite.try(
      `at "${point}"${both ? ', with the other process' : ''} is what it is with the other one`,
      (walk) => walk.step({ point, both, ...exits(), expected }),
    );

  suite.restartOnceMore();
});
