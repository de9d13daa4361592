import { capturedBytes } from '../documents/outcome.ts';
import type { FinishedFacts } from '../run/finished-facts.ts';
import type { LiveRun } from '../run/live-run.ts';

export interface ReportTools {
  log: { info(facts: object, message: string): void };
  metrics: {
    runFinished(facts: { kind: string; status: string; seconds: number; outputBytes: number }): void;
  };
}

/** The one line of a finished run, and its part in the metrics. */
export function reportRun(
  run: LiveRun,
  { status, outcome, result, finishedAt }: FinishedFacts,
  { log, metrics }: ReportTools,
): void {
  const { kind } = run.runner;
  const seconds = run.startedAt === null ? 0 : (finishedAt - run.startedAt) / 1000;
  const outputBytes = capturedBytes(outcome, 'bytes');
  metrics.runFinished({ kind, status, seconds, outputBytes });
  const { ended, exit_code, signal, timings } = outcome;
  const error = result.error_summary;
  log.info(
    { invocation_id: run.id, kind, status, error, ended, exit_code, signal, seconds, outputBytes, timings },
    'run finished',
  );
}
