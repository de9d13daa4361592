import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Runwire } from '../../client/runwire.ts';
import { MODERN, stdioClient } from '../helpers/mcp-client.ts';
import { type ServerProcess, startServer } from '../helpers/server-process.ts';

let dataDir: string;
let server: ServerProcess;
beforeEach(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'runwire-mcp-'));
  server = await startServer(dataDir, { RUNWIRE_LOG_LEVEL: 'error' });
});
afterEach(async () => {
  await server.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

test('a call of runwire mcp that waits goes on waiting when the server is killed and comes back', async () => {
  await using mcp = await stdioClient(MODERN, { RUNWIRE_URL: server.address });
  const rw = new Runwire({ url: server.address });
  const { id: workspace } = await rw.workspaces.create();
  const script = 'echo begun; while [ ! -e go ]; do sleep 0.1; done; echo done';
  const { facts } = await mcp.call('run', { script, workspace, wait_seconds: 0 });
  const end = mcp.call('wait', { id: facts.id, wait_seconds: 45 });
  const text = mcp.call('wait', { id: facts.id, until_text: 'done', wait_seconds: 45 });
  await server.stop('SIGKILL');
  const { port } = new URL(server.address);
  server = await startServer(dataDir, { RUNWIRE_LOG_LEVEL: 'error', RUNWIRE_PORT: port });
  await rw.workspaces.attach(workspace).put('go', '');
  expect((await end).facts).toMatchObject({ status: 'succeeded', output: { text: 'begun\ndone\n' } });
  expect((await text).facts).toMatchObject({ found_at: 6 });
});

test('a run that is started while the server is away for a moment is started once', async () => {
  await using mcp = await stdioClient(MODERN, { RUNWIRE_URL: server.address });
  await mcp.call('list');
  await server.stop('SIGKILL');
  const made = mcp.call('run', { script: 'echo once', name: 'once' });
  const { port } = new URL(server.address);
  server = await startServer(dataDir, { RUNWIRE_LOG_LEVEL: 'error', RUNWIRE_PORT: port });
  const { facts, text, isError } = await made;
  // Under load the server may be away for longer than it is waited for.
  if (isError) expect(text).toMatch(/\[unreachable\]/);
  const runs = await new Runwire({ url: server.address }).list({ runtime_name: 'once' }).toArray();
  expect(runs.map(({ invocation }) => invocation.invocation_id)).toEqual(isError ? [] : [facts.id]);
});
