import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, expect } from 'vitest';
import { httpAsyncRunner } from '../../../runners/http-async/runner.ts';
import type { Runner } from '../../../src/contract/runner.ts';
import type { Record as RunRecord } from '../../../src/documents/record.ts';
import { addressGuard } from '../../../src/outbound/address-guard.ts';
import type { Secret } from '../../../src/outbound/secrets.ts';
import { type Answer, type Backend, json, startBackend } from '../../fixtures/backend.ts';
import { buildEngine, type TestEngine } from '../../helpers/build-engine.ts';

/** A backend and an engine that knows the kind http_async, anew for each test of the file that imports this. */
export let backend: Backend;
export let app: TestEngine;

export const SECRET = 'r8_abcdefghijklmnop';
export const secrets = new Map<string, Secret>([['TOKEN', { value: SECRET, hosts: null }]]);
export const runner = () => httpAsyncRunner({ guard: addressGuard(), secrets }) as Runner;

beforeEach(async () => {
  backend = await startBackend();
  app = buildEngine({ runners: [runner()] });
});
afterEach(async () => {
  await app[Symbol.asyncDispose]();
  await backend[Symbol.asyncDispose]();
});

/** The server dies as in a crash, and the next one takes over its data directory. */
export async function nextServer(meanwhile: () => void = () => {}): Promise<void> {
  const dataDir = await app.crash();
  meanwhile();
  app = buildEngine({ runners: [runner()], dataDir });
}

/** What most jobs need; polls follow each other quickly. */
export function spec(more: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    url: `${backend.url}/jobs`,
    poll_url_template: `${backend.url}/jobs/{run_id}`,
    poll_run_id_path: 'id',
    poll_status_path: 'status',
    poll_terminal_states: ['completed', 'failed', 'cancelled'],
    poll_interval_seconds: 0.01,
    ...more,
  };
}

/** The record of a run that has ended. */
export function run(
  more: Record<string, unknown> = {},
  fields: Record<string, unknown> = {},
): Promise<RunRecord> {
  return app.run({ runtime_kind: 'http_async', options: { http_async: spec(more) }, ...fields });
}

export async function start(
  id: string,
  more: Record<string, unknown> = {},
  fields: Record<string, unknown> = {},
): Promise<void> {
  const answer = await app.post({
    runtime_kind: 'http_async',
    invocation_id: id,
    options: { http_async: spec(more) },
    ...fields,
  });
  expect(answer.statusCode).toBe(202);
}

export async function ended(id: string): Promise<RunRecord> {
  expect(await app.engine.waitFinished(id, 20_000)).toBe(true);
  return app.engine.record(id);
}

export const summary = (record: RunRecord): string => record.result?.error_summary ?? '';
export const stdout = (record: RunRecord): string => readFileSync(record.result?.stdout_path ?? '', 'utf8');
export const stderr = (record: RunRecord): string => readFileSync(record.result?.stderr_path ?? '', 'utf8');
/** The artifact `final_payload`; undefined where there is none. */
export function payload(record: RunRecord): unknown {
  const found = record.result?.artifacts.find(({ artifact_id }) => artifact_id === 'final_payload');
  return found && JSON.parse(readFileSync(found.path, 'utf8'));
}
/** What the backend saw, but for kickoffs. */
export const polls = () => backend.seen.filter(({ path }) => path !== '/jobs');
export const accept = (document: unknown = { id: 'a1' }): Answer => json(document, 202);
export const states = (...names: string[]): Answer[] => names.map((status) => json({ status }));
