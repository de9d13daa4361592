import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { PROTOCOL_VERSION } from '../../../src/supervisor/protocol.ts';
import { buildApp } from '../../helpers/build-app.ts';

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
