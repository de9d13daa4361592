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

const IN_USE = (): string =>
  `Runwire cannot start: ${join(server.dataDir, 'runwire.db')} is in use by another Runwire: choose another with --data-dir or RUNWIRE_DATA_DIR\n`;

const startSecond = (): Promise<string> =>
  startServer(server.dataDir, { RUNWIRE_LOG_LEVEL: 'silent' }).then(
    async (second) => {
      await second.stop();
      return 'it started';
    },
    (error: Error) => error.message,
  );

test.each([
  ['collected', { artifact_directory: '.' }, ''],
  ['listed', {}, '/files?hash=true'],
  ['archived', {}, '/archive'],
])(
  'a second name of the database that a run made and that is %s lets no second server in',
  async (word, fields, path) => {
    const run = own(`second-name-${word}`);
    const done = await server.post('/invocations?wait=20', {
      ...{ runtime_kind: 'subprocess', invocation_id: run, ...fields },
      command: ['ln', join(server.dataDir, 'runwire.db'), 'named.db'],
    });
    expect(await done.json()).toMatchObject({ status: 'succeeded' });
    if (path !== '') await (await fetch(`${server.url}/invocations/${run}${path}`)).arrayBuffer();
    expect(await startSecond()).toBe(IN_USE());
  },
);

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

  expect(await startSecond()).toBe(IN_USE());
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
