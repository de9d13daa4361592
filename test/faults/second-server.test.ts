import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CrashingServer } from '../helpers/crashing-server.ts';
import { own } from '../helpers/own-id.ts';
import { supervisorOf } from '../helpers/processes.ts';
import { startServer } from '../helpers/server-process.ts';
import { expectInvariants } from './invariants.ts';

const server = new CrashingServer();
const outside = mkdtempSync(join(tmpdir(), 'runwire-gate-'));
const id = own('second');

beforeAll(() => server.start());
afterAll(async () => {
  await server.end();
  rmSync(outside, { recursive: true, force: true });
});

test('a second server on a data directory is refused in one line and disturbs nothing; one after a crash takes all over', async () => {
  const gate = join(outside, 'gate');
  const script = `echo one; while [ ! -e ${gate} ]; do sleep 0.05; done; echo two; exit 6`;
  await server.post('/invocations', {
    runtime_kind: 'subprocess',
    invocation_id: id,
    command: ['sh', '-c', script],
  });
  const output = (): Promise<string> =>
    fetch(`${server.url}/invocations/${id}/stdout`).then((answer) => answer.text());
  await expect.poll(output).toBe('one\n');
  const supervisor = supervisorOf(server.dataDir);

  const refusal = await startServer(server.dataDir, { RUNWIRE_LOG_LEVEL: 'silent' }).then(
    () => 'it started',
    (error: Error) => error.message,
  );
  expect(refusal).toBe(
    `Runwire cannot start: ${join(server.dataDir, 'runwire.db')} is in use by another Runwire: choose another with --data-dir or RUNWIRE_DATA_DIR\n`,
  );
  const ready = await fetch(`${server.url}/readyz`);
  expect(await ready.json()).toMatchObject({ ready: true, running: 1 });

  await server.crash();
  expect(supervisorOf(server.dataDir)).toBe(supervisor);
  await server.start();
  expect(supervisorOf(server.dataDir)).toBe(supervisor);
  writeFileSync(gate, '');
  const { record } = await expectInvariants({ url: server.url, id, wrote: { stdout: 'one\ntwo\n' } });
  expect(record).toMatchObject({ status: 'failed', result: { exit_code: 6 }, outcome: { ended: 'exited' } });
});
