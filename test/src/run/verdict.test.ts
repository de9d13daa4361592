import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type AbortReason, Rejected, type RunnerOutcome } from '../../../src/contract/outcome.ts';
import { runDirectory } from '../../../src/disk/run-directory.ts';
import { Outcome } from '../../../src/documents/outcome.ts';
import { FINAL_STATUSES, RuntimeResult } from '../../../src/documents/result.ts';
import { normalize, type RunFacts } from '../../../src/run/verdict.ts';
import { exited } from '../../helpers/fake-runner.ts';

const timeout: AbortReason = { kind: 'timeout', which: 'run', seconds: 1.5, graceMs: 0 };
const cancel: AbortReason = { kind: 'cancel', graceMs: 0 };
const empty = { bytes: 0, kept: 0, sha256: 'e3b0' };

const MISSING = { id: 'model', path: 'out/model', reason: 'does not exist' };

function facts(changes: Partial<RunFacts> = {}): RunFacts {
  return {
    invocation: {
      schema_version: '0.1',
      contract_kind: 'runtime_invocation',
      invocation_id: 'r',
      runtime_name: 'name',
      runtime_kind: 'container',
      working_directory: '/tmp',
      command: [],
      environment: {},
      timeout_seconds: null,
      input_payload_path: null,
      output_result_path: null,
      artifact_directory: null,
      metadata: {},
      options: {},
    },
    rxpKind: 'container',
    directory: runDirectory('/data', 'r'),
    startedAt: 1000,
    ran: true,
    finishedAt: 2000,
    queueMs: 0,
    collectMs: null,
    reason: null,
    thrown: null,
    outcome: exited(),
    captures: { stdout: empty, stderr: empty },
    artifacts: [],
    omitted: [],
    missing: [],
    notes: [],
    nextSeq: 3,
    ...changes,
  };
}

test('missing outputs are told where the work began, beside what else is said', () => {
  const summary = (changes: Partial<RunFacts>) =>
    normalize(facts({ missing: [MISSING], ...changes })).result.error_summary;
  const words = 'missing outputs: model (out/model: does not exist)';
  expect(summary({ notes: ['a note'] })).toBe(`${words}; a note`);
  expect(summary({ reason: cancel })).toBe(`cancelled; ${words}`);
  expect(summary({ missing: [{ ...MISSING, path: 'out/*.bin' }] })).toBe(
    'missing outputs: model (out/*.bin: does not exist; it is a path and not a glob)',
  );
  expect(summary({ outcome: null, thrown: new Error('x') })).toBe(
    `the run could not be carried out: x; ${words}`,
  );
  expect(summary({ ran: false, outcome: null, reason: cancel })).toBe('cancelled');
  expect(summary({ outcome: null, thrown: new Rejected('no') })).toBe('no');
  const never = { ended: 'never_started', started: false, retrySafe: true, exitCode: null } as const;
  expect(summary({ outcome: { ...never, errorSummary: 'sh: not there' } })).toBe('sh: not there');
  const gap = { offset: 0, length: 3, reason: 'storage' as const };
  const lost = normalize(
    facts({ missing: [MISSING], captures: { stdout: { ...empty, gap }, stderr: empty } }),
  );
  expect(lost.outcome.failure?.reason).toBe('output_missing');
});

test('the captures of a setup come after those of the command, and gaps that nobody told of count', () => {
  const none = normalize(facts());
  expect(none.result.artifacts.map(({ artifact_id }) => artifact_id)).toEqual(['stdout', 'stderr']);
  expect(none.outcome).not.toHaveProperty('setup_stdout');
  expect(none.outcome.last_seq).toBe(5);

  const gap = { offset: 2, length: 3, reason: 'storage' as const };
  const setup = { stdout: { bytes: 5, kept: 2, sha256: 'aa', gap }, stderr: empty };
  const { result, outcome } = normalize(facts({ captures: { stdout: empty, stderr: empty, setup } }));
  expect(result.artifacts.map(({ artifact_id, path }) => [artifact_id, path])).toEqual([
    ['stdout', '/data/empty'],
    ['stderr', '/data/empty'],
    ['setup_stdout', '/data/runs/r/setup_stdout'],
    ['setup_stderr', '/data/empty'],
  ]);
  expect(outcome).toMatchObject({ setup_stdout: setup.stdout, setup_stderr: empty, last_seq: 8 });
  // What setup said is not all there.
  expect(outcome.failure).toMatchObject({ reason: 'output_lost' });
  expect(() => [RuntimeResult.parse(result), Outcome.parse(outcome)]).not.toThrow();
});

test.each<[string, Partial<RunFacts>, object | null]>([
  ['success', {}, null],
  ['an exit code', { outcome: exited(2) }, { permanent: false, reason: 'exit_code' }],
  ['a timeout', { reason: timeout }, { permanent: false, reason: 'timed_out' }],
  ['a cancel', { reason: cancel }, { permanent: false, reason: 'cancelled' }],
  ['what is refused', { outcome: null, thrown: new Rejected('no') }, { permanent: true, reason: 'rejected' }],
  ['what nobody knows', { outcome: null, thrown: new Error('x') }, { permanent: false, reason: 'lost' }],
  [
    'a program that is not there',
    {
      outcome: {
        ended: 'never_started',
        started: false,
        retrySafe: true,
        exitCode: null,
        failure: 'program_not_found',
      },
    },
    { permanent: true, reason: 'program_not_found' },
  ],
  [
    'a backend that has it cancelled',
    { outcome: { ...exited(1), ended: 'completed', completion: 'cancelled', cancelledBy: 'backend' } },
    { permanent: false, reason: 'cancelled' },
  ],
  [
    'output that could not be kept',
    {
      captures: {
        stdout: { ...empty, bytes: 3, gap: { offset: 0, length: 3, reason: 'storage' } },
        stderr: empty,
      },
    },
    { permanent: false, reason: 'output_lost' },
  ],
  ['a missing output', { missing: [MISSING] }, { permanent: false, reason: 'output_missing' }],
  [
    'a missing output of a failure',
    { missing: [MISSING], outcome: exited(2) },
    { permanent: false, reason: 'exit_code' },
  ],
  [
    'a missing output of what a worker says succeeded',
    { missing: [MISSING], outcome: { ...exited(1), ended: 'completed', completion: 'succeeded' } },
    { permanent: false, reason: 'output_missing' },
  ],
])('%s is a failure or none, and says whether a retry is of use', (_name, changes, failure) => {
  const { outcome } = normalize(facts(changes));
  expect(outcome.failure).toEqual(failure);
  expect(Outcome.safeParse(outcome).success).toBe(true);
});

test('the captures of a setup come after those of the command, and gaps that nobody told of count', () => {
  const none = normalize(facts());
  expect(none.result.artifacts.map(({ artifact_id }) => artifact_id)).toEqual(['stdout', 'stderr']);
  expect(none.outcome).not.toHaveProperty('setup_stdout');
  expect(none.outcome.last_seq).toBe(5);

  const gap = { offset: 2, length: 3, reason: 'storage' as const };
  const setup = { stdout: { bytes: 5, kept: 2, sha256: 'aa', gap }, stderr: empty };
  const { result, outcome } = normalize(facts({ captures: { stdout: empty, stderr: empty, setup } }));
  expect(result.artifacts.map(({ artifact_id, path }) => [artifact_id, path])).toEqual([
    ['stdout', '/data/empty'],
    ['stderr', '/data/empty'],
    ['setup_stdout', '/data/runs/r/setup_stdout'],
    ['setup_stderr', '/data/empty'],
  ]);
  expect(outcome).toMatchObject({ setup_stdout: setup.stdout, setup_stderr: empty, last_seq: 8 });
  // What setup said is not all there.
  expect(outcome.failure).toMatchObject({ reason: 'output_lost' });
  expect(() => [RuntimeResult.parse(result), Outcome.parse(outcome)]).not.toThrow();
});

test.each<[string, Partial<RunFacts>, object | null]>([
  ['a client', { reason: { ...cancel, by: 'client' } }, { by: 'client' }],
  ['the end of the server', { reason: { ...cancel, by: 'shutdown' } }, { by: 'shutdown' }],
  ['an earlier release, which kept no name', { reason: cancel }, null],
  [
    'the backend',
    { outcome: { ...exited(1), ended: 'completed', completion: 'cancelled', cancelledBy: 'backend' } },
    { by: 'backend' },
  ],
  ['nobody', { outcome: exited(1) }, null],
  ['nobody, as the timeout came first', { reason: timeout }, null],
])('who cancelled it is told: %s', (_name, changes, by) => {
  expect(normalize(facts(changes)).outcome.cancelled_by).toEqual(by);
});

test.each<[string, Partial<RunFacts>, string, string, string | null]>([
  ['exit code 0', {}, 'succeeded', 'exited', null],
  ['another exit code', { outcome: exited(2) }, 'failed', 'exited', null],
  ['a timeout beats exit code 0', { reason: timeout }, 'timed_out', 'timed_out', 'ran longer than 1.5 s'],
  [
    'a program that ended before its time was over, and was looked at late',
    { reason: timeout, outcome: { ...exited(7), timings: { run_ms: 1400 } } },
    'failed',
    'exited',
    null,
  ],
  [
    'one that took longer',
    { reason: timeout, outcome: { ...exited(), timings: { run_ms: 1600 } } },
    'timed_out',
    'timed_out',
    'ran longer than 1.5 s',
  ],
  [
    'one that was ended with what it had left',
    {
      reason: timeout,
      outcome: { ...exited(), timings: { run_ms: 1 }, kill: { signals: ['SIGTERM'], survivors: 0 } },
    },
    'timed_out',
    'timed_out',
    'ran longer than 1.5 s',
  ],
  [
    'a timeout beats what was thrown',
    { reason: timeout, outcome: null, thrown: new Error('stopped') },
    'timed_out',
    'timed_out',
    'ran longer than 1.5 s',
  ],
  ['a cancel beats exit code 0', { reason: cancel }, 'cancelled', 'cancelled', 'cancelled'],
  [
    'a cancel beats a refusal',
    { reason: cancel, outcome: null, thrown: new Rejected('no') },
    'cancelled',
    'cancelled',
    'cancelled',
  ],
  ['a refusal beats an outcome', { thrown: new Rejected('no') }, 'rejected', 'rejected', 'no'],
  [
    'an error without an outcome',
    { outcome: null, thrown: new Error('broken') },
    'failed',
    'lost',
    'the run could not be carried out: broken',
  ],
  [
    'words thrown instead of an error',
    { outcome: null, thrown: 'words' },
    'failed',
    'lost',
    'the run could not be carried out: words',
  ],
  [
    'success as the kind understands it',
    { outcome: { ...exited(204), ended: 'responded', success: true } },
    'succeeded',
    'responded',
    null,
  ],
  [
    'a status that the outside world names',
    { outcome: { ...exited(), ended: 'completed', completion: 'cancelled' } },
    'cancelled',
    'cancelled',
    null,
  ],
  [
    'a kind with its own words for a timeout',
    { reason: timeout, outcome: { ...exited(), timeoutSummary: 'poll exceeded timeout' } },
    'timed_out',
    'timed_out',
    'poll exceeded timeout',
  ],
  ['trouble afterwards is said and changes nothing', { notes: ['a', 'b'] }, 'succeeded', 'exited', 'a; b'],
])('%s', (_name, changes, status, ended, summary) => {
  const { result, outcome } = normalize(facts(changes));
  expect({ status: result.status, ended: outcome.ended, summary: result.error_summary }).toEqual({
    status,
    ended,
    summary,
  });
});

test('stdout and stderr come first, also when empty, and a kind without output has neither', () => {
  const artifact = {
    id: 'report',
    path: '/a/report',
    kind: 'file',
    description: 'x',
    sizeBytes: 1,
    sha256: 'ab',
    mediaType: 'text/plain',
    modifiedAt: new Date(0).toISOString(),
  } as RunFacts['artifacts'][number];
  const { result, outcome } = normalize(facts({ artifacts: [artifact] }));
  expect(result.artifacts.map(({ artifact_id }) => artifact_id)).toEqual(['stdout', 'stderr', 'report']);
  expect(outcome.last_seq).toBe(6);
  const byte = { bytes: 1, kept: 1, sha256: 'ab' };
  expect(normalize(facts({ captures: { stdout: byte, stderr: byte } })).result).toMatchObject({
    stdout_path: '/data/runs/r/stdout',
    stderr_path: '/data/runs/r/stderr',
  });
  const bare = normalize(facts({ captures: null }));
  expect(bare.result).toMatchObject({ stdout_path: null, stderr_path: null, artifacts: [] });
});

test('a run is safe to retry only if its work provably did not begin', () => {
  const retry = (changes: Partial<RunFacts>) => {
    const { started, retry_safe } = normalize(facts(changes)).outcome;
    return { started, retry_safe };
  };
  expect(retry({})).toEqual({ started: true, retry_safe: false });
  expect(retry({ outcome: null, thrown: new Error('x') })).toEqual({ started: true, retry_safe: false });
  expect(retry({ outcome: null, thrown: new Rejected('x') })).toEqual({ started: false, retry_safe: true });
  expect(retry({ outcome: null, ran: false, reason: cancel })).toEqual({ started: false, retry_safe: true });
});

test('whatever the facts, the documents are exact and the status is final', () => {
  const outcomes: fc.Arbitrary<RunnerOutcome | null> = fc.option(
    fc.record({
      ended: fc.constantFrom('exited', 'signaled', 'never_started', 'lost', 'responded', 'completed'),
      started: fc.boolean(),
      retrySafe: fc.boolean(),
      exitCode: fc.option(fc.integer({ min: -64, max: 599 })),
    }),
  );
  fc.assert(
    fc.property(
      outcomes,
      fc.constantFrom(null, timeout, cancel),
      fc.constantFrom(null, undefined, 'words', new Error('e'), new Rejected('r')),
      fc.option(fc.nat()),
      fc.boolean(),
      (outcome, reason, thrown, startedAt, ran) => {
        const made = normalize(facts({ outcome, reason, thrown, startedAt, ran }));
        RuntimeResult.parse(made.result);
        Outcome.parse(made.outcome);
        expect(FINAL_STATUSES).toContain(made.result.status);
        if (reason) expect(made.result.status).toBe(reason === cancel ? 'cancelled' : 'timed_out');
        expect(made.result.finished_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
      },
    ),
  );
});
