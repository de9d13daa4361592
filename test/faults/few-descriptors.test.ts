import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { requires } from '../helpers/require.ts';
import { startServer } from '../helpers/server-process.ts';

requires('linux', 'prlimit')('With 256 open files', () => {
  test('150 runs wait for each other and none fails, and the start says what to raise', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'runwire-few-'));
    const server = await startServer(dataDir, {}, ['prlimit', '--nofile=256:256']);
    try {
      expect(server.output()).toMatch(
        /RUNWIRE_MAX_CONCURRENT=64 and RUNWIRE_MAX_CALLS=1000 need 5576 open files, and 256 are allowed: 18 programs and 9 calls go on at once/,
      );
      const submit = async (n: number): Promise<string> => {
        const response = await fetch(`${server.address}/invocations`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({
            invocation_id: `few-${n}`,
            runtime_kind: 'subprocess',
            command: ['sh', '-c', 'echo out; echo err >&2; sleep 0.2'],
            options: { stdin_open: true },
          }),
        });
        return ((await response.json()) as { invocation: { invocation_id: string } }).invocation
          .invocation_id;
      };
      const ended: string[] = [];
      const ids: string[] = [];
      for (let n = 0; n < 150; n++) ids.push(await submit(n));
      for (const id of ids) {
        const response = await fetch(`${server.address}/invocations/${id}?wait=50`);
        ended.push(((await response.json()) as { status: string }).status);
      }
      expect(ended).toEqual(ids.map(() => 'succeeded'));
    } finally {
      await server.stop();
      rmSync(dataDir, { recursive: true, force: true });
    }
  });
});
