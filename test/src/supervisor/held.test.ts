import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { FromSupervisor } from '../../../src/supervisor/protocol/messages.ts';
import { portableSpawner } from '../../../src/supervisor/spawn/portable-spawner.ts';
import { Supervisor } from '../../../src/supervisor/supervisor.ts';

test('a supervisor without a server stays for what the setup of a session left, and no longer', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'runwire-held-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const root = join(directory, 'runs', 'r');
  mkdirSync(root, { recursive: true });
  const supervisor = new Supervisor(portableSpawner(), directory);
  const told: FromSupervisor[] = [];
  supervisor.connect((message) => told.push(message), true);
  supervisor.handle({
    ...{ op: 'spawn', run: 'r', command: [], environment: [`PATH=${process.env.PATH}`] },
    ...{ working_directory: directory, directory: root, first_seq: 3, max_output_bytes: 1000 },
    stdin: { kind: 'null' },
    setup: {
      commands: [['sh', '-c', "sh -c 'echo $$ >pid; exec sleep 60' & until [ -s pid ]; do sleep 0.02; done"]],
      time_limit: { ms: 60_000, grace_ms: 0 },
      session: true,
    },
  });
  await expect.poll(() => told.map(({ op }) => op), { timeout: 20_000 }).toContain('exit');
  supervisor.handle({ op: 'forget', run: 'r' });
  supervisor.disconnect();
  expect(supervisor.runs).toEqual([]);
  const pid = Number(readFileSync(join(directory, 'pid'), 'utf8'));
  for (let look = 0; look < 3; look++) {
    expect(supervisor.isSettled).toBe(false);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  process.kill(pid, 'SIGKILL');
  await expect.poll(() => supervisor.isSettled, { timeout: 20_000 }).toBe(true);
});
