import { describe, expect } from 'vitest';
import { exits, patient, truth } from './programs.ts';
import { WalkSuite } from './suite.ts';

const terminal = { cols: 80, rows: 24 };
const lost = { status: 'failed', outcome: { ended: 'lost', exit_code: null, retry_safe: false } } as const;

/** All that exits() writes is one stream here, in its order. */
const atTerminal = () => ({
  body: exits(4, { terminal }).body,
  wrote: {
    stdout: Buffer.concat(
      [1, 2, 3, 4].flatMap((n) => [Buffer.from(`Zeile ä ${n}\r\n`), Buffer.from(`\xff${n}`, 'latin1')]),
    ),
    stderr: '',
  },
});

describe('A run with a terminal', () => {
  const suite = new WalkSuite('The server was killed, or the supervisor, or both, in a run with a terminal:');

  for (const point of [
    'insert committed',
    'spawn not sent',
    'spawn sent',
    'started',
    'journal grew, not told',
    'exit told',
    'facts received',
    'result stored',
  ])
    suite.try(`goes on when its server is killed at "${point}", and ends as it ended`, (walk) =>
      walk.step({ point, ...atTerminal(), expected: truth }),
    );

  for (const [point, nth] of [
    ['spawn received', 1],
    ['program spawned', 1],
    ['output captured, not told of', 3],
    ['half a line of the journal', 1],
    ['program reaped', 1],
  ] as const)
    for (const both of [false, true])
      suite.try(
        `whose supervisor is killed at "${point}"${both ? ', with its server,' : ''} is lost, and nothing is left of it`,
        async (walk) => {
          const { record } = await walk.step({
            ...{ point: `supervisor: ${point}`, nth, both },
            ...atTerminal(),
            expected: lost,
          });
          expect(record.outcome.kill).toMatchObject({ survivors: 0 });
        },
      );

  for (const point of ['exit recorded', 'exit told'])
    suite.try(`whose supervisor is killed at "${point}", with its server, ends as it ended`, (walk) =>
      walk.step({ point: `supervisor: ${point}`, both: true, ...atTerminal(), expected: truth }),
    );

  for (const point of ['cancel received', 'stop sent'])
    suite.try(`is cancelled when its server is killed at "${point}", if that was told`, (walk) =>
      walk.step({
        point,
        ...patient({ options: { terminal } }),
        wrote: { stdout: 'up\r\n', stderr: '' },
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
