import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { startBackend } from '../fixtures/backend.ts';
import { requires } from '../helpers/require.ts';
import { startServer } from '../helpers/server-process.ts';

requires('linux', 'prlimit')('With 256 open files', () => {
  test('150 programs and 150 calls wait for each other and none fails, and the start says what to raise', async () => {
    await using backend = await startBackend();
    backend.on('/slow', async (response) => {
      response.write('begun\n');
      await sleep(200);
      response.end('done\n');
    });
    const dataDir = mkdtempSync(join(tmpdir(), 'runwire-few-'));
    const server = await startServer(dataDir, {}, ['prlimit', '--nofile=256:256']);
    try {
      expect(server.output()).toMatch(
        /RUNWIRE_MAX_CONCURRENT=64 and RUNWIRE_MAX_CALLS=1000 need 5576 open files, and 256 are allowed: 18 programs and 9 calls go on at once/,
      );
      const program = {
        runtime_kind: 'subprocess',
        command: ['sh', '-c', 'echo out; echo err >&2; sleep 0.2'],
        options: { stdin_open: true },
      };
      const call = { runtime_kind: 'http', options: { http: { url: `${backend.url}/slow` } } };
      const submit = async (invocation: object): Promise<string> => {
        const response = await fetch(`${server.address}/invocations`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(invocation),
        });
        return ((await response.json()) as { invocation: { invocation_id: string } }).invocation
          .invocation_id;
      };
      const ended: string[] = [];
      const ids: string[] = [];
      for (let n = 0; n < 150; n++) ids.push(await submit(program), await submit(call));
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
