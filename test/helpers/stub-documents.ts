import { z } from 'zod';
import type { RunDirectory } from '../../src/disk/run-directory.ts';
import type { ArtifactDescriptor } from '../../src/documents/artifact.ts';
import type { Kind } from '../../src/documents/kind.ts';
import type { Outcome, StreamFacts } from '../../src/documents/outcome.ts';
import type { Record as RunRecord } from '../../src/documents/record.ts';
import type { FinalStatus, RuntimeResult } from '../../src/documents/result.ts';
import type { OfChannels } from '../../src/documents/stream.ts';

/** What an invocation has where nothing was sent. */
export const COMPLETED = {
  schema_version: '0.1',
  contract_kind: 'runtime_invocation',
  runtime_name: 'subprocess',
  working_directory: '/tmp',
  command: ['hold'],
  environment: {},
  timeout_seconds: null,
  input_payload_path: null,
  output_result_path: null,
  artifact_directory: null,
  metadata: {},
  options: {},
};

export const STUB_KINDS: readonly Kind[] = [
  {
    kind: 'subprocess',
    name: 'subprocess',
    description: 'Runs a subprocess',
    optionKey: null,
    spec: z.null(),
  },
  {
    kind: 'docker',
    aliases: ['container'],
    name: 'docker',
    description: 'Runs a docker',
    spec: z.strictObject({ image: z.string() }),
  },
];

/** Result and outcome of a run of the stub that is over. */
export function stubEnd(
  run: { record: RunRecord; directory: RunDirectory; artifacts: ArtifactDescriptor[] },
  end: {
    status: FinalStatus;
    exitCode: number | null;
    time: string;
    captures: OfChannels<StreamFacts> & { lastSeq: number };
  },
): { result: RuntimeResult; outcome: Outcome } {
  const { invocation_id, runtime_name } = run.record.invocation;
  const { status, exitCode, time } = end;
  const { lastSeq, ...captures } = end.captures;
  const outcome: Outcome = {
    ended: 'exited',
    started: true,
    retry_safe: false,
    exit_code: exitCode,
    signal: null,
    timeout_reason: null,
    ...captures,
    last_seq: lastSeq,
    timings: { queue_ms: 0.5, run_ms: 12 },
    usage: null,
    kill: null,
    omitted: [],
  };
  const result: RuntimeResult = {
    schema_version: '0.1',
    contract_kind: 'runtime_result',
    invocation_id,
    runtime_name,
    runtime_kind: 'subprocess',
    status,
    exit_code: exitCode,
    started_at: time,
    finished_at: time,
    stdout_path: run.directory.stdout,
    stderr_path: run.directory.stderr,
    artifacts: run.artifacts,
    error_summary: null,
    metadata: {},
  };
  return { result, outcome };
}

/** Each figure another one, so that none is taken for another. */
export const STUB_READINESS = {
  running: 3,
  queued: 4,
  recovery: { queued: 5, resumed: 6, lost: 7, stillRecovering: 8 },
};
export const STUB_NUMBERS = {
  places: { programs: { all: 64, taken: 3 }, calls: { all: 1000, taken: 9 } },
  waiting: { places: 4, calls: 5, draining: 6, worker: 7, workspace: 8 },
  finished: { count: 10, bytes: 11 },
  disk: { total: 13, free: 12 },
};
