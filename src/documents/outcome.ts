import { z } from 'zod';
import { Omitted } from './artifact.ts';
import { CancelledBy } from './cancelled-by.ts';
import { Failure } from './failure.ts';
import { SetupStep } from './setup.ts';
import { CHANNELS, type Channel, GAP_REASONS, type OfChannels, setupMark, streamOf } from './stream.ts';
import { WorkspaceOutcome } from './workspace.ts';

export const ENDED = [
  'exited',
  'signaled',
  'timed_out',
  'cancelled',
  'rejected',
  'never_started',
  'setup_failed',
  'lost',
  'responded',
  'completed',
] as const;

/**
 * One captured stream: bytes written by the program, bytes kept, hash of the kept bytes (hex). `gap`: bytes at its
 * end that are not kept, where the storage could not take them or word of them; it is an event too, the last before
 * the artifacts.
 */
export const StreamFacts = z.strictObject({
  bytes: z.number().int(),
  kept: z.number().int(),
  sha256: z.string(),
  gap: z
    .strictObject({ offset: z.number().int(), length: z.number().int(), reason: z.enum(GAP_REASONS) })
    .optional(),
});
export type StreamFacts = z.infer<typeof StreamFacts>;

/**
 * CPU time of the run's reaped processes and the peak memory of the largest. `max_rss_bytes` is null
 * when it cannot be told from what the kernel counts for the process that spawned it.
 */
export const Usage = z.strictObject({
  cpu_user_ms: z.number(),
  cpu_system_ms: z.number(),
  max_rss_bytes: z.number().int().nullable(),
});
export type Usage = z.infer<typeof Usage>;

/** What was sent to stop a run, in order, and how many of its processes still live (0 is the proof). */
export const Kill = z.strictObject({ signals: z.array(z.string()), survivors: z.number().int() });
export type Kill = z.infer<typeof Kill>;

/** Where the time went, milliseconds. Absent: that phase did not happen. */
export const Timings = z.strictObject({
  queue_ms: z.number().optional(),
  spawn_ms: z.number().optional(),
  first_byte_ms: z.number().optional(),
  setup_ms: z.number().optional(),
  run_ms: z.number().optional(),
  drain_ms: z.number().optional(),
  collect_ms: z.number().optional(),
});
export type Timings = z.infer<typeof Timings>;

export const TIMEOUT_REASONS = ['run', 'idle', 'queue', 'setup'] as const;
export type TimeoutReason = (typeof TIMEOUT_REASONS)[number];

/** Typed facts of a finished run that do not fit RxP. */
export const Outcome = z.strictObject({
  ended: z.enum(ENDED),
  started: z.boolean().describe('Did the work begin'),
  retry_safe: z.boolean().describe('True only if the work provably did not begin'),
  exit_code: z.number().int().nullable(),
  signal: z.string().nullable(),
  timeout_reason: z.enum(TIMEOUT_REASONS).nullable(),
  stdout: StreamFacts.nullable(),
  stderr: StreamFacts.nullable(),
  setup: z
    .array(SetupStep)
    .optional()
    .describe(
      'The commands of the setup that were begun; absent: the run had none, or nothing is known of it',
    ),
  setup_stdout: StreamFacts.optional().describe('Absent: the run had no setup'),
  setup_stderr: StreamFacts.optional(),
  last_seq: z.number().int(),
  timings: Timings,
  usage: Usage.nullable(),
  kill: Kill.nullable(),
  failure: Failure.nullish().describe('Null: it succeeded. Absent in records of 0.1.0'),
  cancelled_by: CancelledBy.nullish().describe(
    'Null: it was not cancelled, or an earlier release did not note by whom',
  ),
  omitted: z.array(Omitted),
  workspace: WorkspaceOutcome.optional().describe('Absent: the run had none'),
});
export type Outcome = z.infer<typeof Outcome>;

/** What was captured of a run. `setup`: where it had one. */
export interface CaptureFacts {
  stdout: StreamFacts;
  stderr: StreamFacts;
  setup?: { stdout: StreamFacts; stderr: StreamFacts };
}

/** The same by channel, as an outcome has it. */
export function byChannel({ stdout, stderr, setup }: CaptureFacts): OfChannels<StreamFacts> {
  return { stdout, stderr, ...(setup && { setup_stdout: setup.stdout, setup_stderr: setup.stderr }) };
}

type FactsOfChannels = Readonly<Partial<Record<Channel, StreamFacts | null | undefined>>>;

/** The gaps that the journal does not tell of. */
export function untoldGaps(captures: FactsOfChannels) {
  return CHANNELS.flatMap((channel) => {
    const gap = captures[channel]?.gap;
    return gap ? [{ stream: streamOf(channel), ...gap, ...setupMark(channel) }] : [];
  });
}

/** Bytes of all that a run wrote, or of what was kept of it. */
export function capturedBytes(captures: FactsOfChannels, which: 'bytes' | 'kept'): number {
  return CHANNELS.reduce((sum, channel) => sum + (captures[channel]?.[which] ?? 0), 0);
}
