import { z } from 'zod';
import { Invocation } from './invocation.ts';
import { RxpKind } from './rxp-kind.ts';

/** RuntimeInvocation, exact RxP 0.1. */
export const ExactInvocation = Invocation.omit({ options: true }).extend({
  runtime_kind: RxpKind,
  command: z.array(z.string()).min(1),
  timeout_seconds: z.number().int().positive().nullable(),
});
export type ExactInvocation = z.infer<typeof ExactInvocation>;

/**
 * What RxP has words for, of an invocation as it is stored. RxP knows no work without a command and no part of a second:
 * the kind's word stands where there is no command, and a time is rounded up, so that nobody waits for less than the run may take.
 */
export function exactInvocation(
  { options, ...invocation }: Invocation,
  runtime_kind: RxpKind,
): ExactInvocation {
  const { command, timeout_seconds: seconds } = invocation;
  return {
    ...invocation,
    runtime_kind,
    command: command.length > 0 ? command : [runtime_kind],
    timeout_seconds: seconds === null ? null : Math.ceil(seconds),
  };
}
