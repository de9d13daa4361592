import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { subprocessRunner } from '../../../runners/subprocess/runner.ts';
import type { Record as RunRecord } from '../../../src/documents/record.ts';
import { SupervisorClient } from '../../../src/supervisor/client/client.ts';
import { processesOf } from '../../faults/invariants.ts';
import { buildEngine, type TestEngine } from '../../helpers/build-engine.ts';
import { commandLine, processesWith, supervisorOf, until } from '../../helpers/processes.ts';

const TICKS = "sh -c 'while :; do date +%N >tick; echo tick; sleep 0.02; done' &";

describe.each(['posix', 'portable'] as const)('The setup of a session (%s spawner)', (spawn) => {
  let dataDir: string;
  let place: string;
  let id: string;
  let client: SupervisorClient;
  let engine: TestEngine;

  const newClient = async (): Promise<SupervisorClient> => {
    const environment = { PATH: process.env.PATH ?? '' };
    const made = new SupervisorClient({ dataDir, spawn, environment });
    await made.connect();
    return made;
  };
  beforeEach(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'runwire-session-'));
    place = mkdtempSync(join(tmpdir(), 'runwire-session-place-'));
    id = `session-${randomUUID()}`;
    client = await newClient();
    const role = { id: 's', generation: 1, isSetup: true, isResumed: false };
    engine = buildEngine({
      dataDir,
      runners: [subprocessRunner({ supervisor: client })],
      sessions: {
        roleOf: (run) => (run === id ? role : { ...role, isSetup: false }),
      },
    });
  });
  afterEach(async () => {
    await client.close('quit');
    await until(() => processesWith(dataDir).length === 0, 'the supervisor has ended');
    await engine[Symbol.asyncDispose]();
    expect(processesOf(id)).toEqual([]);
    for (const directory of [dataDir, place]) rmSync(directory, { recursive: true, force: true });
  });

  const setUp = (setup: object, more: object = {}): Promise<RunRecord> =>
    engine.run({
      ...{ invocation_id: id, runtime_kind: 'subprocess', working_directory: place, ...more },
      options: { session: 's', setup },
    });
  const root = (): string => engine.engine.directory(id).root;
  const tick = (): string => {
    try {
      return readFileSync(join(place, 'tick'), 'utf8');
    } catch {
      return '';
    }
  };
  /** It is not only there, it is at work. */
  const expectLives = async (): Promise<void> => {
    expect(processesOf(id).length).toBeGreaterThan(0);
    const before = tick();
    await until(() => tick() !== before, 'it ticks');
  };

  test('is done without a command, and what it left runs on after it and after other runs', async () => {
    const record = await setUp({ commands: ['echo said', TICKS] });
    expect(record).toMatchObject({
      status: 'succeeded',
      result: { exit_code: null, error_summary: null },
      outcome: {
        ...{ ended: 'completed', started: true, retry_safe: false, exit_code: null, kill: null },
        setup: [{ exit_code: 0 }, { exit_code: 0 }],
        stdout: { bytes: 0 },
      },
    });
    await expectLives();
    const captured = readFileSync(join(root(), 'setup_stdout'), 'utf8');
    expect(captured.startsWith('said\n')).toBe(true);
    for (const command of [['true'], ['sh', '-c', 'setsid sleep 60 &']])
      await engine.run({ runtime_kind: 'subprocess', command, options: { session: 's' } });
    await expectLives();
    expect(readFileSync(join(root(), 'setup_stdout'), 'utf8')).toBe(captured);
    await client.end([root()]);
    expect(processesOf(id)).toEqual([]);
    await client.end([root()]);
  });

  test('without commands is one, and leaves nothing', async () => {
    expect(await setUp({})).toMatchObject({
      status: 'succeeded',
      outcome: { ended: 'completed', setup: [] },
    });
    await client.end([root(), join(dataDir, 'runs', 'never-was')]);
  });

  test('that fails leaves nothing', async () => {
    const record = await setUp({ commands: [TICKS, 'exit 1'] });
    expect(record).toMatchObject({ status: 'failed', outcome: { ended: 'setup_failed' } });
    expect(processesOf(id)).toEqual([]);
  });

  test('is not ended by a server that goes, nor by the next one, which is not waiting for it', async () => {
    await setUp({ commands: [TICKS] });
    await client.close('leave');
    await expectLives();
    client = await newClient();
    client.endStrangers(() => false);
    await expectLives();
    await client.end([root()]);
    expect(processesOf(id)).toEqual([]);
  });

  test('is ended by a later supervisor too, also one that never had it', async () => {
    await setUp({
      commands: [`setsid sh -c 'while :; do date +%N >tick; sleep 0.02; done' >/dev/null 2>&1 &`],
    });
    await client.close('leave');
    const before = supervisorOf(dataDir);
    process.kill(before, 'SIGKILL');
    await until(() => commandLine(before).length === 0, 'the supervisor is gone');
    await expectLives();
    client = await newClient();
    await expectLives();
    await client.end([root()]);
    expect(processesOf(id)).toEqual([]);
  });

  test('ends with the server where that ends all that runs', async () => {
    await setUp({ commands: [TICKS] });
    await expectLives();
    await client.close('quit');
    await until(() => processesWith(dataDir).length === 0, 'the supervisor has ended');
    expect(processesOf(id)).toEqual([]);
    client = await newClient();
  });
});
