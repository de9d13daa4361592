import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { RunContext } from '../../../src/contract/context.ts';
import { ArtifactDescriptor } from '../../../src/documents/artifact.ts';
import { buildEngine } from '../../helpers/build-engine.ts';
import { exited, fake, scripted } from '../../helpers/fake-runner.ts';

const OUTPUTS = [
  { id: 'model', path: 'out/model.bin', kind: 'model', description: 'What was learnt' },
  { id: 'metrics', path: 'metrics.json' },
  { id: 'notes', path: 'notes.txt', required: false },
];

/** Writes the files that its metadata name. */
const writing = scripted(async ({ invocation, workingDirectory, signal }: RunContext) => {
  mkdirSync(join(workingDirectory, 'out'));
  for (const name of invocation.metadata.files?.split(' ') ?? [])
    writeFileSync(join(workingDirectory, name), name);
  if (invocation.metadata.wait !== undefined) await sleep(60_000, undefined, { signal }).catch(() => {});
  return exited(Number(invocation.metadata.exit ?? 0));
});
const run = (metadata: Record<string, string>, more: object = {}) => ({
  runtime_kind: 'scripted',
  metadata,
  options: { outputs: OUTPUTS },
  ...more,
});

test('Outputs are artifacts of the ids that were declared', async () => {
  await using server = buildEngine({ runners: [writing] });
  const record = await server.run(run({ files: 'out/model.bin metrics.json notes.txt' }));
  expect(record.status).toBe('succeeded');
  expect(record.outcome?.omitted).toEqual([]);
  expect(record.outcome?.timings).toHaveProperty('collect_ms');
  const artifacts = (record.result?.artifacts ?? []).slice(2);
  expect(artifacts.map(({ artifact_id, kind, description }) => [artifact_id, kind, description])).toEqual([
    ['metrics', 'file', 'metrics.json'],
    ['notes', 'file', 'notes.txt'],
    ['model', 'model', 'What was learnt'],
  ]);
  for (const artifact of artifacts) {
    ArtifactDescriptor.parse(artifact);
    const { statusCode, body } = await server.get(artifact.metadata.href ?? '');
    expect([statusCode, artifact.path.endsWith(body)]).toEqual([200, true]);
  }
});

test('A required output that is missing fails a run that would have succeeded, by name, and keeps the rest', async () => {
  await using server = buildEngine({ runners: [writing] });
  const { status, result, outcome } = await server.run(run({ files: 'notes.txt' }));
  expect(status).toBe('failed');
  expect(result).toMatchObject({
    exit_code: 0,
    error_summary:
      'missing outputs: model (out/model.bin: does not exist), metrics (metrics.json: does not exist)',
  });
  expect(result?.artifacts.map(({ artifact_id }) => artifact_id)).toEqual(['stdout', 'stderr', 'notes']);
  expect(outcome).toMatchObject({
    ended: 'exited',
    started: true,
    retry_safe: false,
    exit_code: 0,
    failure: { permanent: false, reason: 'output_missing' },
    omitted: [
      { path: 'out/model.bin', reason: 'does not exist' },
      { path: 'metrics.json', reason: 'does not exist' },
    ],
  });
});

test('One that may be missing is in omitted alone', async () => {
  await using server = buildEngine({ runners: [writing] });
  const { status, result, outcome } = await server.run(run({ files: 'out/model.bin metrics.json' }));
  expect([status, result?.error_summary]).toEqual(['succeeded', null]);
  expect(outcome?.omitted).toEqual([{ path: 'notes.txt', reason: 'does not exist' }]);
});

test('What is too large says so', async () => {
  await using server = buildEngine({
    runners: [writing],
    config: { RUNWIRE_MAX_ARTIFACT_BYTES: '12' },
  });
  const { status, result } = await server.run(run({ files: 'out/model.bin metrics.json' }));
  expect(status).toBe('failed');
  expect(result?.error_summary).toBe('missing outputs: model (out/model.bin: larger than 12 bytes)');
});

test('A run that ended otherwise keeps its own words and status, with a note', async () => {
  await using server = buildEngine({ runners: [writing] });
  const missing = 'missing outputs: model (out/model.bin: does not exist)';
  const failed = await server.run(run({ files: 'metrics.json', exit: '3' }));
  expect([failed.status, failed.result?.exit_code, failed.result?.error_summary]).toEqual([
    'failed',
    3,
    missing,
  ]);
  expect(failed.outcome?.failure).toEqual({ permanent: false, reason: 'exit_code' });
  const late = await server.run(run({ files: 'metrics.json', wait: '' }, { timeout_seconds: 0.05 }));
  expect([late.status, late.result?.error_summary]).toEqual([
    'timed_out',
    `ran longer than 0.05 s; ${missing}`,
  ]);
  expect(late.result?.artifacts.at(-1)?.artifact_id).toBe('metrics');
  const never = await server.run(run({}, { working_directory: '/nowhere' }));
  expect([never.status, never.result?.error_summary]).toEqual([
    'rejected',
    'working directory does not exist: /nowhere',
  ]);
});

test('Outputs that no run can leave behind are refused by their fields', async () => {
  await using server = buildEngine({ runners: [scripted(async () => exited(), { takesFiles: 'named' })] });
  const refused = async (invocation: object) => {
    const answer = await server.post(invocation as Record<string, unknown>);
    expect(answer.statusCode).toBe(422);
    expect(answer.json().code).toBe('invalid_invocation');
    return answer.json().errors;
  };
  expect(
    await refused(
      fake(
        {},
        {
          options: {
            outputs: [
              { id: 'a', path: 'a' },
              { id: 'stdout', path: 'b' },
            ],
          },
        },
      ),
    ),
  ).toEqual([
    { path: 'options.outputs.1.id', message: 'is the id of an artifact that the run has by itself: stdout' },
  ]);
  const own = ['stderr', 'setup_stdout', 'setup_stderr', 'response'].map((id) => ({ id, path: id }));
  expect(await refused(fake({}, { options: { outputs: own } }))).toHaveLength(4);
  expect(await refused(run({}))).toEqual([
    {
      path: 'options.outputs',
      message: 'scripted leaves no files in a working directory: it takes no outputs',
    },
  ]);
  for (const path of ['/etc/passwd', '../up', 'a/../b', 'a//b', '.'])
    expect(await refused(fake({}, { options: { outputs: [{ id: 'a', path }] } }))).toMatchObject([
      { path: 'options.outputs.0.path' },
    ]);
  for (const id of ['run', 'A', '1a', 'a-b'])
    expect(await refused(fake({}, { options: { outputs: [{ id, path: 'a' }] } }))).toMatchObject([
      { path: 'options.outputs.0.id' },
    ]);
});

test('A kind that uses no directory has the outputs that were uploaded', async () => {
  await using server = buildEngine({
    runners: [scripted(async () => exited(), { usesDirectory: () => false })],
  });
  const { status, result } = await server.run(run({}));
  expect([status, result?.error_summary]).toEqual([
    'failed',
    'missing outputs: model (out/model.bin: was not uploaded under this id), metrics (metrics.json: was not uploaded under this id)',
  ]);
});
