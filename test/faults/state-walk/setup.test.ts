import { describe, expect } from 'vitest';
import { exits, patient } from './programs.ts';
import { WalkSuite } from './suite.ts';

/** Says things, and leaves a process that says more until the run ends; then once more, and ends. */
const COMMANDS = [
  `sleep 60 & i=0; while [ $i -lt 3 ]; do i=$((i+1)); printf 'vor ä %s\\n' $i; printf '\\377%s' $i >&2; sleep 0.03; done`,
  ['sh', '-c', 'sleep 0.05; echo last'],
];
const WROTE = {
  setup_stdout: 'vor ä 1\nvor ä 2\nvor ä 3\nlast\n',
  setup_stderr: Buffer.from('\xff1\xff2\xff3', 'latin1'),
};
const DONE = [
  { exit_code: 0, signal: null },
  { exit_code: 0, signal: null },
];

const withSetup = (last: readonly unknown[] = []) => {
  const { body, wrote } = exits(4, { setup: { commands: [...COMMANDS, ...last] } });
  return { body, wrote: { ...wrote, ...WROTE } };
};
const ended = { status: 'failed', outcome: { ended: 'exited', exit_code: 3, setup: DONE } } as const;
const failed = {
  status: 'failed',
  outcome: { ended: 'setup_failed', exit_code: null, retry_safe: false, started: true },
} as const;
const lost = { status: 'failed', outcome: { ended: 'lost', exit_code: null, retry_safe: false } } as const;

/** Where a run with a setup comes by, in this order: in the first command, between the two, in the command, at the end. */
const OF_SERVER: readonly (readonly [point: string, nth: number])[] = [
  ['spawn not sent', 1],
  ['spawn sent', 1],
  ['started', 1],
  ['journal grew, not told', 1],
  ['journal grew, not told', 4],
  ['began', 1],
  ['exit told', 1],
  ['facts received', 1],
  ['result made', 1],
  ['result stored', 1],
];
const OF_SUPERVISOR: readonly (readonly [point: string, nth: number])[] = [
  ['spawn received', 1],
  ['setup command begun', 1],
  ['started not told', 1],
  ['output captured, not told of', 3],
  ['setup command ended', 1],
  ['setup command recorded', 1],
  ['setup command begun', 2],
  ['setup command recorded', 2],
  ['began not told', 1],
  ['began told', 1],
  ['program reaped', 1],
];

describe('A run with a setup', () => {
  const suite = new WalkSuite('The server was killed, or the supervisor, or both, in a run with a setup:');

  for (const [point, nth] of OF_SERVER)
    suite.try(`goes on when its server is killed at "${point}" (${nth}), and ends as it ended`, (walk) =>
      walk.step({ point, nth, said: `${point} (${nth})`, ...withSetup(), expected: ended }),
    );

  suite.try('fails in its setup as it would have, when its server is killed in that', async (walk) => {
    const { body, wrote } = withSetup(['exit 4']);
    const { record } = await walk.step({ point: 'journal grew, not told', body, wrote, expected: failed });
    expect(record.outcome.setup).toMatchObject([...DONE, { exit_code: 4 }]);
  });

  for (const [point, nth] of OF_SUPERVISOR)
    for (const both of [false, true])
      suite.try(
        `whose supervisor is killed at "${point}" (${nth})${both ? ', with its server,' : ''} is lost, with what its setup wrote`,
        async (walk) => {
          const { record } = await walk.step({
            point: `supervisor: ${point}`,
            ...{ nth, both, said: `supervisor: ${point} (${nth}${both ? ', both' : ''})` },
            ...withSetup(),
            expected: lost,
          });
          const { setup, setup_stdout: stdout, kill } = record.outcome;
          expect(setup?.length, 'commands that had ended').toBeLessThanOrEqual(2);
          for (const step of setup ?? []) expect(step).toMatchObject({ exit_code: 0 });
          expect(stdout?.bytes).toBeLessThanOrEqual(Buffer.byteLength(WROTE.setup_stdout));
          expect(kill).toMatchObject({ survivors: 0 });
        },
      );

  for (const [point, both] of [
    ['exit recorded', false],
    ['exit recorded', true],
    ['exit not told', true],
    ['exit told', true],
  ] as const)
    suite.try(
      `whose supervisor is killed at "${point}"${both ? ', with its server,' : ''} ends as it ended`,
      (walk) => walk.step({ point: `supervisor: ${point}`, both, ...withSetup(), expected: ended }),
    );

  for (const both of [false, true])
    suite.try(`that failed is known by its last words${both ? ', with no server' : ''}`, (walk) =>
      walk.step({ point: 'supervisor: exit recorded', both, ...withSetup(['exit 4']), expected: failed }),
    );

  for (const [point, both] of [
    ['cancel received', false],
    ['abort committed', false],
    ['stop sent', false],
    ['supervisor: setup told to end', true],
  ] as const)
    suite.try(
      `is cancelled in its setup when killed at "${point}"${both ? ' (both)' : ''}, if that was told`,
      (walk) =>
        walk.step({
          ...{ point, both },
          ...patient({ options: { setup: { commands: ['sleep 61 & echo up; sleep 60'] } } }),
          wrote: { setup_stdout: 'up\n', stdout: '' },
          act: async (id, client) => {
            await client.has(3);
            await walk.server.post(`/invocations/${id}/cancel`).catch(() => {});
          },
          later:
            point === 'cancel received'
              ? async (id) => void (await walk.server.post(`/invocations/${id}/cancel`))
              : async () => {},
          expected: { status: 'cancelled', outcome: { ended: 'cancelled', retry_safe: false } },
        }),
    );

  suite.restartOnceMore();
});

describe('A run with a setup of the portable spawner', () => {
  const suite = new WalkSuite('With the portable spawner, in a run with a setup:', {
    RUNWIRE_SPAWN: 'portable',
  });

  for (const [point, both, expected] of [
    ['journal grew, not told', false, ended],
    ['began', false, ended],
    ['supervisor: setup command recorded', false, lost],
    ['supervisor: began told', true, lost],
    ['supervisor: exit recorded', true, ended],
  ] as const)
    suite.try(
      `at "${point}"${both ? ', with the other process,' : ''} is what it is with the other one`,
      (walk) => walk.step({ point, both, ...withSetup(), expected }),
    );

  suite.restartOnceMore();
});
