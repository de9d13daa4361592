import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { FromSupervisor } from '../../../src/supervisor/protocol/messages.ts';
import { portableSpawner } from '../../../src/supervisor/spawn/portable-spawner.ts';
import { Supervisor } from '../../../src/supervisor/supervisor.ts';

const HOUR = 3_600_000;
const NOON = Date.parse('2026-01-01T12:00:00Z');

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'runwire-supervisor-'));
  vi.useFakeTimers({ toFake: ['Date'], now: NOON });
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(directory, { recursive: true, force: true });
});

/** What the supervisor says of a run that nothing is written of, when it began at this moment. */
async function asked(supervisor: Supervisor, startedAt: number): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<FromSupervisor>();
  supervisor.connect(resolve, true);
  const run = { run: 'r', directory: join(directory, 'runs', 'r'), first_seq: 3, started_at: startedAt };
  supervisor.handle({ op: 'adopt', ...run });
  const { op } = await promise;
  supervisor.disconnect();
  return op;
}

const clockAt = (time: number) => vi.setSystemTime(time);

test('a run that would have been handed to this supervisor, and was not, has never begun', async () => {
  const supervisor = new Supervisor(portableSpawner(), directory);
  supervisor.connect(() => {}, true);
  clockAt(NOON + HOUR);
  supervisor.disconnect();
  clockAt(NOON + 2 * HOUR);
  expect(await asked(supervisor, NOON + 1000)).toBe('absent');
});

test.each([
  ['before this one began', NOON - 1000],
  ['when there was no server of ours', NOON + 90 * 60_000],
  ['later than its server lived, before a clock was set back', NOON + 5 * HOUR],
])('a run that began %s may have been running under another, and is lost', async (_when, startedAt) => {
  const supervisor = new Supervisor(portableSpawner(), directory);
  supervisor.connect(() => {}, true);
  clockAt(NOON + HOUR);
  supervisor.disconnect();
  clockAt(NOON + 2 * HOUR);
  expect(await asked(supervisor, startedAt)).toBe('lost');
});

test('a supervisor that began with this server never got a run of an earlier one, whatever the clocks say', async () => {
  expect(await asked(new Supervisor(portableSpawner(), directory), NOON + HOUR)).toBe('lost');
});

test('a program that has ended takes no bytes, and closing its standard input is no error', async () => {
  const supervisor = new Supervisor(portableSpawner(), directory);
  const told: FromSupervisor[] = [];
  mkdirSync(join(directory, 'runs', 'r'), { recursive: true });
  supervisor.connect((message) => told.push(message), true);
  supervisor.handle({
    op: 'spawn',
    run: 'r',
    command: ['head', '-c5'],
    environment: [`PATH=${process.env.PATH}`],
    working_directory: directory,
    directory: join(directory, 'runs', 'r'),
    first_seq: 3,
    max_output_bytes: 1000,
    stdin: { kind: 'open' },
  });
  const replies = () => told.filter((message) => message.op === 'reply');
  supervisor.handle({ op: 'stdin', run: 'r', n: 1, base64: btoa('12345') });
  await expect.poll(() => told.map(({ op }) => op)).toContain('exit');
  supervisor.handle({ op: 'stdin', run: 'r', n: 2, eof: true });
  supervisor.handle({ op: 'stdin', run: 'r', n: 3, base64: btoa('6') });
  await expect.poll(() => replies().length).toBe(3);
  expect(replies()).toEqual([
    { op: 'reply', n: 1, error: null },
    { op: 'reply', n: 2, error: null },
    { op: 'reply', n: 3, error: 'the program has ended' },
  ]);
});
