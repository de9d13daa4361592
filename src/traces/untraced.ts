import { traceOfVariables } from '../documents/trace-context.ts';
import type { TracedRun, Traces } from './traced-run.ts';

/** The context of the request, or, where it came with none, that of the variables that the invocation sets. */
export function contextBefore({ trace, invocation }: Pick<TracedRun, 'trace' | 'invocation'>) {
  const own = traceOfVariables(invocation.environment);
  if (trace.traceparent === undefined) return { ...own, ...trace };
  return { ...(own.baggage !== undefined && { baggage: own.baggage }), ...trace };
}

/** Nothing is recorded: who works for a run is told what the run was told. */
export const untraced: Traces = {
  contextOf: ({ trace }) => trace,
  runFinished: () => {},
  close: async () => {},
};
