import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Runwire } from '../../client/runwire.ts';
import { LEGACY, MODERN, message, post, TASKS } from '../helpers/mcp-raw.ts';
import { type ServerProcess, startServer } from '../helpers/server-process.ts';

const KNOWS_TASKS = { extensions: { [TASKS]: {} } };
const UNTIL_TOLD = 'echo begun; while [ ! -e go ]; do sleep 0.1; done; echo done';

let dataDir: string;
let server: ServerProcess;
const start = () => startServer(dataDir, { RUNWIRE_LOG_LEVEL: 'error', RUNWIRE_ON_EXIT: 'leave' });

beforeEach(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'runwire-mcp-'));
  server = await start();
});
afterEach(async () => {
  const rw = new Runwire({ url: server.address });
  for (const status of ['running', 'pending'] as const)
    for await (const { invocation } of rw.list({ status }))
      await rw.attach(invocation.invocation_id).cancel();
  await server.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

/** One server after another on the same data, the first killed. */
async function killed(): Promise<void> {
  await server.stop('SIGKILL');
  server = await start();
}

const send = (version: string, method: string, params: object) =>
  post(server.address, version, message(version, method, params, version === MODERN ? KNOWS_TASKS : {}));

/** A run as a task: its id. `go`: lets it end. */
async function task(version: string): Promise<{ id: string; go(): Promise<void> }> {
  const rw = new Runwire({ url: server.address });
  const { id: workspace } = await rw.workspaces.create();
  const input = { name: 'run', arguments: { script: UNTIL_TOLD, workspace } };
  const made = await send(
    version,
    'tools/call',
    version === MODERN ? input : { ...input, task: { ttl: 1000 } },
  );
  const facts = version === MODERN ? made.result : made.result.task;
  expect(facts).toMatchObject({ status: 'working', taskId: expect.any(String) });
  return {
    id: facts.taskId,
    async go() {
      await new Runwire({ url: server.address }).workspaces.attach(workspace).put('go', '');
    },
  };
}

describe('a run that goes on as a task, 2026-07-28', () => {
  test('is found by its id when the server was killed, and has the result that the call would have had', async () => {
    const { id, go } = await task(MODERN);
    await killed();
    const working = await send(MODERN, 'tasks/get', { taskId: id });
    expect(working.result).toMatchObject({
      resultType: 'complete',
      taskId: id,
      status: 'working',
      ttlMs: null,
    });
    expect(working.result.result).toBeUndefined();
    await go();
    await expect
      .poll(async () => (await send(MODERN, 'tasks/get', { taskId: id })).result)
      .toMatchObject({
        status: 'completed',
        result: {
          structuredContent: { id, status: 'succeeded', exit_code: 0, output: { text: 'begun\ndone\n' } },
        },
      });
  });

  test('is cancelled by tasks/cancel; update finds nothing to answer', async () => {
    const { id } = await task(MODERN);
    expect((await send(MODERN, 'tasks/update', { taskId: id, inputResponses: {} })).result).toMatchObject({
      resultType: 'complete',
    });
    expect((await send(MODERN, 'tasks/cancel', { taskId: id })).result).toMatchObject({
      resultType: 'complete',
    });
    await expect
      .poll(async () => (await send(MODERN, 'tasks/get', { taskId: id })).result.status)
      .toBe('cancelled');
  });

  test('is none to a client that does not know tasks, nor where the model says how long it waits', async () => {
    const input = { name: 'run', arguments: { script: 'sleep 600', wait_seconds: 0 } };
    const unknowing = await post(server.address, MODERN, message(MODERN, 'tools/call', input));
    expect(unknowing.result).toMatchObject({
      resultType: 'complete',
      structuredContent: { finished: false },
    });
    const knowing = await send(MODERN, 'tools/call', input);
    expect(knowing.result).toMatchObject({ resultType: 'complete', structuredContent: { finished: false } });
    const { id } = knowing.result.structuredContent;
    for (const method of ['tasks/get', 'tasks/cancel', 'tasks/update']) {
      const params = { taskId: id, ...(method === 'tasks/update' && { inputResponses: {} }) };
      const refused = await post(server.address, MODERN, message(MODERN, method, params));
      expect([method, refused.status, refused.error]).toMatchObject([
        method,
        400,
        { code: -32021, data: { requiredCapabilities: KNOWS_TASKS } },
      ]);
    }
  });

  test('is none where the run is quick, and none is there by an id that is none', async () => {
    const quick = await send(MODERN, 'tools/call', { name: 'run', arguments: { script: 'echo quick' } });
    expect(quick.result).toMatchObject({ resultType: 'complete', structuredContent: { finished: true } });
    const unknown = await send(MODERN, 'tasks/get', { taskId: 'none' });
    expect(unknown.error).toMatchObject({
      code: -32602,
      message: expect.stringContaining('invocation_not_found'),
    });
  });

  test('is told by server/discover, which tells nothing of the tasks before', async () => {
    const { result } = await send(MODERN, 'server/discover', {});
    expect(result.capabilities).toEqual({ tools: {}, extensions: { [TASKS]: {} } });
    const { result: tools } = await send(MODERN, 'tools/list', {});
    expect(tools.tools[0]).toMatchObject({ name: 'run' });
    expect(tools.tools[0].execution).toBeUndefined();
  });
});

describe('a run that goes on as a task, 2025-11-25', () => {
  test('is found by its id when the server was killed, and its result waits for its end', async () => {
    const { id, go } = await task(LEGACY);
    await killed();
    const working = await send(LEGACY, 'tasks/get', { taskId: id });
    expect(working.result).toMatchObject({ taskId: id, status: 'working', ttl: null });
    const result = send(LEGACY, 'tasks/result', { taskId: id });
    await go();
    expect((await result).result).toMatchObject({
      structuredContent: { id, status: 'succeeded', output: { text: 'begun\ndone\n' } },
      _meta: { 'io.modelcontextprotocol/related-task': { taskId: id } },
    });
    const { result: list } = await send(LEGACY, 'tasks/list', {});
    expect(list.tasks).toMatchObject([{ taskId: id, status: 'completed' }]);
  });

  test('is cancelled when the answer to tasks/cancel comes, and cannot be cancelled twice', async () => {
    const { id } = await task(LEGACY);
    expect((await send(LEGACY, 'tasks/cancel', { taskId: id })).result).toMatchObject({
      taskId: id,
      status: 'cancelled',
    });
    expect((await send(LEGACY, 'tasks/cancel', { taskId: id })).error).toMatchObject({ code: -32602 });
    expect((await send(LEGACY, 'tasks/get', { taskId: 'none' })).error).toMatchObject({ code: -32602 });
    expect((await send(LEGACY, 'tasks/result', { taskId: 'none' })).error).toMatchObject({ code: -32602 });
    expect((await send(LEGACY, 'tasks/list', { cursor: 'none' })).error).toMatchObject({ code: -32602 });
  });

  test('is failed where its work was not done', async () => {
    const input = { name: 'run', arguments: { command: ['no-such-program'] }, task: {} };
    const { result } = await send(LEGACY, 'tools/call', input);
    const { taskId } = result.task;
    expect((await send(LEGACY, 'tasks/result', { taskId })).result).toMatchObject({ isError: true });
    expect((await send(LEGACY, 'tasks/get', { taskId })).result).toMatchObject({ status: 'failed' });
  });

  test('is said of run alone', async () => {
    const { result } = await send(LEGACY, 'tools/list', {});
    const can = result.tools.filter(({ execution }: { execution?: object }) => execution !== undefined);
    expect(can).toMatchObject([{ name: 'run', execution: { taskSupport: 'optional' } }]);
    const refused = await send(LEGACY, 'tools/call', { name: 'list', arguments: {}, task: {} });
    expect(refused.error).toMatchObject({ code: -32601 });
    const invalid = await send(LEGACY, 'tools/call', { name: 'run', arguments: { scrip: 'x' }, task: {} });
    expect(invalid.error).toMatchObject({ code: -32602, message: expect.stringContaining('scrip') });
  });
});
