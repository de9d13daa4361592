import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { echo } from '../../examples/runner.ts';
import type { Runner } from '../../src/contract/runner.ts';
import type { Record as RunRecord } from '../../src/documents/record.ts';
import { testRunner } from '../helpers/runner-conformance.ts';
import { type ServerProcess, startServer } from '../helpers/server-process.ts';

describe('node examples/runner.ts', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'runwire-example-'));
  let server: ServerProcess;
  beforeAll(async () => {
    server = await startServer(dataDir, { RUNWIRE_LOG_LEVEL: 'silent' }, [], 'examples/runner.ts');
  });
  afterAll(async () => {
    server.child.kill('SIGKILL');
    rmSync(dataDir, { recursive: true, force: true });
  });

  const post = (options: object, path = '/invocations?wait=20', kind = 'echo') =>
    fetch(`${server.address}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ runtime_kind: kind, options }),
    });
  const get = (path: string, accept = '*/*') => fetch(`${server.address}${path}`, { headers: { accept } });

  test('runs the kind beside the built-in ones, by its alias too, with live events and a result', async () => {
    for (const kind of ['echo', 'say']) {
      const record = (await (
        await post({ echo: { text: ['one\n', 'two\n'] } }, undefined, kind)
      ).json()) as RunRecord;
      expect(record).toMatchObject({
        status: 'succeeded',
        runtime_kind: 'echo',
        result: { runtime_kind: 'unknown', exit_code: 0 },
      });
      const { events, self, stdout } = record.links as Record<string, string>;
      expect(await (await get(stdout ?? '')).text()).toBe('one\ntwo\n');
      const told = await (await get(events ?? '', 'text/event-stream')).text();
      expect([...told.matchAll(/"text":"(\w+)/g)].map(([, word]) => word)).toEqual(['one', 'two']);
      expect(told).toContain('event: finished');
      expect(await (await get(`${self}/result`)).json()).toEqual(record.result);
    }
    const other = await fetch(`${server.address}/invocations?wait=20`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"runtime_kind":"subprocess","command":["true"]}',
    });
    expect(await other.json()).toMatchObject({ status: 'succeeded' });
  });

  test('checks options.echo by its schema, and names what does not fit', async () => {
    for (const [options, path] of [
      [{ echo: { text: [], tiems: 2 } }, 'options.echo.tiems'],
      [{ echo: 'text' }, 'options.echo'],
      [{ say: { text: [] } }, 'options.say'],
    ] as const) {
      const answer = await post(options);
      expect(answer.status).toBe(422);
      expect(await answer.json()).toMatchObject({ errors: [{ path }] });
    }
  });

  test('shows the kind and its options to clients', async () => {
    const kind = await (await get('/runtimes/say')).json();
    expect(kind).toMatchObject({ kind: 'echo', options_schema: { required: ['text'] } });
    const { schemas } = parse(await (await get('/openapi.yaml')).text()).components;
    expect(schemas.OptionsInput.properties.echo).toEqual({ $ref: '#/components/schemas/EchoOptions' });
    expect(schemas.EchoOptions).toMatchObject({ required: ['text'] });
    expect(schemas.InvocationInput.properties.runtime_kind.description).toMatch(/: .*\bsay\b/);
    expect(await (await get('/metrics')).text()).toMatch(/runwire_runs_total\{kind="echo",[^}]*\} \d/);
  });

  test('ends when it is told to, and ends its runs', async () => {
    const { body } = await post({ echo: { text: ['begun'], pause_seconds: 3600 } }, '/invocations');
    await body?.cancel();
    expect((await server.stop()).code).toBe(0);
  });
});

testRunner({
  kind: 'echo',
  app: { runners: [echo as Runner] },
  invocation: ({ output = [], times = 1, pauseMs = 0, stayMs = 0, exitCode = 0 }) => ({
    runtime_kind: 'echo',
    options: {
      echo: {
        text: output.map(({ base64 }) => Buffer.from(base64, 'base64').toString()),
        times,
        pause_seconds: (pauseMs + stayMs) / 1000,
        exit_code: exitCode,
      },
    },
  }),
  skip: {
    'both streams': 'it says everything on one stream',
    'binary output': 'what it is told to say is text',
    'split characters': 'what it is told to say are whole texts',
    artifacts: 'it leaves no files',
    files: 'it reads no files',
  },
});
