import { z } from 'zod';

/**
 * Why a run did not succeed; true: the same invocation would fail again on this server, so that a retry is useless. Safe
 * (`retry_safe`: it did not begin) and useful are two facts.
 */
const PERMANENT = {
  /** It cannot be run as it was asked for. */
  rejected: true,
  program_not_found: true,
  program_not_executable: true,
  /** Arguments and environment are more than the system passes on. */
  arguments_too_long: true,
  /** Ended by itself, with another code than 0. */
  exit_code: false,
  signal: false,
  /** A command of its setup failed, so that its own was not started. */
  setup_failed: false,
  timed_out: false,
  cancelled: false,
  /** An answer that is none of those wanted: it has another status, or says nothing of the work. */
  status: false,
  /** An answer that is not whole. */
  broken_off: false,
  /** Who did the work says that it failed. */
  reported: false,
  /** Who was to do the work, or does it, could not be reached, or could not begin it. */
  unavailable: false,
  /** The server, or its machine, had not enough of something. */
  shortage: false,
  /** It succeeded, and output of it could not be kept. */
  output_lost: false,
  /** It did its work, and an output that it had to leave behind is not there, or could not be kept. */
  output_missing: false,
  /** What became of it is not known. */
  lost: false,
} as const;

export type FailureReason = keyof typeof PERMANENT;

export const Failure = z.strictObject({
  permanent: z.boolean().describe('The same invocation would fail again: a retry is useless'),
  reason: z.enum(Object.keys(PERMANENT) as [FailureReason, ...FailureReason[]]),
});
export type Failure = z.infer<typeof Failure>;

export function failureOf(reason: FailureReason): Failure {
  return { permanent: PERMANENT[reason], reason };
}
