import { mkdtempDisposableSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Record as RunRecord } from '../../../src/documents/record.ts';
import { type Backend, json, startBackend } from '../../fixtures/backend.ts';
import { automaticWorker } from '../../helpers/automatic-worker.ts';
import { type BuiltApp, buildApp } from '../../helpers/build-app.ts';
import { expectRxpDocuments } from '../../helpers/rxp.ts';

let backend: Backend;
let app: BuiltApp;
let leave: () => Promise<void>;
beforeAll(async () => {
  backend = await startBackend();
  backend.on('/', json({ id: 'a', status: 'completed' }));
  app = await buildApp({ dispatchers: { local: async () => ({ status: 'succeeded' }) } });
  leave = await automaticWorker(await app.listen(), 'auto');
});
afterAll(async () => {
  await leave();
  await app.end();
  await backend[Symbol.asyncDispose]();
});

const KINDS: Record<string, () => Record<string, unknown>> = {
  http: () => ({ options: { http: { url: `${backend.url}/` } } }),
  http_async: () => ({
    options: {
      http_async: {
        url: `${backend.url}/`,
        poll_url_template: '/{run_id}',
        poll_run_id_path: 'id',
        poll_status_path: 'status',
        poll_terminal_states: ['completed'],
      },
    },
  }),
  manual: () => ({ runtime_name: 'auto', metadata: { behaviour: '{}' } }),
};

describe.each(Object.entries(KINDS))('%s, which starts no process here', (kind, more) => {
  const run = (fields: Record<string, unknown>): Promise<RunRecord> =>
    app.run({ runtime_kind: kind, ...more(), ...fields });
  const withOptions = (options: object) => ({
    options: { ...(more().options as object | undefined), ...options },
  });

  test('does its work whatever directory it is given', async () => {
    const record = await run({ working_directory: '/no/such/place' });
    expect(record).toMatchObject({
      status: 'succeeded',
      invocation: { working_directory: '/no/such/place' },
    });
    await expectRxpDocuments(app, record.invocation.invocation_id);
    expect(await run({ working_directory: app.dataDir })).toMatchObject({ status: 'succeeded' });
  });

  test('has its result file under one that is made', async () => {
    using place = mkdtempDisposableSync(join(tmpdir(), 'runwire-directory-'));
    const directory = join(place.path, 'made');
    const record = await run({ working_directory: directory, output_result_path: 'out/result.json' });
    expect(record.status).toBe('succeeded');
    expect(JSON.parse(readFileSync(join(directory, 'out/result.json'), 'utf8'))).toEqual(record.result);
  });

  test('has its payload from one that is there, and is told of one that is not', async () => {
    using place = mkdtempDisposableSync(join(tmpdir(), 'runwire-directory-'));
    writeFileSync(join(place.path, 'in.json'), '{"a":1}');
    const from = (directory: string) => run({ working_directory: directory, input_payload_path: 'in.json' });
    expect((await from(place.path)).status).toBe('succeeded');
    const { status, result } = await from(join(place.path, 'none'));
    expect(status).toBe('rejected');
    expect(result?.error_summary).toBe(`input_payload_path does not exist: ${place.path}/none/in.json`);
  });

  test('is refused where files are to be collected from a directory that is not there', async () => {
    const record = await run({ working_directory: '/no/such/place', ...withOptions({ artifacts: ['*'] }) });
    expect(record.status).toBe('rejected');
    expect(record.result?.error_summary).toBe('working directory does not exist: /no/such/place');
  });

  test('never shows what is private to the server', async () => {
    const paths = {
      input_payload_path: 'callback.key',
      output_result_path: 'runwire.db',
      artifact_directory: 'runs',
    };
    for (const [field, path] of Object.entries(paths)) {
      const { status, result } = await run({ working_directory: app.dataDir, [field]: path });
      expect(status).toBe('rejected');
      expect(result?.error_summary).toContain(`${field} leads to the data of the server`);
    }
  });
});

test('a dispatcher of this program, and a program, need the directory they are told', async () => {
  const local = { runtime_kind: 'manual', options: { manual: { dispatcher: 'local' } } };
  for (const body of [local, { runtime_kind: 'subprocess', command: ['true'] }])
    expect((await app.run({ ...body, working_directory: '/no/such/place' })).status).toBe('rejected');
});
