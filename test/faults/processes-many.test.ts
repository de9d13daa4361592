import { expect, test } from 'vitest';
import { processesWith, until } from '../helpers/processes.ts';
import { requires } from '../helpers/require.ts';
import { withSubprocesses } from '../helpers/subprocess-suite.ts';

const RUNS = 250;

requires('linux')('Many programs', () => {
  withSubprocesses(
    'That are stopped in the same moment',
    (parts) => {
      test('are all gone, each with the daemon it left, and none waits for the others', async () => {
        const word = `many-${parts.spawn}-${process.pid}`;
        const daemon = `(env -i setsid sh -c 'sleep 60; true' ${word} </dev/null >/dev/null 2>&1 &)`;
        const ids: string[] = [];
        for (let i = 0; i < RUNS; i++)
          ids.push(await parts.start(['sh', '-c', `trap '' TERM; ${daemon}; sleep 60; true`, word]));
        await until(() => processesWith(word).length === 2 * RUNS, 'all are there');
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
    },
    { config: { RUNWIRE_MAX_CONCURRENT: String(RUNS) } },
  );
});
