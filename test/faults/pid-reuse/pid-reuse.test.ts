import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Outcome } from '../../../src/documents/outcome.ts';
import { requires } from '../../helpers/require.ts';

interface Played {
  /** Do the innocent still live. */
  live?: boolean;
  /** Was the pid another's before the run was over. */
  inTime?: boolean;
  /** Has the leader been ended. */
  gone?: boolean;
  /** Status of a request to signal the run. */
  signalled?: number;
  ended?: Outcome | null;
}

/** pid-reuse-scenes.ts in a pid namespace of its own, where no program of this machine can be hurt. */
async function play(spawner: string): Promise<Record<string, Played>> {
  const script = new URL('./scenes.ts', import.meta.url).pathname;
  const { stdout } = await promisify(execFile)(
    'unshare',
    [
      ...['--pid', '--fork', '--kill-child', '--mount-proc'],
      // A shell is the first process: it reaps what is left to it.
      ...['sh', '-c', '"$@"; exit $?', 'sh', process.execPath, script, spawner],
    ],
    { timeout: 100_000 },
  );
  return JSON.parse(stdout) as Record<string, Played>;
}

requires(
  'linux',
  'root',
  'pid-namespace',
)('A pid that has come to mean a stranger', () => {
  for (const spawner of ['posix', 'portable'])
    describe(`with the ${spawner} spawner`, () => {
      let played: Record<string, Played> = {};
      beforeAll(async () => {
        played = await play(spawner);
      }, 110_000);

      test('while the run of its old owner still ends: the stranger lives', () => {
        expect(played['while a run ends']).toMatchObject({
          inTime: true,
          live: true,
          signalled: 409,
          ended: { exit_code: 4, kill: { signals: ['SIGKILL'], survivors: 0 } },
        });
      });

      for (const scene of [
        'after a crash',
        'after a crash, with the pid recorded',
        'after a crash, to a session whose leader has gone',
      ])
        test(`${scene}: the stranger lives, and the run is lost`, () => {
          expect(played[scene]).toMatchObject({
            live: true,
            ended: { ended: 'lost', retry_safe: false, kill: { signals: [], survivors: 0 } },
          });
        });

      test('between a look and the signal: the signal is for nobody', () => {
        expect(played['between look and signal']).toMatchObject({ live: true });
      });

      test('and one that still means the leader: it is ended with its session', () => {
        expect(played['the leader itself']).toMatchObject({
          gone: true,
          ended: { ended: 'lost', kill: { signals: ['SIGKILL'], survivors: 0 } },
        });
      });
    });
});
