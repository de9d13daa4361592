import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { httpRunner } from '../../../runners/http/runner.ts';
import type { Runner } from '../../../src/contract/runner.ts';
import { PrivatePlaces } from '../../../src/disk/private-places.ts';
import type { ArtifactDescriptor } from '../../../src/documents/artifact.ts';
import type { Record as RunRecord } from '../../../src/documents/record.ts';
import { addressGuard } from '../../../src/outbound/address-guard.ts';
import type { Secret } from '../../../src/outbound/secrets.ts';
import { type Backend, startBackend } from '../../fixtures/backend.ts';
import { buildEngine, type TestEngine } from '../../helpers/build-engine.ts';

/** A backend and an engine that knows the kind http, anew for each test of the file that imports this. */
export let backend: Backend;
export let app: TestEngine;

export const SECRET = 'r8_abcdefghijklmnop';
export const secrets = new Map<string, Secret>([
  ['TOKEN', { value: SECRET, hosts: null }],
  ['ODD', { value: 'top secret+x', hosts: null }],
  ['LOGIN', { value: 'me:swordfish', hosts: null }],
  ['ELSEWHERE', { value: 'for-another-host', hosts: ['api.example.com'] }],
]);

beforeEach(async () => {
  backend = await startBackend();
  const dataDir = mkdtempSync(join(tmpdir(), 'runwire-http-'));
  const places = new PrivatePlaces(dataDir);
  app = buildEngine({ dataDir, runners: [httpRunner({ guard: addressGuard(), secrets, places }) as Runner] });
});
afterEach(async () => {
  await app[Symbol.asyncDispose]();
  await backend[Symbol.asyncDispose]();
});

/** The record of a run that has ended. */
export function call(http: Record<string, unknown>, more: Record<string, unknown> = {}): Promise<RunRecord> {
  return app.run({ runtime_kind: 'http', options: { http }, ...more });
}

export const summary = (record: RunRecord): string => record.result?.error_summary ?? '';
export const stdout = (record: RunRecord): string => readFileSync(record.result?.stdout_path ?? '', 'utf8');
export function artifact(record: RunRecord, id: string): ArtifactDescriptor {
  const found = record.result?.artifacts.find(({ artifact_id }) => artifact_id === id);
  if (!found) throw new Error(`no artifact ${id}`);
  return found;
}
/** What the artifact `response` says of the exchange. */
export const response = (record: RunRecord) =>
  JSON.parse(readFileSync(artifact(record, 'response').path, 'utf8'));

/** A port of this machine where nobody listens. */
export async function closedPort(): Promise<number> {
  const gone = await startBackend();
  await gone[Symbol.asyncDispose]();
  return Number(new URL(gone.url).port);
}
