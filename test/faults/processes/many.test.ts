import { expect, test } from 'vitest';
import { own } from '../../helpers/own-id.ts';
import { processesWith, supervisorOf, until } from '../../helpers/processes.ts';
import { requires } from '../../helpers/require.ts';
import { withSubprocesses } from '../../helpers/subprocess-suite.ts';

const RUNS = 250;

requires('linux')('Many programs', () => {
  withSubprocesses(
    'In the same moment',
    (parts) => {
      /** Each is deaf to SIGTERM and has left a daemon that nothing but its mark tells of. */
      const begin = async (word: string): Promise<string[]> => {
        const daemon = `(env -i setsid sh -c 'sleep 60; true' ${word} </dev/null >/dev/null 2>&1 &)`;
        const ids: string[] = [];
        for (let i = 0; i < RUNS; i++)
          ids.push(await parts.start(['sh', '-c', `trap '' TERM; ${daemon}; sleep 60; true`, word]));
        await until(() => processesWith(word).length === 2 * RUNS, 'all are there');
        return ids;
      };

      test('stopped, are all gone with their daemons, and none waits for the others', async () => {
        const word = own(`many-${parts.spawn}`);
        const ids = await begin(word);
        const cancelledAt = performance.now();
        for (const id of ids) parts.app.engine.cancel(id, 0.2);
        const records = await Promise.all(ids.map((id) => parts.finished(id)));
        const took = performance.now() - cancelledAt;
        for (const { status, outcome } of records)
          expect({ status, kill: outcome?.kill }).toEqual({
            status: 'cancelled',
            kill: { signals: ['SIGTERM', 'SIGKILL'], survivors: 0 },
          });
        expect(processesWith(word)).toEqual([]);
        expect(took).toBeLessThan(15_000);
      });

      test('without their supervisor, are all lost and gone with their daemons', async () => {
        const word = own(`lost-${parts.spawn}`);
        const ids = await begin(word);
        const killedAt = performance.now();
        process.kill(supervisorOf(parts.app.dataDir), 'SIGKILL');
        const records = await Promise.all(ids.map((id) => parts.finished(id)));
        const took = performance.now() - killedAt;
        for (const { status, outcome } of records)
          expect({ status, ended: outcome?.ended, kill: outcome?.kill }).toEqual({
            status: 'failed',
            ended: 'lost',
            kill: { signals: ['SIGKILL'], survivors: 0 },
          });
        expect(processesWith(word)).toEqual([]);
        expect(took).toBeLessThan(20_000);
      });
    },
    { config: { RUNWIRE_MAX_CONCURRENT: String(RUNS) } },
  );
});
