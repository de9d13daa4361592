import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { connectSupervisor, supervisorKey } from '../../../../src/supervisor/client/launch.ts';
import { PROTOCOL_VERSION } from '../../../../src/supervisor/protocol/messages.ts';
import { buildApp } from '../../../helpers/build-app.ts';
import { processesWith, supervisorOf, until } from '../../../helpers/processes.ts';

test('a data directory whose path is longer than a socket address is served, and nobody else reaches the socket', async () => {
  const root = mkdtempSync(join(tmpdir(), 'runwire-long-'));
  const dataDir = join(root, 'x'.repeat(120), 'y'.repeat(120));
  mkdirSync(dataDir, { recursive: true });
  for (const RUNWIRE_SPAWN of ['posix', 'portable']) {
    const app = await buildApp({ dataDir, config: { RUNWIRE_SPAWN } });
    const record = await app.run({ runtime_kind: 'subprocess', command: ['echo', 'far'] });
    expect(record.outcome?.stdout?.bytes).toBe(4);
    expect(statSync(join(dataDir, `supervisor-${PROTOCOL_VERSION}.sock`)).mode & 0o077).toBe(0);
    await app.end();
  }
  rmSync(root, { recursive: true, force: true });
});

test('a supervisor that its server did not live to see leaves the socket of the next one alone', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'runwire-two-'));
  const options = { dataDir, spawn: 'auto' as const, environment: { PATH: process.env.PATH ?? '' } };
  try {
    (await connectSupervisor(options)).destroy();
    const first = supervisorOf(dataDir);
    // It had not listened yet when the next server looked, and found nobody.
    rmSync(join(dataDir, `supervisor-${PROTOCOL_VERSION}.sock`));
    const socket = await connectSupervisor(options);
    const [second] = processesWith(dataDir).filter((pid) => pid !== first);
    await until(
      () => !processesWith(dataDir).includes(first),
      'the first has ended, for it has nothing to do',
    );
    socket.destroy();
    const again = await connectSupervisor(options);
    expect(processesWith(dataDir)).toEqual([second]);
    const hello = { op: 'hello', version: PROTOCOL_VERSION, key: supervisorKey(dataDir) };
    again.write(`${JSON.stringify(hello)}\n${JSON.stringify({ op: 'quit' })}\n`);
    await once(again.resume(), 'close');
  } finally {
    for (const pid of processesWith(dataDir)) process.kill(pid, 'SIGKILL');
    rmSync(dataDir, { recursive: true, force: true });
  }
});
