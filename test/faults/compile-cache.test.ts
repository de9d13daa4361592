import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { processesWith, supervisorOf, until } from '../helpers/processes.ts';
import { type ServerProcess, startServer } from '../helpers/server-process.ts';

const root = mkdtempSync(join(tmpdir(), 'runwire-compile-cache-'));
const cache = join(root, 'cache');
const dataDir = join(root, 'data');
let server: ServerProcess;

const entries = (): number =>
  readdirSync(cache, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).length;

afterEach(async () => {
  await server.stop('SIGTERM');
  for (const pid of processesWith(dataDir)) process.kill(pid, 'SIGTERM');
  await until(() => processesWith(dataDir).length === 0, 'the supervisor has ended');
  rmSync(root, { recursive: true, force: true });
});

test('a server that is killed leaves what it compiled to the next, its supervisor uses it, and no run is told', async () => {
  const variables = { NODE_COMPILE_CACHE: cache };
  server = await startServer(dataDir, variables);
  await server.stop('SIGKILL');
  expect(entries(), 'what the server compiled').toBeGreaterThan(200);

  server = await startServer(dataDir, variables);
  const environment = readFileSync(`/proc/${supervisorOf(dataDir)}/environ`, 'utf8').split('\0');
  expect(environment).toContain(`NODE_COMPILE_CACHE=${cache}`);

  const answer = await fetch(`${server.address}/invocations`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'text/plain' },
    body: JSON.stringify({ runtime_kind: 'subprocess', command: ['env'] }),
  });
  const told = await answer.text();
  expect(told).toContain('RUNWIRE_INVOCATION_ID=');
  expect(told).not.toContain('NODE_COMPILE_CACHE');
});
