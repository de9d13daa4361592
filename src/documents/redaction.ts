import type { Invocation } from './invocation.ts';

export const REDACTED = '[redacted]';

/** The invocation as it is stored in the open and shown: the webhook's secret is replaced. */
export function redactInvocation(invocation: Invocation): Invocation {
  const { on_finish } = invocation.options;
  if (on_finish?.secret === undefined) return invocation;
  return { ...invocation, options: { ...invocation.options, on_finish: { ...on_finish, secret: REDACTED } } };
}
