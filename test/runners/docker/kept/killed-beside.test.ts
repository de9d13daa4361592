import { expect, test } from 'vitest';
import { killedBeside, type ProgramEnd } from '../../../../runners/docker/program-end.ts';

type Exited = Extract<ProgramEnd, { how: 'exited' }>;

const ended = (signal: number | null, killed: Exited['killed'] = null): Exited => ({
  ...{ how: 'exited', killed, left: false },
  exited: {
    ...{
      type: 'exited',
      exitCode: signal === null ? 0 : null,
      signal,
      runUs: 1,
      drainUs: 1,
      userUs: 0,
      systemUs: 0,
    },
    ...{ maxRssKib: 1, timedOut: false, storageFailed: false },
  },
});

test('what another than its keeper killed is told as killed; what its keeper says of that stays', () => {
  const told = { type: 'killed', termSent: false, killSent: true, survivors: 0 } as const;
  expect(killedBeside(ended(9))).toMatchObject({ killed: told });
  const own = { ...told, termSent: true, survivors: 2 };
  for (const end of [ended(null), ended(15), ended(9, own)] as const) expect(killedBeside(end)).toBe(end);
  const lost: ProgramEnd = { how: 'lost', words: 'x', container: 'there' };
  expect(killedBeside(lost)).toBe(lost);
});
