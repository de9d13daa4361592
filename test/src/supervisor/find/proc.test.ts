import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { runNamedBy } from '../../../../src/supervisor/find/proc.ts';
import { requires } from '../../../helpers/require.ts';

requires('linux')('What /proc tells of a process', () => {
  test.each(['plain', 'a/b=c', '😀 e\u0301 é', '\u{10ffff}'])(
    'is the run that its environment names: %j',
    async (run) => {
      const env = { BEFORE: 'é', RUNWIRE_INVOCATION_ID: run };
      const child = spawn('/bin/sleep', ['60'], { env, stdio: 'ignore' });
      try {
        await once(child, 'spawn');
        await expect.poll(() => runNamedBy(child.pid ?? 0)).toBe(run);
      } finally {
        child.kill('SIGKILL');
      }
    },
  );
});
