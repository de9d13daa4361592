import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Record as RunRecord } from '../../src/documents/record.ts';
import { json, startBackend } from '../fixtures/backend.ts';
import { buildApp } from '../helpers/build-app.ts';
import { containersOf, DOCKER_HOST, testImage } from '../helpers/docker/image.ts';
import { requires } from '../helpers/require.ts';
import { type ServerProcess, startServer } from '../helpers/server-process.ts';

let dataDir: string;
const servers: ServerProcess[] = [];
const newId = () => `leaving-${randomUUID().slice(0, 8)}`;

async function start(variables: Record<string, string> = {}): Promise<ServerProcess> {
  const server = await startServer(dataDir, { RUNWIRE_ON_EXIT: 'leave', ...variables });
  servers.push(server);
  return server;
}

async function post(server: ServerProcess, path: string, body: object = {}): Promise<RunRecord> {
  const response = await fetch(`${server.address}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return (await response.json()) as RunRecord;
}

const record = async (server: ServerProcess, id: string): Promise<RunRecord> =>
  (await (await fetch(`${server.address}/invocations/${id}?wait=20`)).json()) as RunRecord;

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'runwire-leaving-'));
});
afterEach(async () => {
  for (const { child, stop } of servers.splice(0))
    if (child.exitCode === null && child.signalCode === null) await stop('SIGKILL');
  const last = await startServer(dataDir, { RUNWIRE_DRAIN_SECONDS: '0', ...DOCKER });
  await last.stop();
  rmSync(dataDir, { recursive: true, force: true });
});
const DOCKER = DOCKER_HOST === '' ? {} : { DOCKER_HOST };

describe('A server that is stopped and leaves what goes on', () => {
  test('waits until a backend has said what its job is, for nobody could ask for it later', async () => {
    await using backend = await startBackend();
    const asked = Promise.withResolvers<void>();
    const may = Promise.withResolvers<void>();
    backend.on('/jobs', async (response) => {
      asked.resolve();
      await may.promise;
      response.writeHead(202, { 'content-type': 'application/json' }).end('{"id":"j","status":"running"}');
    });
    backend.on('/jobs/j', json({ id: 'j', status: 'running' }));
    const allow = { RUNWIRE_HTTP_ALLOW: '127.0.0.1', RUNWIRE_DRAIN_SECONDS: '60' };
    const server = await start(allow);
    const id = newId();
    const http_async = {
      url: `${backend.url}/jobs`,
      poll_url_template: `${backend.url}/jobs/{run_id}`,
      poll_run_id_path: 'id',
      poll_status_path: 'status',
      poll_terminal_states: ['completed'],
      poll_interval_seconds: 0.1,
    };
    await post(server, '/invocations', {
      invocation_id: id,
      runtime_kind: 'http_async',
      options: { http_async },
    });
    await asked.promise;
    const ended = server.stop();
    await expect.poll(server.output).toContain('stopping: 1 run may finish for 60 s');
    may.resolve();
    expect(await ended).toEqual({ code: 0, signal: null });
    backend.on('/jobs/j', json({ id: 'j', status: 'completed' }));
    expect(await record(await start(allow), id)).toMatchObject({ status: 'succeeded' });
    expect(backend.seen.filter(({ method }) => method === 'POST')).toHaveLength(1);
  });

  test('does not leave what a function of its own program does', async () => {
    const begun = Promise.withResolvers<void>();
    const service = await buildApp({
      dispatchers: {
        async slow(_invocation, { signal }) {
          begun.resolve();
          await sleep(60_000, undefined, { signal }).catch(() => {});
          return { status: 'succeeded' };
        },
      },
    });
    const id = newId();
    const options = { manual: { dispatcher: 'slow' } };
    const payload = { invocation_id: id, runtime_kind: 'manual', options };
    await service.app.inject({ method: 'POST', url: '/invocations', payload });
    await begun.promise;
    await service.engine.drain(0, { leave: true });
    await service.engine.cancelAll({ leave: true });
    expect(service.engine.record(id)).toMatchObject({
      status: 'cancelled',
      outcome: { cancelled_by: { by: 'shutdown' } },
    });
    await service.end();
  });
});

requires('docker')('A server that is stopped and leaves containers', () => {
  test('leaves one that goes on, and none whose standard input it feeds: that would end too early', async () => {
    const image = await testImage();
    const server = await start({ ...DOCKER, RUNWIRE_DRAIN_SECONDS: '60' });
    const [goesOn, fed] = [newId(), newId()];
    const invocation = (id: string, script: string, more: object = {}) => ({
      invocation_id: id,
      runtime_kind: 'docker',
      command: ['sh', '-c', script],
      options: { docker: { image }, ...more },
    });
    await post(server, '/invocations', invocation(goesOn, 'echo one; sleep 4; echo two'));
    await post(server, '/invocations', invocation(fed, 'echo one; cat; echo end', { stdin_open: true }));
    for (const id of [goesOn, fed])
      await expect
        .poll(() => fetch(`${server.address}/invocations/${id}/stdout`).then((r) => r.text()), {
          timeout: 20_000,
        })
        .toBe('one\n');
    const ended = server.stop();
    await expect.poll(server.output).toMatch(/stopping: 1 run goes on.*; 1 run may finish for 60 s/);
    const stdin = `${server.address}/invocations/${fed}/stdin?eof=true`;
    expect((await fetch(stdin, { method: 'POST', body: 'whole' })).status).toBe(204);
    expect(await ended).toEqual({ code: 0, signal: null });
    const next = await start(DOCKER);
    expect(await record(next, goesOn)).toMatchObject({ status: 'succeeded' });
    const whole = await record(next, fed);
    expect(whole).toMatchObject({ status: 'succeeded' });
    expect(whole.result?.metadata).not.toHaveProperty('docker.stdin');
    expect(await fetch(`${next.address}/invocations/${fed}/stdout`).then((r) => r.text())).toBe(
      'one\nwholeend\n',
    );
    for (const id of [goesOn, fed]) expect(containersOf(id)).toEqual([]);
  });
});
