import { expect, test } from 'vitest';
import { childrenOf, readStat } from '../../../src/supervisor/find/proc.ts';
import { supervisorOf, until, zombiesOf } from '../../helpers/processes.ts';
import { requires } from '../../helpers/require.ts';
import { withSubprocesses } from '../../helpers/subprocess-suite.ts';

requires('linux')('Zombies', () => {
  withSubprocesses('Of the supervisor', (parts) => {
    test('there are none: orphans that end while their run goes on are reaped, and so is all that a run leaves', async () => {
      const orphans =
        'i=0; while [ $i -lt 40 ]; do (setsid sh -c "sleep 0.0$((i % 10)); exit 3" &); i=$((i+1)); done';
      const id = await parts.start(['sh', '-c', `${orphans}; echo up; read -r line; ${orphans}; exit 5`], {
        options: { stdin_open: true },
      });
      await parts.said(id, 'up');
      const supervisor = supervisorOf(parts.app.dataDir);
      const children = (): number[] => {
        const stat = readStat(supervisor);
        return stat ? childrenOf(stat) : [];
      };
      await until(() => children().length === 1, 'only the leader is left of its children');
      expect(zombiesOf(supervisor)).toEqual([]);
      await parts.app.app.inject({ method: 'POST', url: `/invocations/${id}/stdin?eof=true` });
      expect((await parts.finished(id)).outcome).toMatchObject({ exit_code: 5 });
      const failing = ['true', '/no/such/program'].map((program) => parts.run([program]));
      await Promise.all([...failing, parts.sh('setsid sleep 60 & exit 0'), parts.sh('kill -9 $$')]);
      await until(() => children().length === 0, 'nothing is left of its children');
    });
  });
});
