import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { MODERN, message, post } from '../helpers/mcp-raw.ts';
import { type ServerProcess, startServer } from '../helpers/server-process.ts';

const root = pathToFileURL(join(import.meta.dirname, '../..')).href;
/** Tells each module of MCP and of the client that is loaded. */
const TELLING = `
import { registerHooks } from 'node:module';
import { writeSync } from 'node:fs';
const told = ${JSON.stringify(['mcp/', 'client/', 'node_modules/@modelcontextprotocol/'].map((path) => `${root}/${path}`))};
registerHooks({
  load(url, context, next) {
    if (told.some((start) => url.startsWith(start))) writeSync(2, 'loaded ' + url + '\\n');
    return next(url, context);
  },
});
`;

let dataDir: string;
let server: ServerProcess;
beforeEach(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'runwire-mcp-'));
  const hook = join(dataDir, 'hook.mjs');
  writeFileSync(hook, TELLING);
  server = await startServer(join(dataDir, 'data'), {
    RUNWIRE_LOG_LEVEL: 'error',
    NODE_OPTIONS: `--import ${pathToFileURL(hook).href}`,
  });
});
afterEach(async () => {
  await server.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

test('a server has nothing of MCP in its memory before it is asked for it', async () => {
  await fetch(`${server.address}/openapi.yaml`);
  expect((await fetch(`${server.address}/invocations`)).status).toBe(200);
  expect(server.output()).not.toContain('loaded ');
  expect((await post(server.address, MODERN, message(MODERN, 'tools/list'))).status).toBe(200);
  expect(server.output()).toContain('loaded ');
});

test('a server that is told to stop does not wait for those who wait by MCP', async () => {
  const input = { name: 'run', arguments: { script: 'sleep 600', wait_seconds: 600 } };
  const answer = post(server.address, MODERN, message(MODERN, 'tools/call', input)).catch((error) => error);
  await expect
    .poll(async () => (await fetch(`${server.address}/invocations?status=running`)).text())
    .toContain('sleep 600');
  expect(await server.stop()).toEqual({ code: 0, signal: null });
  await answer;
});
