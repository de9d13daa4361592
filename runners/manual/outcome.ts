import type { RunnerOutcome } from '../../src/contract/outcome.ts';
import type { ArtifactFacts } from '../../src/documents/artifact.ts';
import type { Completion } from '../../src/documents/completion.ts';

/** What the worker says is what became of it. A worker that rejects it has not begun. */
export function completionOutcome(completion: Completion, artifacts: ArtifactFacts[]): RunnerOutcome {
  const began = completion.status !== 'rejected';
  return {
    ended: 'completed',
    started: began,
    retrySafe: !began,
    exitCode: completion.exit_code ?? null,
    completion: completion.status,
    cancelledBy: 'worker',
    errorSummary: completion.error_summary || defaultSummary(completion),
    metadata: completion.metadata ?? {},
    artifacts,
  };
}

/** Who fails says why, also when the worker did not. */
function defaultSummary({ status, exit_code: code }: Completion): string | null {
  if (status === 'succeeded') return null;
  const exit = typeof code === 'number' ? `, exit_code ${code}` : '';
  return `the worker reported ${status}${exit}`;
}

/** Cancelled or out of time, without a word of a worker. `attempts`: claims that were handed out. */
export function stoppedOutcome(attempts: number): RunnerOutcome {
  const began = attempts > 0;
  return { ended: began ? 'lost' : 'never_started', started: began, retrySafe: !began, exitCode: null };
}

export function lostOutcome(attempts: number): RunnerOutcome {
  const claims = attempts === 1 ? 'its only claim was' : `${attempts} claims were`;
  return {
    ended: 'lost',
    started: true,
    retrySafe: false,
    exitCode: null,
    success: false,
    errorSummary: `${claims} lost: no worker was heard of until the end of its lease`,
  };
}

export function unclaimedOutcome(seconds: number): RunnerOutcome {
  return {
    ended: 'never_started',
    started: false,
    retrySafe: true,
    exitCode: null,
    completion: 'timed_out',
    timeoutReason: 'queue',
    errorSummary: `waited for a worker for longer than ${seconds} s`,
  };
}
