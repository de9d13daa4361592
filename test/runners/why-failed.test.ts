import { mkdirSync, symlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { outcomeOf } from '../../runners/docker/outcome.ts';
import { exited } from '../../runners/subprocess/outcome.ts';
import { runDirectory } from '../../src/disk/run-directory.ts';
import type { FailureReason } from '../../src/documents/failure.ts';
import { type Backend, json, reset, startBackend, status } from '../fixtures/backend.ts';
import { type BuiltApp, buildApp } from '../helpers/build-app.ts';
import { DOCKER_HOST, testImage } from '../helpers/docker/image.ts';
import { requires } from '../helpers/require.ts';
import { expectSound } from '../helpers/sound-run.ts';

/** Nobody listens there. */
const NOBODY = 'http://127.0.0.1:9';
/** What would be the same again, whoever tries it. */
const PERMANENT: FailureReason[] = [
  'rejected',
  'program_not_found',
  'program_not_executable',
  'arguments_too_long',
];

let app: BuiltApp;
let backend: Backend;
beforeAll(async () => {
  app = await buildApp({ config: DOCKER_HOST === '' ? {} : { DOCKER_HOST } });
  backend = await startBackend();
  backend.on('/bad', status(404));
  backend.on('/broken', reset('{"'));
  backend.on('/jobs', json({ id: 'j', status: 'running' }));
  backend.on('/gone', status(503));
});
afterAll(async () => {
  await app.end();
  await backend[Symbol.asyncDispose]();
});

async function expectWhy(reason: FailureReason, invocation: Record<string, unknown>): Promise<void> {
  const record = await app.run(invocation);
  expect(record.outcome?.failure, record.result?.error_summary ?? '').toEqual({
    permanent: PERMANENT.includes(reason),
    reason,
  });
  await expectSound(app, record);
}

describe('Why a run did not succeed is told, and whether a retry is of use:', () => {
  const program = (...command: string[]) => ({ runtime_kind: 'subprocess', command });
  test.each<[string, FailureReason, Record<string, unknown>]>([
    ['no such program', 'program_not_found', program('no-such-program')],
    ['no such file', 'program_not_found', program('/no/such/file')],
    ['a file below a file', 'program_not_found', program('/etc/passwd/program')],
    ['a file that is no program', 'program_not_executable', program('/etc/passwd')],
    ['a directory', 'program_not_executable', program('/tmp')],
    ['too many arguments', 'arguments_too_long', program('true', 'x'.repeat(200_000))],
    ['no working directory', 'rejected', { ...program('true'), working_directory: '/no/such/directory' }],
    ['a kind that there is not', 'rejected', { runtime_kind: 'no-such-kind' }],
    ['an exit code', 'exit_code', program('sh', '-c', 'exit 2')],
    ['a signal', 'signal', program('sh', '-c', 'kill -KILL $$')],
    ['a timeout', 'timed_out', { ...program('sleep', '60'), timeout_seconds: 0.2 }],
  ])('%s', async (_what, reason, invocation) => expectWhy(reason, invocation));

  test('a program is not to blame for a directory of its run that cannot be made', async () => {
    const id = `why-${process.pid}`;
    const { root } = runDirectory(app.dataDir, id);
    mkdirSync(dirname(root), { recursive: true });
    symlinkSync('/no/such/directory', root);
    const record = await app.run({
      ...{ ...program('cat'), invocation_id: id, working_directory: '/tmp' },
      options: { stdin: 'text' },
    });
    expect(record).toMatchObject({
      status: 'failed',
      outcome: { ended: 'never_started', failure: { permanent: false } },
    });
  });

  test('output that could not be kept of what succeeded, and an end that nobody learnt', () => {
    const stream = { bytes: 0, kept: 0, sha256: '' };
    const facts = {
      ...{ pid: 1, code: 0, signal: null, stdout: stream, stderr: stream, next_seq: 1 },
      ...{ usage: null, kill: null, timings: {}, capture_error: 'the disk is full' },
    };
    expect(exited(facts)).toMatchObject({ success: false, failure: 'output_lost' });
    expect(exited({ ...facts, code: 2 }).failure).toBeUndefined();
    expect(exited({ ...facts, code: null })).toMatchObject({ success: false, failure: 'lost' });
    const ending = {
      ...{ exitCode: 0, oomKilled: false, daemonError: '', daemonRestarts: 0, lost: null, neverBegan: false },
    };
    const seen = {
      ...{ ending, command: ['true'], memoryLimit: null, captureFailure: new Error('the disk is full') },
      ...{ notStarted: null, signals: [], usage: null, timings: {}, metadata: {} },
    };
    expect(outcomeOf(seen)).toMatchObject({ success: false, failure: 'output_lost' });
  });

  const http = (url: string) => ({ runtime_kind: 'http', options: { http: { url } } });
  const job = (more: object) => ({
    runtime_kind: 'http_async',
    options: {
      http_async: {
        url: `${backend.url}/jobs`,
        poll_run_id_path: 'id',
        poll_status_path: 'status',
        poll_terminal_states: ['completed'],
        poll_interval_seconds: 0.01,
        poll_transient_limit: 1,
        ...more,
      },
    },
  });
  const given = (url: string) => ({ runtime_kind: 'manual', options: { manual: { dispatch_url: url } } });
  test.each<[string, FailureReason, () => Record<string, unknown>]>([
    ['http: nobody listens', 'unavailable', () => http(NOBODY)],
    ['http: another status', 'status', () => http(`${backend.url}/bad`)],
    ['http: an answer that breaks off', 'broken_off', () => http(`${backend.url}/broken`)],
    ['http_async: a kickoff to nobody', 'unavailable', () => job({ url: NOBODY, poll_url_template: NOBODY })],
    ['http_async: polls of nobody', 'unavailable', () => job({ poll_url_template: NOBODY })],
    [
      'http_async: polls that are 503',
      'unavailable',
      () => job({ poll_url_template: `${backend.url}/gone` }),
    ],
    ['http_async: a poll that is 404', 'status', () => job({ poll_url_template: `${backend.url}/bad` })],
    ['manual: a worker who refuses the claim', 'status', () => given(`${backend.url}/bad`)],
  ])('%s', async (_what, reason, invocation) => expectWhy(reason, invocation()));
});

requires('docker')('Why a container did not succeed is told:', () => {
  let image = '';
  beforeAll(async () => {
    image = await testImage();
  });
  const container = (command: string[], docker: object = {}) => ({
    ...{ runtime_kind: 'docker', command },
    options: { docker: { image, ...docker } },
  });
  test.each<[string, FailureReason, string[], object?]>([
    ['no such program', 'program_not_found', ['no-such-program']],
    ['no such program, without init', 'program_not_found', ['no-such-program'], { init: false }],
    ['no such file, without init', 'program_not_found', ['/no/such/file'], { init: false }],
    ['a file that is no program', 'program_not_executable', ['/etc/passwd']],
    ['a file that is no program, without init', 'program_not_executable', ['/etc/passwd'], { init: false }],
    ['an exit code', 'exit_code', ['sh', '-c', 'exit 2']],
    ['no such image', 'rejected', ['true'], { image: 'no-such-image:none', pull: 'never' }],
  ])('%s', async (_what, reason, command, docker) => expectWhy(reason, container(command, docker)));

  test('an engine that is not there', async () => {
    await using without = await (async () => {
      const built = await buildApp({ config: { DOCKER_HOST: 'unix:///no/such/socket' } });
      return { ...built, [Symbol.asyncDispose]: () => built.end() };
    })();
    const { outcome } = await without.run(container(['true']));
    expect(outcome).toMatchObject({
      ended: 'never_started',
      retry_safe: true,
      failure: { permanent: false, reason: 'unavailable' },
    });
  });
});
